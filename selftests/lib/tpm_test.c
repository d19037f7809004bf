// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/tpm.c, tpm_keys.c and tpm_verify.c against a software TPM. */
#include <errno.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/tpm_blob.h"
#include "daemon/lib/tpm_template.h"
#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm, other_swtpm;

FIXTURE(tpm) {
	struct tconn_tpm *tpm;
	struct tconn_error err;
	uint8_t nonce[32];
	struct tconn_blob ak, tls;
};

FIXTURE_SETUP(tpm)
{
	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_random(self->tpm, self->nonce, sizeof(self->nonce), &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_AK, &self->ak, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_TLS, &self->tls, &self->err));
}

FIXTURE_TEARDOWN(tpm)
{
	tconn_tpm_close(self->tpm);
}

TEST(open_says_which_tpm_is_missing)
{
	struct tconn_tpm *tpm = NULL;
	struct tconn_error err;

	ASSERT_EQ(-ENODEV, tconn_tpm_open("device:/nonexistent/tpm", &tpm, &err));
	EXPECT_EQ(NULL, tpm);
	EXPECT_NE(NULL, strstr(err.text, "/nonexistent/tpm")) TH_LOG("%s", err.text);
	tconn_tpm_close(NULL);
}

TEST_F(tpm, making_keys_twice_gives_the_same)
{
	struct tconn_blob again;

	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_AK, &again, &self->err));
	ASSERT_EQ(self->ak.len, again.len);
	EXPECT_EQ(0, memcmp(self->ak.data, again.data, again.len));
}

TEST_F(tpm, the_three_keys_differ)
{
	struct tconn_blob data;

	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_DATA, &data, &self->err));
	EXPECT_NE(0, memcmp(self->tls.data, data.data, data.len));
	EXPECT_NE(0, memcmp(self->tls.data, self->ak.data, self->ak.len));
}

