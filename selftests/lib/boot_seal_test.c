// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/boot_seal.c against software TPMs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kselftest_harness.h>

#include "daemon/lib/boot_seal.h"
#include "daemon/lib/tpm.h"
#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm, other_swtpm;

static const char secret[] = "four words of somebody";

#define EXPECT_SAID(part) \
	EXPECT_NE(NULL, strstr(self->err.text, part)) \
		TH_LOG("\"%s\" is not in \"%s\"", part, self->err.text)

FIXTURE(seal) {
	struct tconn_tpm *tpm;
	struct tconn_error err;
	struct tconn_bytes file;
	uint8_t out[TCONN_SEAL_MAX];
	size_t len;
};

FIXTURE_SETUP(seal)
{
	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_seal(self->tpm, secret, sizeof(secret), &self->file, &self->err))
		TH_LOG("%s", self->err.text);
}

FIXTURE_TEARDOWN(seal)
{
	tconn_bytes_free(&self->file);
	tconn_tpm_close(self->tpm);
}

static int unseal(FIXTURE_DATA(seal) *self)
{
	memset(self->out, 0, sizeof(self->out));
	self->len = 0;
	self->err.text[0] = '\0';
	return tconn_unseal(self->tpm, self->file.data, self->file.len, self->out, &self->len,
			    &self->err);
}

static bool contains(const void *in, size_t in_len, const void *what, size_t len)
{
	return memmem(in, in_len, what, len) != NULL;
}

TEST_F(seal, opens_where_it_was_sealed)
{
	ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(sizeof(secret), self->len);
	EXPECT_EQ(0, memcmp(self->out, secret, sizeof(secret)));
	EXPECT_FALSE(contains(self->file.data, self->file.len, "words", 5));
	EXPECT_LE(self->file.len, TCONN_SEAL_FILE_MAX);
}

TEST_F(seal, takes_1_to_128_bytes)
{
	struct tconn_bytes file = { 0 };
	uint8_t big[TCONN_SEAL_MAX + 1];

	memset(big, 'x', sizeof(big));
	EXPECT_EQ(-EINVAL, tconn_seal(self->tpm, big, 0, &file, &self->err));
	EXPECT_EQ(-EINVAL, tconn_seal(self->tpm, big, sizeof(big), &file, &self->err));
	EXPECT_EQ(NULL, file.data);
	tconn_bytes_free(&self->file);
	ASSERT_EQ(0, tconn_seal(self->tpm, big, TCONN_SEAL_MAX, &self->file, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_SEAL_MAX, self->len);
	EXPECT_EQ(0, memcmp(self->out, big, self->len));
}

/* What grows as the system runs is not in the policy; what says who booted is. */
TEST_F(seal, does_not_open_after_something_else_booted)
{
	static const unsigned int sealed[] = { 0, 2, 4, 7, 8, 9, 12, 14 };
	static const unsigned int free_ones[] = { 1, 3, 5, 6, 10, 11, 13, 15 };
	const uint8_t digest[32] = { 1 };

	for (size_t i = 0; i < 8; i++) {
		ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, free_ones[i], digest, &self->err));
		EXPECT_EQ(0, unseal(self)) TH_LOG("PCR %u: %s", free_ones[i], self->err.text);
	}
	for (size_t i = 0; i < 8; i++) {
		ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, sealed[i], digest, &self->err));
		EXPECT_EQ(-EACCES, unseal(self)) TH_LOG("PCR %u: %s", sealed[i], self->err.text);
		EXPECT_EQ(0, self->len);
		EXPECT_EQ(0, self->out[0]);
		EXPECT_STREQ("the boot state is another", self->err.text);
		tconn_bytes_free(&self->file);
		ASSERT_EQ(0, tconn_seal(self->tpm, secret, sizeof(secret), &self->file, &self->err));
		EXPECT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	}
}

