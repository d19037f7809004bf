// SPDX-License-Identifier: Apache-2.0
/*
 * Logs of real guests (data/README.md): parsers, replay and the checks of
 * appraise_boot.c, appraise_ima.c and appraise_tconn.c against PCRs that a
 * kernel read. The folder with data/ is selftests/lib: run from the top of the tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/appraise_part.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/pcr.h"

#define DATA		"selftests/lib/data/"
#define FILE_MAX	65536

static struct tconn_error err;

static struct tconn_bytes load(const char *name)
{
	struct tconn_bytes b = { malloc(FILE_MAX), 0 };
	FILE *f = fopen(name, "re");

	if (!f)
		return b;
	b.len = fread(b.data, 1, FILE_MAX, f);
	fclose(f);
	return b;
}

/* Lines "index HEX". */
static bool load_pcrs(const char *name, struct tconn_pcrs *ret)
{
	char line[128], hex[65];
	FILE *f = fopen(name, "re");
	unsigned int pcr;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%u %64s", &pcr, hex) != 2 || pcr >= TCONN_PCR_COUNT ||
		    !tconn_unhex(hex, strlen(hex), ret->digest[pcr], 32))
			return false;
		ret->mask |= 1u << pcr;
	}
	if (f)
		fclose(f);
	return ret->mask == TCONN_PCR_MASK;
}

FIXTURE(guest) {
	struct tconn_evidence e;
	struct tconn_appraising a;
	struct tconn_reason why;
	struct tconn_refvals *refvals;
};

FIXTURE_SETUP(guest)
{
	self->e.boot_log = load(DATA "device/boot");
	self->e.ima_log = load(DATA "device/ima");
	self->e.tconn_log = load(DATA "device/tconn");
	strcpy(self->e.kernel, "6.1.0-56-amd64");
	ASSERT_TRUE(load_pcrs(DATA "device/pcrs", &self->e.quote.pcrs));
	ASSERT_EQ(0, tconn_refvals_load(DATA "device/refvals.json", &self->refvals, &err))
		TH_LOG("%s", err.text);
	self->a.evidence = &self->e;
	self->a.refvals = self->refvals;
}

FIXTURE_TEARDOWN(guest)
{
	tconn_refvals_free(self->refvals);
	tconn_evidence_free(&self->e);
}

TEST_F(guest, firmware_log_replays_and_is_as_predicted)
{
	EXPECT_TRUE(tconn_check_boot_log(&self->a, &self->why)) TH_LOG("%s", self->why.text);
	EXPECT_EQ(0, strncmp(self->why.text, "24 events", 9)) TH_LOG("%s", self->why.text);
	EXPECT_TRUE(tconn_check_boot_reference(&self->a, &self->why)) TH_LOG("%s", self->why.text);
}

TEST_F(guest, ima_log_replays_and_is_as_predicted)
{
	EXPECT_TRUE(tconn_check_ima_log(&self->a, &self->why)) TH_LOG("%s", self->why.text);
	EXPECT_LT(50, self->a.ima_prefix);
	EXPECT_TRUE(tconn_check_ima_reference(&self->a, &self->why)) TH_LOG("%s", self->why.text);
}

TEST_F(guest, module_log_replays_and_is_as_predicted)
{
	EXPECT_TRUE(tconn_check_tconn_log(&self->a, &self->why)) TH_LOG("%s", self->why.text);
	EXPECT_EQ(2, self->a.tconn_prefix);
	EXPECT_TRUE(tconn_check_tconn_reference(&self->a, &self->why)) TH_LOG("%s", self->why.text);
}

/* Where the measured bytes of each entry are: digest and path of a file. */
struct places {
	size_t count;
	size_t at[512];
	const uint8_t *log;
};

static int find_places(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct places *p = arg;

	if (2 * index + 2 > sizeof(p->at) / sizeof(p->at[0]))
		return 1;
	p->at[p->count++] = (size_t)(e->digest - p->log);
	p->at[p->count++] = (size_t)((const uint8_t *)e->path - p->log);
	return 0;
}

