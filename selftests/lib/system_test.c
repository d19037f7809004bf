// SPDX-License-Identifier: Apache-2.0
/* Settings as they are read from a machine's files, and what a verifier makes of them. */
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/appraise_part.h"

FIXTURE(machine) {
	char root[64];
	struct tconn_system is;
	struct tconn_evidence e;
	struct tconn_refvals want;
	struct tconn_appraising a;
	struct tconn_reason why;
};

FIXTURE_SETUP(machine)
{
	snprintf(self->root, sizeof(self->root), "/tmp/system-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->root));
	self->a.evidence = &self->e;
	self->a.refvals = &self->want;
}

static int run(const char *root, const char *script)
{
	char command[2048];

	snprintf(command, sizeof(command), "cd %s && %s", root, script);
	return system(command);
}

FIXTURE_TEARDOWN(machine)
{
	EXPECT_EQ(0, run(self->root, "rm -rf proc sys && rmdir \"$PWD\""));
}

static const char hardened[] =
	"mkdir -p proc/sys/kernel/yama sys/kernel/security/ima && : >proc/fb &&"
	"echo 'none integrity [confidentiality]' >sys/kernel/security/lockdown &&"
	"printf 'nodev\\ttracefs\\n' >proc/filesystems &&"
	"echo 3 >proc/sys/kernel/yama/ptrace_scope && echo 1 >proc/sys/kernel/modules_disabled &&"
	"echo 1 >proc/sys/kernel/kexec_load_disabled";

TEST_F(machine, hardened_in_full)
{
	ASSERT_EQ(0, run(self->root, hardened));
	tconn_system_read(self->root, "/nowhere", &self->is);
	for (enum tconn_fact f = 0; f < TCONN_FACT_REE; f++) {
		EXPECT_STREQ(tconn_fact_wanted(f), self->is.fact[f])
			TH_LOG("%s", tconn_fact_name(f));
	}
	EXPECT_STREQ("none", self->is.fact[TCONN_FACT_REE]);
}

TEST_F(machine, each_weakness_is_seen)
{
	ASSERT_EQ(0, run(self->root, hardened));
	ASSERT_EQ(0, run(self->root,
			 "echo '[none] integrity' >sys/kernel/security/lockdown; echo fb0 >proc/fb;"
			 "printf 'nodev\\tdebugfs\\n' >proc/filesystems; : >sys/kernel/security/ima/policy;"
			 "for f in yama/ptrace_scope modules_disabled kexec_load_disabled; do"
			 " echo 0 >proc/sys/kernel/$f; done"));
	tconn_system_read(self->root, NULL, &self->is);
	for (enum tconn_fact f = 0; f < TCONN_FACT_REE; f++) {
		EXPECT_STRNE(tconn_fact_wanted(f), self->is.fact[f]) TH_LOG("%s", tconn_fact_name(f));
		EXPECT_STRNE("", self->is.fact[f]) TH_LOG("%s", tconn_fact_name(f));
	}
	EXPECT_STREQ("", self->is.fact[TCONN_FACT_REE]);
}

TEST_F(machine, what_is_not_known_is_no_good_value)
{
	tconn_system_read(self->root, NULL, &self->is);
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++) {
		EXPECT_STREQ("", self->is.fact[f])
			TH_LOG("%s", tconn_fact_name(f));
	}
}

TEST_F(machine, demands_are_met_or_refused)
{
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++) {
		strcpy(self->want.system.fact[f], tconn_fact_wanted(f));
		strcpy(self->e.system.fact[f], tconn_fact_wanted(f));
	}
	EXPECT_TRUE(tconn_check_system(&self->a, &self->why)) TH_LOG("%s", self->why.text);
	EXPECT_EQ(0, strncmp("hardened in full", self->why.text, 16)) TH_LOG("%s", self->why.text);
	EXPECT_FALSE(self->why.warning);
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++) {
		strcpy(self->e.system.fact[f], "x");
		EXPECT_FALSE(tconn_check_system(&self->a, &self->why));
		EXPECT_NE(NULL, strstr(self->why.text, tconn_fact_name(f)));
		self->e.system.fact[f][0] = '\0';
		EXPECT_FALSE(tconn_check_system(&self->a, &self->why));
		strcpy(self->e.system.fact[f], tconn_fact_wanted(f));
	}
}

TEST_F(machine, what_is_weaker_is_said_where_it_is_allowed)
{
	EXPECT_TRUE(tconn_check_system(&self->a, &self->why));
	EXPECT_EQ(0, strncmp("weaker than it could be: lockdown not known", self->why.text, 43))
		TH_LOG("%s", self->why.text);
	EXPECT_TRUE(self->why.warning);
}

TEST_HARNESS_MAIN
