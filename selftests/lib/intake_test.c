// SPDX-License-Identifier: Apache-2.0
/* What a receiver of labelled items asks of them before it keeps them. */
#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/file.h"
#include "daemon/lib/intake.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

static struct swtpm_maker maker;
static struct swtpm swtpm;
static char issuer_dir[SWTPM_PATH_MAX], id_dir[SWTPM_PATH_MAX];
static struct tconn_identity device;

FIXTURE(intake) {
	char dir[SWTPM_PATH_MAX], items[SWTPM_PATH_MAX + 16];
	struct tconn_label_signer signer;
	struct tconn_label_clock clock;
	struct tconn_label_environment environment;
	struct tconn_label_source source;
	struct tconn_intake in;
	const struct tconn_appraised *appraised;
	struct tconn_bytes label, data;
	struct tconn_intake_item got;
	struct tconn_error err;
};

FIXTURE_SETUP(intake)
{
	char path[SWTPM_PATH_MAX + 16];

	swtpm_temp_dir(self->dir);
	snprintf(self->items, sizeof(self->items), "%s/items", self->dir);
	snprintf(path, sizeof(path), "%s/ca.pem", id_dir);
	ASSERT_EQ(0, tconn_label_trust_load(path, &self->in.trust, &self->err));
	ASSERT_EQ(0, tconn_label_signer_open(swtpm.tcti, id_dir, &self->signer, &self->err));
	self->in.dir = self->items;
	strcpy(self->source.name, "camera/front");
	strcpy(self->source.content_type, "image/x-raw");
	self->clock.epoch = 1;
}

FIXTURE_TEARDOWN(intake)
{
	tconn_label_signer_close(&self->signer);
	tconn_label_trust_free(self->in.trust);
	tconn_intake_free(&self->in);
	tconn_bytes_free(&self->label);
}

static int policy(FIXTURE_DATA(intake) *self, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"camera/...\"%s}]}",
		 more);
	return tconn_intake_policy_parse(text, strlen(text), &self->in.policy, &self->err);
}

/* One item in a batch of its own; count of them. */
static int make(FIXTURE_DATA(intake) *self, uint64_t sequence, const char *data, size_t count)
{
	struct tconn_label_new item = { .sequence = sequence, .size = strlen(data),
					.data = (const uint8_t *)data };
	struct tconn_label_batch *b = NULL;
	int r;

	if (!self->clock.time_us)
		tconn_label_now(&self->clock);
	self->clock.batch++;
	self->data = (struct tconn_bytes){ (uint8_t *)data, strlen(data) };
	item.time_us = self->clock.time_us;
	tconn_bytes_free(&self->label);
	r = tconn_label_batch_new(&self->clock, &self->environment, &b, &self->err);
	if (!r)
		r = tconn_label_batch_source(b, &self->source, &item.source, &self->err);
	for (size_t i = 0; !r && i < count; i++, item.sequence++)
		r = tconn_label_batch_add(b, &item, &self->err);
	if (!r)
		r = tconn_label_batch_sign(b, &self->signer, &self->err);
	if (!r)
		r = count == 1 ? tconn_label_batch_item(b, 0, NULL, 0, &self->label, &self->err) :
		    tconn_label_batch_encode(b, &self->label, &self->err);
	tconn_label_batch_free(b);
	return r;
}

static int take(FIXTURE_DATA(intake) *self)
{
	return tconn_intake_take(&self->in, &device, self->appraised, &self->label, &self->data,
				 &self->got, &self->err);
}

static bool kept_nothing(FIXTURE_DATA(intake) *self)
{
	char command[2 * SWTPM_PATH_MAX + 128];

	snprintf(command, sizeof(command), "! ls %s/*/*.data %s/*/*.label >/dev/null 2>&1", self->items,
		 self->items);
	return system(command) == 0;
}

#define EXPECT_REFUSED(code, why) do { \
	EXPECT_EQ(code, take(self)); \
	EXPECT_NE(NULL, strstr(self->err.text, why)) TH_LOG("%s", self->err.text); \
	EXPECT_TRUE(kept_nothing(self)); \
} while (0)