TEST_F(guest, a_changed_bit_of_any_entry_shows)
{
	struct tconn_bytes *log = &self->e.ima_log;
	struct places p = { .log = log->data };

	ASSERT_EQ(0, tconn_ima_walk(log->data, log->len, find_places, &p, &err));
	ASSERT_LT(100, p.count);
	for (size_t i = 0; i < p.count; i++) {
		log->data[p.at[i]] ^= 1;
		EXPECT_FALSE(tconn_check_ima_log(&self->a, &self->why)) TH_LOG("byte %zu", p.at[i]);
		log->data[p.at[i]] ^= 1;
	}
	log = &self->e.tconn_log;
	for (size_t i = 0; i < log->len; i++) {
		log->data[i] ^= 1;
		EXPECT_FALSE(tconn_check_tconn_log(&self->a, &self->why)) TH_LOG("byte %zu", i);
		log->data[i] ^= 1;
	}
}

struct replay {
	struct tconn_pcrs pcrs;
	size_t events;
};

static int see_boot(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct replay *r = arg;

	r->events = index + 1;
	return tconn_pcr_replay_boot(&r->pcrs, e, &err);
}

static int see_ima(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct replay *r = arg;
	uint8_t digest[32];

	r->events = index + 1;
	tconn_ima_template_digest(e, digest);
	tconn_pcr_replay(&r->pcrs, e->pcr, digest);
	return 0;
}

TEST(seabios_logs_replay)
{
	struct tconn_bytes boot = load(DATA "seabios/boot"), ima = load(DATA "seabios/ima");
	struct tconn_pcrs quoted = { 0 };
	struct replay r = { .events = 0 };

	ASSERT_TRUE(load_pcrs(DATA "seabios/pcrs", &quoted));
	tconn_pcrs_reset(&r.pcrs);
	ASSERT_EQ(0, tconn_boot_walk(boot.data, boot.len, see_boot, &r, &err)) TH_LOG("%s", err.text);
	EXPECT_LT(5, r.events);
	ASSERT_EQ(0, tconn_ima_walk(ima.data, ima.len, see_ima, &r, &err)) TH_LOG("%s", err.text);
	EXPECT_LT(5, r.events);
	for (int i = 0; i < 15; i++) {
		EXPECT_EQ(0, memcmp(quoted.digest[i], r.pcrs.digest[i], 32)) TH_LOG("PCR %d", i);
	}
	tconn_bytes_free(&boot);
	tconn_bytes_free(&ima);
}

/* Lines "  N  : 0xHEX" below "  sha256:" of what tpm2_eventlog replays. */
static unsigned int compare_with_eventlog(const char *boot, const struct tconn_pcrs *quoted)
{
	char command[128], line[256], hex[65];
	unsigned int pcr, same = 0;
	bool sha256 = false;
	uint8_t digest[32];
	FILE *f;

	snprintf(command, sizeof(command), "tpm2_eventlog %s 2>/dev/null", boot);
	f = popen(command, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "  sha", 5))
			sha256 = !strcmp(line, "  sha256:\n");
		if (!sha256 || sscanf(line, " %u : 0x%64[0-9a-f]", &pcr, hex) != 2)
			continue;
		same += pcr < 15 && tconn_unhex(hex, strlen(hex), digest, 32) &&
			!memcmp(digest, quoted->digest[pcr], 32);
	}
	if (f)
		pclose(f);
	return same;
}

TEST(tpm2_eventlog_agrees)
{
	struct tconn_pcrs device = { 0 }, seabios = { 0 };

	ASSERT_TRUE(load_pcrs(DATA "device/pcrs", &device));
	ASSERT_TRUE(load_pcrs(DATA "seabios/pcrs", &seabios));
	EXPECT_EQ(9, compare_with_eventlog(DATA "device/boot", &device));	/* 0-7 and 9 */
	EXPECT_EQ(8, compare_with_eventlog(DATA "seabios/boot", &seabios));
}

/* Evidence can be exported to the usual tools: evmctl takes the log as it is. */
TEST(evmctl_agrees)
{
	char name[] = "/tmp/tconn-evmctl-XXXXXX", command[256];
	struct tconn_pcrs pcrs = { 0 };
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w");

	ASSERT_NE(NULL, f);
	ASSERT_TRUE(load_pcrs(DATA "device/pcrs", &pcrs));
	for (int i = 0; i < 15; i++) {
		fprintf(f, "PCR-%02d:", i);
		for (int j = 0; j < 32; j++)
			fprintf(f, " %02X", pcrs.digest[i][j]);
		fprintf(f, "\n");
	}
	fclose(f);
	snprintf(command, sizeof(command), "evmctl ima_measurement --pcrs sha256,%s " DATA
		 "device/ima >/dev/null 2>&1", name);
	EXPECT_EQ(0, system(command));
	unlink(name);
}

TEST_HARNESS_MAIN
