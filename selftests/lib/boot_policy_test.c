// SPDX-License-Identifier: Apache-2.0
/*
 * Keys that are sealed to boot states, on a software TPM: daemon/lib/boot_policy.c and tpm_use.c,
 * with files that scripts/bootpolicy.py makes, and tpm2-tools for a thief with a system of his own.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/appraise_part.h"
#include "daemon/lib/boot_policy.h"
#include "daemon/lib/tpm_blob.h"
#include "daemon/lib/tpm_context.h"
#include "daemon/lib/tpm_template.h"
#include "boot_owner.h"
#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm, plain_swtpm;
static char dir[SWTPM_PATH_MAX], policy_path[SWTPM_PATH_MAX + 16], signer_path[SWTPM_PATH_MAX + 16];

static int run(const char *fmt, ...)
{
	char command[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	return system(command);
}

static void hex(const uint8_t digest[32], char ret[65])
{
	for (int i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* The owner (key "image"), or somebody ("other"), signs what the PCRs are now. */
static int sign_state(struct tconn_tpm *tpm, const char *key, const char *more)
{
	return boot_owner_sign(tpm, dir, key, more, policy_path);
}

/* As a thief does, who has the TPM and any program he wants: 0 where it signs. */
static int sign_with_tools(const struct swtpm *on)
{
	return run("cd %s && echo x >x && TPM2TOOLS_TCTI=%s tpm2_sign -Q -c 0x81010011 -g sha256 -o s x "
		   ">tools.log 2>&1", dir, on->tcti);
}

FIXTURE(boot_policy) {
	struct tconn_tpm *tpm;
	struct tconn_error err;
	struct tconn_blob ak, tls;
	uint8_t digest[32], sig[72];
	size_t len;
};

FIXTURE_SETUP(boot_policy)
{
	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_random(self->tpm, self->digest, 32, &self->err));
	ASSERT_EQ(0, sign_state(self->tpm, "image", ""));
	ASSERT_EQ(0, tconn_tpm_use_boot_policy(self->tpm, policy_path, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_AK, &self->ak, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_TLS, &self->tls, &self->err));
}

FIXTURE_TEARDOWN(boot_policy)
{
	tconn_tpm_close(self->tpm);
}

/* The same TPM opened anew, with the file as it is now. */
static int reopen(struct tconn_tpm **tpm, const char *path, struct tconn_error *err)
{
	int r;

	tconn_tpm_close(*tpm);
	*tpm = NULL;
	r = tconn_tpm_open(swtpm.tcti, tpm, err);
	return r ? r : tconn_tpm_use_boot_policy(*tpm, path, err);
}

TEST_F(boot_policy, in_a_signed_state_the_keys_do_their_work)
{
	struct tconn_blob attest, signature, data;
	struct tconn_quote_info info;
	struct tconn_quote quote;
	uint8_t name[34], qualified[34];

	for (int i = 0; i < 5; i++) {	/* leaves no session behind */
		ASSERT_EQ(0, tconn_tpm_sign(self->tpm, TCONN_KEY_TLS, self->digest, self->sig, &self->len,
					    &self->err)) TH_LOG("%s", self->err.text);
		ASSERT_EQ(0, tconn_tpm_quote(self->tpm, BOOT_OWNER_PCRS, self->digest, &quote, &self->err))
			TH_LOG("%s", self->err.text);
	}
	ASSERT_EQ(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, &self->err));
	ASSERT_EQ(0, tconn_tpm_certify(self->tpm, TCONN_KEY_TLS, self->digest, &attest, &signature,
				       &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, tconn_certify_verify(&self->ak, &self->tls, &attest, &signature, self->digest,
					  &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_DATA, &data, &self->err));
	EXPECT_EQ(0, tconn_keys_check_alike(&self->ak, &self->tls, &data, &self->err));
	ASSERT_EQ(0, tconn_name(&self->ak, name, &self->err));
	tconn_owner_qualified_name(name, qualified);
	EXPECT_EQ(0, memcmp(qualified, info.signer, sizeof(qualified)));
}