TEST_F(intake, keeps_what_is_good)
{
	struct tconn_bytes data = { 0 };

	ASSERT_EQ(0, policy(self, ""));
	ASSERT_EQ(0, make(self, 1, "pixels", 1)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("camera/front #1", self->got.name);
	EXPECT_NE(NULL, strstr(self->got.path, "/camera%2Ffront-1-1.data"));
	ASSERT_EQ(0, tconn_file_read(self->got.path, 100, &data, &self->err));
	EXPECT_EQ(0, memcmp(data.data, "pixels", 6));
	tconn_bytes_free(&data);
	EXPECT_EQ(-EEXIST, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "item camera/front #1: ")) TH_LOG("%s", self->err.text);
}

TEST_F(intake, name_of_a_source_cannot_leave_the_folder)
{
	ASSERT_EQ(0, policy(self, "},{\"source\":\"../../x\""));
	strcpy(self->source.name, "../../x");
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	EXPECT_NE(NULL, strstr(self->got.path, "/%2E%2E%2F%2E%2E%2Fx-1-1.data"))
		TH_LOG("%s", self->got.path);
}

TEST_F(intake, A_2_4_4_changed_data_is_refused)
{
	ASSERT_EQ(0, policy(self, ""));
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	self->data.data = (uint8_t *)"pixelz";
	EXPECT_REFUSED(-EUCLEAN, "item camera/front #1: the data is not what was labelled");
	self->data.len = 5;
	EXPECT_REFUSED(-EUCLEAN, "the data has 5 bytes, 6 were labelled");
}

TEST_F(intake, each_rule_of_the_policy_refuses)
{
	self->clock.time_us = 1700000000000000;		/* years ago */
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	ASSERT_EQ(0, policy(self, ",\"max_age_s\":60"));
	EXPECT_REFUSED(-ETIME, "policy: ");
	ASSERT_EQ(0, policy(self, ",\"content_types\":[\"text/plain\"]"));
	EXPECT_REFUSED(-EPERM, "content of type image/x-raw is not accepted");
	ASSERT_EQ(0, policy(self, ",\"synchronised\":true"));
	EXPECT_REFUSED(-EPERM, "clock was not synchronised");
	ASSERT_EQ(0, policy(self, ",\"environment\":true"));
	EXPECT_REFUSED(-EPERM, "does not say what the machine ran");
	ASSERT_EQ(0, policy(self, ",\"programs\":[\"00000000000000000000000000000000"
			    "00000000000000000000000000000000\"]"));
	/* A label without a program is of none: zeros do not match it. */
	EXPECT_REFUSED(-EPERM, "not by a program that is accepted (none is named)");
	strcpy(self->in.policy.rule[0].source, "microphone/1");
	EXPECT_REFUSED(-EPERM, "no such source is accepted");
}

static int shell(FIXTURE_DATA(intake) *self, const char *command)
{
	char line[2 * SWTPM_PATH_MAX + 128];

	snprintf(line, sizeof(line), "cd %s/%s && %s", self->items, device.name, command);
	return system(line);
}

/* Until somebody takes files away; and what lay there before the program started counts too. */
TEST_F(intake, no_more_items_of_a_signer_are_kept_than_the_policy_has_it)
{
	ASSERT_EQ(0, policy(self, ",\"max_items\":2"));
	for (uint64_t i = 1; i <= 2; i++) {
		ASSERT_EQ(0, make(self, i, "pixels", 1));
		ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	}
	/* One that is there already is not in want of room. */
	EXPECT_EQ(-EEXIST, take(self));
	ASSERT_EQ(0, make(self, 3, "pixels", 1));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EDQUOT, take(self));
		EXPECT_NE(NULL, strstr(self->err.text, "item camera/front #3: quota: of camera/..., 2 items of"))
			TH_LOG("%s", self->err.text);
		tconn_intake_free(&self->in);		/* as if it had just started */
	}
	EXPECT_NE(0, shell(self, "ls *-3.* 2>/dev/null"));
	EXPECT_EQ(-EDQUOT, take(self));
	ASSERT_EQ(0, shell(self, "rm *-1.data *-1.label"));
	/* Nothing was lost by the refusal: it comes in its order. */
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 4, "pixels", 1));
	EXPECT_EQ(-EDQUOT, take(self));
}