TEST_F(tpm, attributes_are_as_promised)
{
	TPMT_PUBLIC public;

	ASSERT_EQ(0, tconn_blob_unpack_public(&self->ak, &public, &self->err));
	EXPECT_TRUE(tconn_template_is_key(TCONN_KEY_AK, NULL, &public));
	EXPECT_EQ(0, tconn_ak_check(&self->ak, &self->err));
	ASSERT_EQ(0, tconn_blob_unpack_public(&self->tls, &public, &self->err));
	EXPECT_TRUE(tconn_template_is_key(TCONN_KEY_TLS, NULL, &public));
	EXPECT_EQ(-EKEYREJECTED, tconn_ak_check(&self->tls, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not restricted")) TH_LOG("%s", self->err.text);
}

TEST_F(tpm, ek_is_the_template_and_has_a_certificate)
{
	struct tconn_blob ek;
	uint8_t *der = NULL;
	size_t len = 0;

	ASSERT_EQ(0, tconn_tpm_ek_public(self->tpm, &ek, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, tconn_ek_check(&ek, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tpm_ek_certificate(self->tpm, &der, &len, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(0x30, der[0]);
	EXPECT_EQ(len, 4 + (size_t)(der[2] << 8 | der[3]));
	free(der);
}

TEST_F(tpm, ek_check_refuses_a_changed_template)
{
	struct tconn_blob ek;
	TPMT_PUBLIC public;

	ASSERT_EQ(0, tconn_tpm_ek_public(self->tpm, &ek, &self->err));
	ASSERT_EQ(0, tconn_blob_unpack_public(&ek, &public, &self->err));
	public.authPolicy.buffer[0] ^= 1;
	ASSERT_EQ(0, tconn_blob_pack_public(&public, &ek, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_ek_check(&ek, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_ek_check(&self->ak, &self->err));
}

TEST_F(tpm, random_bytes_differ)
{
	uint8_t a[100] = { 0 }, b[100] = { 0 };

	ASSERT_EQ(0, tconn_tpm_random(self->tpm, a, sizeof(a), &self->err));
	ASSERT_EQ(0, tconn_tpm_random(self->tpm, b, sizeof(b), &self->err));
	EXPECT_NE(0, memcmp(a, b, sizeof(a)));
	EXPECT_NE(0, memcmp(a, a + 32, 32));
}

TEST_F(tpm, ak_signs_nothing_of_ours)
{
	uint8_t sig[72];
	size_t len;

	EXPECT_EQ(-EPERM, tconn_tpm_sign(self->tpm, TCONN_KEY_AK, self->nonce, sig, &len, &self->err));
}

TEST_F(tpm, extend_moves_the_pcr_as_computed)
{
	struct tconn_pcrs before, after;
	uint8_t expected[32];
	struct tconn_piece piece[2];

	ASSERT_EQ(0, tconn_tpm_pcr_read(self->tpm, 0xffffff, &before, &self->err));
	ASSERT_EQ(0xffffffu, before.mask);
	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->tpm, 13, self->nonce, &self->err));
	ASSERT_EQ(0, tconn_tpm_pcr_read(self->tpm, 1u << 13, &after, &self->err));
	piece[0] = (struct tconn_piece){ before.digest[13], 32 };
	piece[1] = (struct tconn_piece){ self->nonce, 32 };
	tconn_sha256_pieces(piece, 2, expected);
	EXPECT_EQ(0, memcmp(expected, after.digest[13], 32));
	EXPECT_EQ(-EINVAL, tconn_tpm_pcr_extend(self->tpm, 24, self->nonce, &self->err));
	EXPECT_EQ(-EINVAL, tconn_tpm_pcr_read(self->tpm, 0, &after, &self->err));
}

TEST_F(tpm, quote_verifies_and_covers_its_pcrs)
{
	struct tconn_piece piece[15];
	struct tconn_quote_info info;
	struct tconn_quote quote;
	uint8_t digest[32];

	ASSERT_EQ(0, tconn_tpm_quote(self->tpm, 0x7fff, self->nonce, &quote, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(0x7fffu, info.pcr_mask);
	EXPECT_EQ(0x7fffu, quote.pcrs.mask);
	EXPECT_EQ(0, memcmp(info.qualifying, self->nonce, 32));
	for (size_t i = 0; i < 15; i++)
		piece[i] = (struct tconn_piece){ quote.pcrs.digest[i], 32 };
	tconn_sha256_pieces(piece, 15, digest);
	EXPECT_EQ(0, memcmp(digest, info.pcr_digest, 32));
}

TEST_F(tpm, a_stale_nonce_shows_in_the_quote)
{
	struct tconn_quote_info info;
	struct tconn_quote quote;
	uint8_t fresh[32];

	ASSERT_EQ(0, tconn_tpm_quote(self->tpm, 1, self->nonce, &quote, &self->err));
	ASSERT_EQ(0, tconn_tpm_random(self->tpm, fresh, sizeof(fresh), &self->err));
	ASSERT_EQ(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, &self->err));
	EXPECT_NE(0, memcmp(info.qualifying, fresh, 32));
}

TEST_F(tpm, every_changed_byte_of_a_quote_is_refused)
{
	struct tconn_quote_info info;
	struct tconn_quote quote;

	ASSERT_EQ(0, tconn_tpm_quote(self->tpm, 0x7fff, self->nonce, &quote, &self->err));
	for (size_t i = 0; i < quote.attest.len; i++) {
		quote.attest.data[i] ^= 1;
		EXPECT_GT(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, NULL))
			TH_LOG("attest byte %zu", i);
		quote.attest.data[i] ^= 1;
	}
	for (size_t i = 0; i < quote.signature.len; i++) {
		quote.signature.data[i] ^= 1;
		EXPECT_GT(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, NULL))
			TH_LOG("signature byte %zu", i);
		quote.signature.data[i] ^= 1;
	}
	EXPECT_EQ(0, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, NULL));
}

TEST_F(tpm, tampered_signature_is_a_rejected_key)
{
	struct tconn_quote_info info;
	struct tconn_quote quote;

	ASSERT_EQ(0, tconn_tpm_quote(self->tpm, 1, self->nonce, &quote, &self->err));
	quote.signature.data[quote.signature.len - 1] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info,
						    &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not the AK's")) TH_LOG("%s", self->err.text);
}

TEST_F(tpm, cut_off_and_trailing_bytes_are_malformed)
{
	struct tconn_quote_info info;
	struct tconn_quote quote;
	struct tconn_blob b;

	ASSERT_EQ(0, tconn_tpm_quote(self->tpm, 0x7fff, self->nonce, &quote, &self->err));
	for (uint16_t len = 0; len < quote.attest.len; len++) {
		b = quote.attest;
		b.len = len;
		EXPECT_EQ(-EBADMSG, tconn_quote_verify(&self->ak, &b, &quote.signature, &info, NULL));
	}
	b = quote.attest;
	b.data[b.len++] = 0;
	EXPECT_EQ(-EBADMSG, tconn_quote_verify(&self->ak, &b, &quote.signature, &info, NULL));
	for (uint16_t len = 0; len < quote.signature.len; len++) {
		b = quote.signature;
		b.len = len;
		EXPECT_EQ(-EBADMSG, tconn_quote_verify(&self->ak, &quote.attest, &b, &info, NULL));
	}
	b = quote.signature;
	b.data[b.len++] = 0;
	EXPECT_EQ(-EBADMSG, tconn_quote_verify(&self->ak, &quote.attest, &b, &info, NULL));
	for (uint16_t len = 0; len < self->ak.len; len++) {
		b = self->ak;
		b.len = len;
		EXPECT_EQ(-EBADMSG, tconn_ak_check(&b, NULL));
	}
	b.len = TCONN_TPM_BUF + 1;
	EXPECT_EQ(-EBADMSG, tconn_ak_check(&b, NULL));
}

TEST_F(tpm, quote_by_another_tpm_is_refused)
{
	struct tconn_quote_info info;
	struct tconn_tpm *other;
	struct tconn_quote quote;

	ASSERT_EQ(0, tconn_tpm_open(other_swtpm.tcti, &other, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(other, &self->err));
	ASSERT_EQ(0, tconn_tpm_quote(other, 1, self->nonce, &quote, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_quote_verify(&self->ak, &quote.attest, &quote.signature, &info, NULL));
	tconn_tpm_close(other);
}

TEST_F(tpm, certify_verifies_for_its_key_and_occasion_only)
{
	struct tconn_blob attest, signature, data;
	uint8_t other[32];

	ASSERT_EQ(0, tconn_tpm_certify(self->tpm, TCONN_KEY_TLS, self->nonce, &attest, &signature,
				       &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, tconn_certify_verify(&self->ak, &self->tls, &attest, &signature, self->nonce,
					  &self->err)) TH_LOG("%s", self->err.text);
	memcpy(other, self->nonce, 32);
	other[31] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->ak, &self->tls, &attest, &signature, other,
						      NULL));
	ASSERT_EQ(0, tconn_tpm_key_public(self->tpm, TCONN_KEY_DATA, &data, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->ak, &data, &attest, &signature, self->nonce,
						      NULL));
	signature.data[signature.len - 1] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->ak, &self->tls, &attest, &signature,
						      self->nonce, NULL));
}

TEST_F(tpm, certify_refuses_keys_of_the_wrong_kind)
{
	struct tconn_blob attest, signature, changed;
	TPMT_PUBLIC public;

	/* A restricted key is no TLS key even where its certification is genuine. */
	ASSERT_EQ(0, tconn_tpm_certify(self->tpm, TCONN_KEY_AK, self->nonce, &attest, &signature,
				       &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->ak, &self->ak, &attest, &signature,
						      self->nonce, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "it is restricted")) TH_LOG("%s", self->err.text);
	/* A key that may leave the TPM. */
	ASSERT_EQ(0, tconn_blob_unpack_public(&self->tls, &public, &self->err));
	public.objectAttributes &= ~TPMA_OBJECT_FIXEDTPM;
	ASSERT_EQ(0, tconn_blob_pack_public(&public, &changed, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->ak, &changed, &attest, &signature,
						      self->nonce, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "fixedTPM")) TH_LOG("%s", self->err.text);
	/* The TLS key certifies nothing: it is no AK. */
	EXPECT_EQ(-EKEYREJECTED, tconn_certify_verify(&self->tls, &self->tls, &attest, &signature,
						      self->nonce, &self->err));
	/* A quote is no certification, and the other way round. */
	EXPECT_EQ(-EBADMSG, tconn_quote_verify(&self->ak, &attest, &signature,
					       &(struct tconn_quote_info){ 0 }, NULL));
}

TEST_F(tpm, activate_gives_the_credential_back)
{
	struct tconn_blob ek, credential, secret;
	uint8_t name[34], got[32];

	ASSERT_EQ(0, tconn_tpm_ek_public(self->tpm, &ek, &self->err));
	ASSERT_EQ(0, tconn_name(&self->ak, name, &self->err));
	for (int i = 0; i < 5; i++) {	/* leaves no session and no object behind */
		memset(got, 0, sizeof(got));
		ASSERT_EQ(0, tconn_make_credential(&ek, name, self->nonce, &credential, &secret,
						   &self->err)) TH_LOG("%s", self->err.text);
		ASSERT_EQ(0, tconn_tpm_activate(self->tpm, &credential, &secret, got, &self->err))
			TH_LOG("%s", self->err.text);
		EXPECT_EQ(0, memcmp(got, self->nonce, 32));
	}
}

TEST_F(tpm, activate_refuses_another_name_and_another_ek)
{
	struct tconn_blob ek, credential, secret;
	struct tconn_tpm *other;
	uint8_t name[34], got[32] = { 0 }, zero[32] = { 0 };

	ASSERT_EQ(0, tconn_tpm_ek_public(self->tpm, &ek, &self->err));
	ASSERT_EQ(0, tconn_name(&self->tls, name, &self->err));
	ASSERT_EQ(0, tconn_make_credential(&ek, name, self->nonce, &credential, &secret, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_tpm_activate(self->tpm, &credential, &secret, got, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, memcmp(got, zero, 32));
	ASSERT_EQ(0, tconn_tpm_open(other_swtpm.tcti, &other, &self->err));
	ASSERT_EQ(0, tconn_tpm_ek_public(other, &ek, &self->err));
	tconn_tpm_close(other);
	ASSERT_EQ(0, tconn_name(&self->ak, name, &self->err));
	ASSERT_EQ(0, tconn_make_credential(&ek, name, self->nonce, &credential, &secret, &self->err));
	EXPECT_GT(0, tconn_tpm_activate(self->tpm, &credential, &secret, got, &self->err));
	EXPECT_EQ(0, memcmp(got, zero, 32));
	credential.len--;
	EXPECT_EQ(-EBADMSG, tconn_tpm_activate(self->tpm, &credential, &secret, got, &self->err));
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "one", &swtpm);
	swtpm_start(&maker, "two", &other_swtpm);
	return test_harness_run(argc, argv);
}