TEST_F(boot_policy, public_areas_name_the_owners_policy)
{
	struct tconn_boot_policy p;
	uint8_t expected[32];
	char text[65];
	TPMT_PUBLIC public;

	ASSERT_EQ(0, tconn_boot_policy_load(policy_path, &p, &self->err));
	ASSERT_EQ(0, tconn_boot_policy_authorize(p.signer, expected, &self->err));
	ASSERT_EQ(0, tconn_blob_unpack_public(&self->ak, &public, &self->err));
	ASSERT_NE(NULL, tconn_template_policy(&public));
	EXPECT_EQ(0, memcmp(expected, tconn_template_policy(&public), 32));
	/* What goes into reference values is computed elsewhere. */
	hex(expected, text);
	EXPECT_EQ(0, run("python3 -c \"import sys; sys.path.insert(0, 'scripts'); import bootpolicy; "
			 "sys.exit(bootpolicy.key_policy('%s') != '%s')\"", signer_path, text));
}

/* The verifier's check, of this AK and a quote by it. */
static bool judged(struct _test_data_boot_policy *self, const uint8_t *wanted, struct tconn_reason *why)
{
	struct tconn_digests *list = calloc(1, sizeof(*list) + 32);
	struct tconn_evidence evidence = { .ak = self->ak };
	struct tconn_refvals refvals = { 0 };
	struct tconn_appraising a = { .evidence = &evidence, .refvals = &refvals };
	struct tconn_quote quote;
	bool good = false;

	if (wanted) {
		list->count = 1;
		memcpy(list->digest[0], wanted, 32);
		refvals.key_policy = list;
	}
	if (!tconn_tpm_quote(self->tpm, BOOT_OWNER_PCRS, self->digest, &quote, &self->err) &&
	    !tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &a.info, &self->err))
		good = tconn_check_key_policy(&a, why);
	free(list);
	return good;
}

TEST_F(boot_policy, verifier_knows_sealed_keys_and_whose)
{
	uint8_t owner[32], other[32] = { 1 };
	struct tconn_reason why = { 0 };
	struct tconn_boot_policy p;

	ASSERT_EQ(0, tconn_boot_policy_load(policy_path, &p, &self->err));
	ASSERT_EQ(0, tconn_boot_policy_authorize(p.signer, owner, &self->err));
	EXPECT_TRUE(judged(self, owner, &why)) TH_LOG("%s", why.text);
	EXPECT_NE(NULL, strstr(why.text, "that the owner signed")) TH_LOG("%s", why.text);
	EXPECT_TRUE(judged(self, NULL, &why)) TH_LOG("%s", why.text);
	EXPECT_NE(NULL, strstr(why.text, "not demanded")) TH_LOG("%s", why.text);
	EXPECT_FALSE(judged(self, other, &why));
	EXPECT_NE(NULL, strstr(why.text, "somebody else signs")) TH_LOG("%s", why.text);
}

TEST_F(boot_policy, verifier_that_demands_sealed_keys_refuses_others)
{
	struct _test_data_boot_policy plain = *self;
	struct tconn_reason why = { 0 };
	uint8_t owner[32] = { 1 };

	ASSERT_EQ(0, tconn_tpm_open(plain_swtpm.tcti, &plain.tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(plain.tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(plain.tpm, TCONN_KEY_AK, &plain.ak, &self->err));
	EXPECT_FALSE(judged(&plain, owner, &why));
	EXPECT_STREQ("the keys can be used in any boot state", why.text);
	tconn_tpm_close(plain.tpm);
}

TEST_F(boot_policy, password_is_no_way_to_use_them)
{
	struct tconn_tpm *plain;

	ASSERT_EQ(0, tconn_tpm_open(plain_swtpm.tcti, &plain, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(plain, &self->err));
	tconn_tpm_close(plain);
	EXPECT_EQ(0, sign_with_tools(&plain_swtpm));	/* as he can with keys that are not sealed */
	tconn_tpm_close(self->tpm);	/* one user at a time */
	self->tpm = NULL;
	EXPECT_NE(0, sign_with_tools(&swtpm));
	EXPECT_EQ(0, run("grep -qi 'auth' %s/tools.log", dir));
	ASSERT_EQ(0, reopen(&self->tpm, NULL, &self->err));
	EXPECT_EQ(-EACCES, tconn_tpm_sign(self->tpm, TCONN_KEY_TLS, self->digest, self->sig, &self->len,
					  &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "boot_policy")) TH_LOG("%s", self->err.text);
}

TEST_F(boot_policy, another_boot_state_ends_their_use)
{
	struct tconn_quote quote;

	ASSERT_EQ(0, tconn_tpm_sign(self->tpm, TCONN_KEY_DATA, self->digest, self->sig, &self->len,
				    &self->err));
	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, 11, self->digest, &self->err));
	EXPECT_EQ(-EACCES, tconn_tpm_sign(self->tpm, TCONN_KEY_DATA, self->digest, self->sig, &self->len,
					  &self->err));
	EXPECT_EQ(-EACCES, tconn_tpm_quote(self->tpm, BOOT_OWNER_PCRS, self->digest, &quote, &self->err));
	ASSERT_EQ(0, reopen(&self->tpm, policy_path, &self->err));
	EXPECT_EQ(-EACCES, tconn_tpm_sign(self->tpm, TCONN_KEY_DATA, self->digest, self->sig, &self->len,
					  &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "none of the 1")) TH_LOG("%s", self->err.text);
}

TEST_F(boot_policy, update_brings_its_own_state_and_the_same_keys_go_on)
{
	struct tconn_boot_policy p;
	struct tconn_blob tls;
	char more[SWTPM_PATH_MAX + 32];

	ASSERT_EQ(0, run("cp %s %s/old.policy", policy_path, dir));
	snprintf(more, sizeof(more), "--add %s/old.policy", dir);
	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, 11, self->digest, &self->err));
	ASSERT_EQ(0, sign_state(self->tpm, "image", more));
	ASSERT_EQ(0, reopen(&self->tpm, policy_path, &self->err));
	ASSERT_EQ(0, tconn_boot_policy_load(policy_path, &p, &self->err));
	EXPECT_EQ(2u, p.count);
	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_TLS, &tls, &self->err));
	EXPECT_EQ(0, memcmp(&tls, &self->tls, sizeof(tls.len) + tls.len));
	EXPECT_EQ(0, tconn_tpm_sign(self->tpm, TCONN_KEY_TLS, self->digest, self->sig, &self->len,
				    &self->err)) TH_LOG("%s", self->err.text);
}

