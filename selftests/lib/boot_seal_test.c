// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/boot_seal.c against software TPMs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kselftest_harness.h>

#include "daemon/lib/boot_seal.h"
#include "daemon/lib/tpm.h"
#include "boot_owner.h"
#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm, other_swtpm, owned_swtpm;
static char dir[SWTPM_PATH_MAX], policy_path[SWTPM_PATH_MAX + 16];

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
		{ 6, "not as long as it says" }, { 10, "reserved" }, { 12, "other PCRs" }, { 13, "other PCRs" },
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
static void expect_hidden_on_bus(struct __test_metadata *_metadata, FIXTURE_DATA(seal) *self,
				 const struct swtpm *on, const char *boot_policy)
{
	static uint8_t passed[1 << 20];
	char tcti[SWTPM_PATH_MAX + 64], path[SWTPM_PATH_MAX + 32];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus.pcap", maker.dir);
	snprintf(tcti, sizeof(tcti), "pcap:%s", on->tcti);
	setenv("TCTI_PCAP_FILE", path, 1);
	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	ASSERT_EQ(0, tconn_tpm_open(tcti, &self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_use_boot_policy(self->tpm, boot_policy, &self->err));
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

TEST_F(seal, does_not_pass_the_bus_in_the_clear)
{
	expect_hidden_on_bus(_metadata, self, &swtpm, NULL);
}

TEST_F(seal, to_signed_states_does_not_pass_the_bus_in_the_clear)
{
	ASSERT_EQ(0, boot_owner_sign(self->tpm, dir, "image", "", policy_path));
	expect_hidden_on_bus(_metadata, self, &swtpm, policy_path);
}

/* -- where the device has a boot policy */

/* The same TPM opened anew, with the owner's states as they are signed now, or none. */
static int open_owned(FIXTURE_DATA(seal) *self, const char *path)
{
	int r;

	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	r = tconn_tpm_open(owned_swtpm.tcti, &self->tpm, &self->err);
	return r ? r : tconn_tpm_use_boot_policy(self->tpm, path, &self->err);
}

static int sign_and_open(FIXTURE_DATA(seal) *self, const char *owner)
{
	int r = open_owned(self, NULL);

	if (r == 0)
		r = boot_owner_sign(self->tpm, dir, owner, "", policy_path);
	return r ? r : open_owned(self, policy_path);
}

static int seal_anew(FIXTURE_DATA(seal) *self)
{
	struct tconn_bytes file = { 0 };
	int r = tconn_seal(self->tpm, secret, sizeof(secret), &file, &self->err);

	if (r == 0) {
		tconn_bytes_free(&self->file);
		self->file = file;
	}
	return r;
}

TEST_F(seal, to_signed_states_outlives_an_update)
{
	const uint8_t digest[32] = { 1 };

	ASSERT_EQ(0, sign_and_open(self, "image")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, *(uint32_t *)(self->file.data + 12));
	ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, memcmp(self->out, secret, sizeof(secret)));
	/* Another image, not signed: neither opened nor sealed to. */
	for (unsigned int pcr = 7; pcr <= 11; pcr += 4) {
		ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, pcr, digest, &self->err));
		EXPECT_EQ(-EACCES, unseal(self));
		EXPECT_EQ(0, self->len);
		ASSERT_EQ(0, open_owned(self, policy_path));
		EXPECT_EQ(-EACCES, unseal(self));
		EXPECT_SAID("none of the 1 that the owner signed");
		EXPECT_EQ(-EACCES, seal_anew(self));
		/* Signed, it is opened in each. */
		ASSERT_EQ(0, sign_and_open(self, "image"));
		ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
		EXPECT_EQ(0, memcmp(self->out, secret, sizeof(secret)));
	}
}

TEST_F(seal, to_signed_states_is_one_owners)
{
	ASSERT_EQ(0, sign_and_open(self, "image")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, sign_and_open(self, "other")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EACCES, unseal(self));
	EXPECT_SAID("somebody else signs");
	ASSERT_EQ(0, open_owned(self, NULL));
	EXPECT_EQ(-EACCES, unseal(self));
	EXPECT_SAID("boot_policy");
}

/* Who changes the file's word on what it is sealed to: the TPM has the policy in the object. */
TEST_F(seal, to_signed_states_cannot_be_told_to_be_otherwise)
{
	const uint32_t literal = TCONN_SEAL_PCRS;

	ASSERT_EQ(0, sign_and_open(self, "image")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	memcpy(self->file.data + 12, &literal, 4);
	EXPECT_EQ(-EACCES, unseal(self));
	ASSERT_EQ(0, open_owned(self, NULL));
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	memset(self->file.data + 12, 0, 4);
	ASSERT_EQ(0, open_owned(self, policy_path));
	EXPECT_EQ(-EACCES, unseal(self));
}

/* A device that gets a boot policy: what is sealed to PCRs is opened, and known to be due. */
TEST_F(seal, to_pcrs_is_due_with_a_boot_policy)
{
	ASSERT_EQ(0, open_owned(self, NULL));
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	EXPECT_TRUE(tconn_seal_is_current(self->tpm, self->file.data, self->file.len));
	ASSERT_EQ(0, sign_and_open(self, "image")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
	EXPECT_FALSE(tconn_seal_is_current(self->tpm, self->file.data, self->file.len));
	ASSERT_EQ(0, seal_anew(self)) TH_LOG("%s", self->err.text);
	EXPECT_TRUE(tconn_seal_is_current(self->tpm, self->file.data, self->file.len));
	EXPECT_FALSE(tconn_seal_is_current(self->tpm, "words", 5));
	for (int i = 0; i < 20; i++)	/* leaves nothing in the TPM */
		ASSERT_EQ(0, unseal(self)) TH_LOG("%s", self->err.text);
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
	swtpm_start(&maker, "owned", &owned_swtpm);
	swtpm_temp_dir(dir);
	snprintf(policy_path, sizeof(policy_path), "%s/boot.policy", dir);
	boot_owner_make(dir, "image");
	boot_owner_make(dir, "other");
	return test_harness_run(argc, argv);
}