TEST_F(intake, each_kind_has_a_quota_of_its_own_whatever_its_sources_are_called)
{
	ASSERT_EQ(0, policy(self, ",\"max_items\":1},{\"source\":\"a-b%/...\",\"max_items\":1"));
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	strcpy(self->source.name, "camera/back-2");
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	EXPECT_EQ(-EDQUOT, take(self));
	strcpy(self->source.name, "a-b%/x-1-2.data");
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	/* Found again from the names of the files. */
	tconn_intake_free(&self->in);
	strcpy(self->source.name, "a-b%/y");
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	EXPECT_EQ(-EDQUOT, take(self));
}

TEST_F(intake, no_more_bytes_of_a_signer_are_kept_than_the_policy_has_it)
{
	char *large = calloc(1, 1 << 20);

	memset(large, 'x', (1 << 20) - 500);
	ASSERT_EQ(0, policy(self, ",\"max_mib\":2"));
	ASSERT_EQ(0, make(self, 1, large, 1));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	/* The labels count too: a second one is over 2 MiB with its own. */
	ASSERT_EQ(0, make(self, 2, large, 1));
	EXPECT_EQ(-EDQUOT, take(self));
	ASSERT_EQ(0, make(self, 2, "pixels", 1));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, shell(self, "rm *-1.data"));
	ASSERT_EQ(0, make(self, 3, large, 1));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	free(large);
}

TEST_F(intake, quota_is_there_where_the_policy_names_none)
{
	ASSERT_EQ(0, policy(self, ""));
	EXPECT_EQ(10000u, self->in.policy.rule[0].max_items);
	EXPECT_EQ(1024u, self->in.policy.rule[0].max_mib);
}

/* The machine's logs were so long at a quote of now. */
static int appraise(FIXTURE_DATA(intake) *self, struct tconn_appraised *a, size_t ima, size_t module)
{
	const uint8_t qualifying[32] = { 1 };
	struct tconn_evidence e = { .kernel = "6.1.0", .ima_log.len = ima, .tconn_log.len = module };
	int r = tconn_tpm_quote(self->signer.tpm, 1u << 10, qualifying, &e.quote, &self->err);

	usleep(5000);		/* what the TPM's clock says next is later */
	return r ? r : tconn_appraised_add(a, &e, &self->err);
}

static int make_in(FIXTURE_DATA(intake) *self, const char *kernel, uint64_t ima, uint64_t module)
{
	int r = tconn_label_read_clock(self->signer.tpm, &self->clock, &self->err);

	self->environment = (struct tconn_label_environment){ .present = true, .ima_log = ima,
							      .tconn_log = module };
	strcpy(self->environment.kernel, kernel);
	usleep(5000);
	return r ? r : make(self, self->clock.batch + 1, "pixels", 1);
}

TEST_F(intake, environment_is_what_was_appraised_or_the_item_is_refused)
{
	struct tconn_appraised a = { 0 };

	self->appraised = &a;
	ASSERT_EQ(0, policy(self, ""));
	ASSERT_EQ(0, appraise(self, &a, 1000, 100)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make_in(self, "5.10.0", 1000, 100)) TH_LOG("%s", self->err.text);
	EXPECT_REFUSED(-EPERM, "environment: kernel 5.10.0; appraised was 6.1.0");
	ASSERT_EQ(0, make_in(self, "6.1.0", 1001, 100));
	EXPECT_REFUSED(-EAGAIN, "environment: IMA's log of 1001 bytes at ");
	/* It has attested since, and the log was not that long. */
	ASSERT_EQ(0, appraise(self, &a, 1000, 100));
	EXPECT_REFUSED(-EPERM, "appraised were 1000 bytes at ");
	ASSERT_EQ(0, make_in(self, "6.1.0", 1000, 101));
	EXPECT_REFUSED(-EAGAIN, "environment: the module's log of 101 bytes at ");
	ASSERT_EQ(0, appraise(self, &a, 1000, 101));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make_in(self, "6.1.0", 1000, 50));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
}