TEST_F(boot_policy, state_that_somebody_else_signed_is_of_no_use)
{
	ASSERT_EQ(0, sign_state(self->tpm, "other", ""));
	ASSERT_EQ(0, reopen(&self->tpm, policy_path, &self->err));
	EXPECT_EQ(-EACCES, tconn_tpm_try_key(self->tpm, TCONN_KEY_TLS, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "somebody else signs")) TH_LOG("%s", self->err.text);
	/* Nor are there keys for it: the handles are taken. */
	EXPECT_EQ(-EEXIST, tconn_tpm_make_keys(self->tpm, &self->err)) TH_LOG("%s", self->err.text);
}

TEST_F(boot_policy, signature_is_checked_by_the_tpm)
{
	struct tconn_boot_policy p;

	ASSERT_EQ(0, tconn_boot_policy_load(policy_path, &p, &self->err));
	for (int offset = 264 + 36; offset < 264 + 290; offset += 83) {
		ASSERT_EQ(0, sign_state(self->tpm, "image", ""));
		ASSERT_EQ(0, run("printf '\\377\\377' | dd of=%s bs=1 seek=%d conv=notrunc 2>/dev/null",
				 policy_path, offset));
		ASSERT_EQ(0, reopen(&self->tpm, policy_path, &self->err));
		EXPECT_EQ(-EACCES, tconn_tpm_sign(self->tpm, TCONN_KEY_TLS, self->digest, self->sig,
						  &self->len, &self->err)) TH_LOG("%d", offset);
		EXPECT_NE(NULL, strstr(self->err.text, "not signed by its signer"))
			TH_LOG("%s", self->err.text);
	}
}

struct disturbed {
	int calls;
	TPMT_SIGNATURE *signature;
};

/* IMA extends PCR 10 whenever it wants to: here just before the first use. */
static TSS2_RC disturbed_sign(struct tconn_tpm *tpm, ESYS_TR key, ESYS_TR session, void *arg)
{
	const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
	TPML_DIGEST_VALUES values = { .count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256 };
	const TPM2B_DIGEST digest = { .size = 32 };
	struct disturbed *d = arg;
	TSS2_RC rc = 0;

	if (d->calls++ == 0)
		rc = Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR10, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				     ESYS_TR_NONE, &values);
	return rc ? rc : Esys_Sign(tpm->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme,
				   &no_ticket, &d->signature);
}