TEST_F(seal, does_not_open_in_another_tpm)
{
	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	ASSERT_EQ(0, tconn_tpm_open(other_swtpm.tcti, &self->tpm, &self->err));
	EXPECT_EQ(-EXDEV, unseal(self));
	EXPECT_SAID("another TPM");
	/* Its own name put there does not help. */
	struct tconn_bytes own = { 0 };

	ASSERT_EQ(0, tconn_seal(self->tpm, secret, sizeof(secret), &own, &self->err));
	memcpy(self->file.data + 16, own.data + 16, 32);
	EXPECT_EQ(-EBADMSG, unseal(self));
	EXPECT_SAID("has been altered");
	tconn_bytes_free(&own);
}

TEST_F(seal, is_refused_cut_off)
{
	const size_t whole = self->file.len;

	for (size_t len = 0; len < whole; len++) {
		self->file.len = len;
		EXPECT_EQ(-EBADMSG, unseal(self)) TH_LOG("%zu bytes", len);
		EXPECT_SAID("not a sealed file");
	}
	self->file.len = whole;
}

/* The form is refused at once; what is left the TPM has to refuse, which takes its time. */
TEST_F_TIMEOUT(seal, is_refused_altered, 300)
{
	for (size_t i = 0; i < self->file.len; i += i < 48 ? 1 : 3) {
		self->file.data[i] ^= 1;
		EXPECT_NE(0, unseal(self)) TH_LOG("byte %zu", i);
		EXPECT_EQ(0, self->len);
		self->file.data[i] ^= 1;
	}
	EXPECT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
}

TEST_F(seal, says_what_is_wrong_with_the_form)
{
	static const struct {
		size_t at;
		const char *says;
	} faults[] = {
		{ 0, "does not start with TCSL" }, { 4, "another version" },
		{ 6, "not as long as it says" }, { 10, "reserved" }, { 12, "other PCRs" },
		{ 16, "another TPM" }, { 48 + 3, "public area" },
	};
	uint8_t large[TCONN_SEAL_FILE_MAX + 1] = "TCSL";
	struct tconn_sealed sealed;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		self->file.data[faults[i].at] ^= 0x10;
		EXPECT_NE(0, unseal(self));
		EXPECT_SAID(faults[i].says);
		self->file.data[faults[i].at] ^= 0x10;
	}
	EXPECT_EQ(-EBADMSG, tconn_sealed_parse(large, sizeof(large), &sealed, &self->err));
	EXPECT_SAID("too many");
}

/* Who listens between processor and TPM (TCTI pcap writes down what passes). */
TEST_F(seal, does_not_pass_the_bus_in_the_clear)
{
	static uint8_t passed[1 << 20];
	char tcti[SWTPM_PATH_MAX + 64], path[SWTPM_PATH_MAX + 32];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus.pcap", maker.dir);
	snprintf(tcti, sizeof(tcti), "pcap:%s", swtpm.tcti);
	setenv("TCTI_PCAP_FILE", path, 1);
	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	ASSERT_EQ(0, tconn_tpm_open(tcti, &self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&self->file);
	ASSERT_EQ(0, tconn_seal(self->tpm, secret, sizeof(secret), &self->file, &self->err));
	ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	len = fread(passed, 1, sizeof(passed), f);
	fclose(f);
	/* It was there: the public area passes as it is in the file. */
	EXPECT_TRUE(contains(passed, len, self->file.data + 48, 32));
	EXPECT_FALSE(contains(passed, len, secret, 8));
}

/* TPMs have three places for objects and sessions: what is left there is missed soon. */
TEST_F(seal, leaves_nothing_in_the_tpm)
{
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
		self->file.data[self->file.len - 1] ^= 1;
		ASSERT_EQ(-EBADMSG, unseal(self)) TH_LOG("%s", self->err.text);
		self->file.data[self->file.len - 1] ^= 1;
	}
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "tpm", &swtpm);
	swtpm_start(&maker, "other", &other_swtpm);
	return test_harness_run(argc, argv);
}