/* Of an earlier start of the machine, or of before anything was appraised in this one. */
TEST_F(intake, environment_of_an_earlier_time_is_the_policys_business)
{
	struct tconn_appraised a = { 0 };

	self->appraised = &a;
	ASSERT_EQ(0, make_in(self, "5.10.0", 1001, 100)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, policy(self, ",\"appraised\":true"));
	EXPECT_REFUSED(-EPERM, "policy: it is of a time of which nothing was appraised");
	ASSERT_EQ(0, appraise(self, &a, 1000, 100));
	EXPECT_REFUSED(-EPERM, "policy: it is of a time of which nothing was appraised");
	ASSERT_EQ(0, make_in(self, "6.1.0", 1000, 100));
	a.reset_count++;		/* it has started anew */
	ASSERT_EQ(0, appraise(self, &a, 10, 1));
	EXPECT_REFUSED(-EPERM, "policy: it is of a time of which nothing was appraised");
	ASSERT_EQ(0, policy(self, ",\"environment\":true"));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 9, "pixels", 1));
	self->appraised = NULL;
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
}

TEST_F(intake, hole_is_refused_where_the_policy_wants_all)
{
	ASSERT_EQ(0, policy(self, ",\"complete\":true"));
	ASSERT_EQ(0, make(self, 1, "one", 1));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 3, "three", 1));
	EXPECT_EQ(-ENOMSG, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "missing: item 2")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, policy(self, ""));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 2, "two", 1));
	EXPECT_EQ(-EILSEQ, take(self));
}

TEST_F(intake, A_2_3_4_of_somebody_else_or_a_batch_is_refused)
{
	struct tconn_identity other = device;

	ASSERT_EQ(0, policy(self, ""));
	ASSERT_EQ(0, make(self, 1, "pixels", 1));
	other.name[0] = other.name[0] == 'a' ? 'b' : 'a';
	EXPECT_EQ(-EXDEV, tconn_intake_take(&self->in, &other, NULL, &self->label, &self->data, &self->got,
					    &self->err));
	ASSERT_EQ(0, make(self, 1, "pixels", 3));
	EXPECT_REFUSED(-EINVAL, "a label of one item is due");
	self->label.len = 200;
	EXPECT_REFUSED(-ENODATA, "item without a name: ");
}

TEST(policy_refuses_what_it_does_not_know)
{
	static const char *const bad[] = {
		"", "{}", "{\"tconn-item-policy\":2,\"sources\":[]}", "{\"tconn-item-policy\":1}",
		"{\"tconn-item-policy\":1,\"sources\":[],\"x\":1}",
		"{\"tconn-item-policy\":1,\"sources\":[{}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"max_age\":1}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"complete\":1}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"programs\":[\"ab\"]}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"content_types\":[]}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"max_items\":0}]}",
		"{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"a\",\"max_mib\":16777217}]}",
	};
	struct tconn_intake_policy *p = calloc(1, sizeof(*p));
	struct tconn_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_GT(0, tconn_intake_policy_parse(bad[i], strlen(bad[i]), p, &err))
			TH_LOG("%s", bad[i]);
	}
	free(p);
}

int main(int argc, char **argv)
{
	struct tconn_issuer *issuer;

	swtpm_maker_start(&maker);
	swtpm_start(&maker, "device", &swtpm);
	swtpm_temp_dir(issuer_dir);
	swtpm_temp_dir(id_dir);
	issuer = test_issuer(issuer_dir, "test issuer");
	test_identity(issuer, issuer_dir, swtpm.tcti, NULL, id_dir, &device);
	tconn_issuer_free(issuer);
	return test_harness_run(argc, argv);
}