TEST_F(boot_policy, measurement_meanwhile_only_repeats_the_use)
{
	struct disturbed d = { 0 };

	{
		TCONN_TPM_LOCK(self->tpm);
		EXPECT_EQ(0, tconn_tpm_use_key(self->tpm, TCONN_KEY_TLS, disturbed_sign, &d, "signature",
					       &self->err)) TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(2, d.calls);
	Esys_Free(d.signature);
}

TEST_F(boot_policy, enrolment_takes_no_policy_of_another_signer)
{
	struct tconn_boot_policy p;
	char other[SWTPM_PATH_MAX + 16];

	snprintf(other, sizeof(other), "%s/other.crt", dir);
	ASSERT_EQ(0, tconn_boot_policy_load(policy_path, &p, &self->err));
	EXPECT_EQ(0, tconn_boot_policy_check_signer(&p, signer_path, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EKEYREJECTED, tconn_boot_policy_check_signer(&p, other, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "another key")) TH_LOG("%s", self->err.text);
}

TEST_F(boot_policy, unsealed_and_sealed_keys_are_not_taken_for_each_other)
{
	struct tconn_tpm *plain;
	struct tconn_blob ak, tls;

	ASSERT_EQ(0, tconn_tpm_open(plain_swtpm.tcti, &plain, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(plain, &self->err));
	ASSERT_EQ(0, tconn_tpm_use_boot_policy(plain, policy_path, &self->err));
	EXPECT_EQ(-EEXIST, tconn_tpm_make_keys(plain, &self->err));
	/* They can be used nevertheless: the verifier decides whether they will do. */
	EXPECT_EQ(0, tconn_tpm_sign(plain, TCONN_KEY_TLS, self->digest, self->sig, &self->len, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(plain, TCONN_KEY_AK, &ak, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(plain, TCONN_KEY_TLS, &tls, &self->err));
	EXPECT_EQ(0, tconn_keys_check_alike(&ak, &tls, &tls, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_keys_check_alike(&self->ak, &tls, &tls, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_keys_check_alike(&ak, &tls, &self->tls, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "DATA key")) TH_LOG("%s", self->err.text);
	tconn_tpm_close(plain);
}

static const struct {
	const char *what;
	size_t offset;
	uint8_t value;
} wrong[] = {
	{ "TCBP", 0, 'X' }, { "another version", 4, 2 },    { "no states", 6, 0 },
	{ "more than 8", 6, 9 },    { "cut off", 6, 2 },	    { "PCRs 0 to 23", 264 + 3, 1 },
	{ "PCRs 0 to 23", 264, 0 },
};

TEST(file_is_read_strictly)
{
	uint8_t buf[TCONN_BOOT_POLICY_MAX + 1] = { 'T', 'C', 'B', 'P', 1, 0, 1, 0 };
	struct tconn_boot_policy p;
	struct tconn_error err;

	buf[264] = 0x80;
	ASSERT_EQ(0, tconn_boot_policy_parse(buf, 556, &p, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(1u, p.count);
	EXPECT_EQ(0x80u, p.state[0].pcrs);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t kept = buf[wrong[i].offset];

		buf[wrong[i].offset] = wrong[i].value;
		EXPECT_EQ(-EBADMSG, tconn_boot_policy_parse(buf, 556, &p, &err));
		EXPECT_NE(NULL, strstr(err.text, wrong[i].what)) TH_LOG("%s: %s", wrong[i].what, err.text);
		buf[wrong[i].offset] = kept;
	}
	for (size_t len = 0; len < 556; len++)
		EXPECT_EQ(-EBADMSG, tconn_boot_policy_parse(buf, len, &p, &err));
	EXPECT_EQ(0, tconn_boot_policy_parse(buf, TCONN_BOOT_POLICY_MAX, &p, &err));
	EXPECT_EQ(-EBADMSG, tconn_boot_policy_parse(buf, TCONN_BOOT_POLICY_MAX + 1, &p, &err));
	buf[600] = 1;
	EXPECT_EQ(-EBADMSG, tconn_boot_policy_parse(buf, TCONN_BOOT_POLICY_MAX, &p, &err));
	EXPECT_EQ(-ENOENT, tconn_boot_policy_load("/nonexistent", &p, &err));
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "sealed", &swtpm);
	swtpm_start(&maker, "plain", &plain_swtpm);
	swtpm_temp_dir(dir);
	snprintf(policy_path, sizeof(policy_path), "%s/boot.policy", dir);
	snprintf(signer_path, sizeof(signer_path), "%s/image.crt", dir);
	boot_owner_make(dir, "image");
	boot_owner_make(dir, "other");
	return test_harness_run(argc, argv);
}
