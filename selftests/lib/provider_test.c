// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/tpm_provider.c: an EVP_PKEY in a TPM, and only that. */
#include <errno.h>
#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <kselftest_harness.h>

#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm;

FIXTURE(provider) {
	struct tconn_error err;
	struct tconn_tpm *tpm;
	EVP_PKEY *pkey, *public, *other;
};

FIXTURE_SETUP(provider)
{
	struct tconn_blob blob;

	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &self->tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_pkey(self->tpm, TCONN_KEY_TLS, &self->pkey, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_TLS, &blob, &self->err));
	ASSERT_EQ(0, tconn_public_to_pkey(&blob, &self->public, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_DATA, &blob, &self->err));
	ASSERT_EQ(0, tconn_public_to_pkey(&blob, &self->other, &self->err));
}

FIXTURE_TEARDOWN(provider)
{
	EVP_PKEY_free(self->pkey);
	EVP_PKEY_free(self->public);
	EVP_PKEY_free(self->other);
	tconn_tpm_close(self->tpm);
}

static const char *provider_of(const EVP_PKEY *pkey)
{
	return OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(pkey));
}

TEST_F(provider, only_our_key_is_ours)
{
	EVP_PKEY *fresh = EVP_EC_gen("P-256");

	EXPECT_STREQ("tconn", provider_of(self->pkey));
	EXPECT_STREQ("default", provider_of(self->public));
	EXPECT_STREQ("default", provider_of(fresh));
	EXPECT_EQ(0, OSSL_PROVIDER_available(NULL, "tconn"));
	EVP_PKEY_free(fresh);
}

TEST_F(provider, signs_what_the_public_key_verifies)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t len = sizeof(sig);

	ASSERT_EQ(1, EVP_DigestSignInit_ex(md, NULL, "SHA256", NULL, NULL, self->pkey, NULL));
	ASSERT_EQ(1, EVP_DigestSign(md, sig, &len, (const uint8_t *)"hello", 5));
	EXPECT_GE(72, len);
	EVP_MD_CTX_free(md);
	for (int same = 0; same < 2; same++) {
		md = EVP_MD_CTX_new();
		ASSERT_EQ(1, EVP_DigestVerifyInit_ex(md, NULL, "SHA256", NULL, NULL,
						     same ? self->public : self->other, NULL));
		EXPECT_EQ(same, EVP_DigestVerify(md, sig, len, (const uint8_t *)"hello", 5) == 1);
		EVP_MD_CTX_free(md);
	}
}

TEST_F(provider, compares_with_public_keys)
{
	EXPECT_EQ(1, EVP_PKEY_eq(self->pkey, self->public));
	EXPECT_EQ(1, EVP_PKEY_eq(self->public, self->pkey));
	EXPECT_EQ(0, EVP_PKEY_eq(self->pkey, self->other));
	EXPECT_EQ(0, EVP_PKEY_eq(self->other, self->pkey));
}

TEST_F(provider, tells_what_tls_asks)
{
	char group[32];
	size_t len;

	EXPECT_EQ(256, EVP_PKEY_get_bits(self->pkey));
	EXPECT_EQ(128, EVP_PKEY_get_security_bits(self->pkey));
	EXPECT_EQ(72, EVP_PKEY_get_size(self->pkey));
	EXPECT_EQ(1, EVP_PKEY_is_a(self->pkey, "EC"));
	ASSERT_EQ(1, EVP_PKEY_get_group_name(self->pkey, group, sizeof(group), &len));
	EXPECT_STREQ("prime256v1", group);
}

TEST_F(provider, other_digests_are_refused_with_the_reason)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const char *data = NULL;
	int flags;

	ERR_clear_error();
	EXPECT_NE(1, EVP_DigestSignInit_ex(md, NULL, "SHA384", NULL, NULL, self->pkey, NULL));
	ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	ASSERT_NE(NULL, data);
	EXPECT_NE(NULL, strstr(data, "SHA-256")) TH_LOG("%s", data);
	EVP_MD_CTX_free(md);
}

TEST_F(provider, no_private_half_comes_out)
{
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx;
	BIGNUM *d = NULL;
	uint8_t *der = NULL;

	EXPECT_NE(1, EVP_PKEY_todata(self->pkey, EVP_PKEY_KEYPAIR, &params));
	EXPECT_EQ(NULL, params);
	EXPECT_NE(1, EVP_PKEY_get_bn_param(self->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d));
	EXPECT_EQ(NULL, d);
	EXPECT_GE(0, i2d_PrivateKey(self->pkey, &der));
	EXPECT_EQ(NULL, der);
	/* And it agrees on no key: signing is all it does. */
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, self->pkey, NULL);
	EXPECT_NE(1, EVP_PKEY_derive_init(ctx));
	EVP_PKEY_CTX_free(ctx);
}

TEST_F(provider, tpm_error_is_told)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *ak = NULL;
	const char *data = NULL;
	uint8_t sig[128];
	size_t len = sizeof(sig);
	int flags;

	/* The AK is restricted: the one key of ours with which signing must fail. */
	ASSERT_EQ(0, tconn_tpm_pkey(self->tpm, TCONN_KEY_AK, &ak, &self->err));
	ASSERT_EQ(1, EVP_DigestSignInit_ex(md, NULL, "SHA256", NULL, NULL, ak, NULL));
	ERR_clear_error();
	EXPECT_NE(1, EVP_DigestSign(md, sig, &len, (const uint8_t *)"hello", 5));
	ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	ASSERT_NE(NULL, data);
	EXPECT_NE(NULL, strstr(data, "AK")) TH_LOG("%s", data);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(ak);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "one", &swtpm);
	return test_harness_run(argc, argv);
}
