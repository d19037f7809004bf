// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/request_proof.c: whose request it is, and every way in which it is nobody's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "soft_service.h"

static const uint8_t statement[] = "what a person is to confirm";

FIXTURE(proof) {
	struct soft_party issuer, other, service;
	uint8_t issuer_digest[32];
	uint8_t nonce[32], key[32];
	struct tconn_proof_of of;
	uint8_t proof[TCONN_PROOF_MAX];
	size_t len;
	struct tconn_identity signer;
	struct tconn_error err;
};

FIXTURE_SETUP(proof)
{
	soft_issuer(&self->issuer, "Issuer");
	soft_issuer(&self->other, "Issuer");
	soft_service(&self->service, &self->issuer);
	tconn_sha256(self->issuer.cert, self->issuer.cert_len, self->issuer_digest);
	memset(self->nonce, 0xa5, 32);
	memset(self->key, 0xb6, 32);
	self->of = (struct tconn_proof_of){ self->nonce, self->key, statement, sizeof(statement) };
	self->len = soft_prove(&self->service, &self->issuer, &self->of, self->proof);
	ASSERT_LT(0, self->len);
}

FIXTURE_TEARDOWN(proof)
{
	soft_free(&self->issuer);
	soft_free(&self->other);
	soft_free(&self->service);
}

static int verify(FIXTURE_DATA(proof) *self)
{
	self->err.text[0] = '\0';
	return tconn_proof_verify(self->proof, self->len, &self->of, self->issuer_digest,
				  &self->signer, &self->err);
}

#define EXPECT_REFUSED(code, why) do { \
	EXPECT_EQ(code, verify(self)) TH_LOG("%s", self->err.text); \
	EXPECT_NE(NULL, strstr(self->err.text, why)) TH_LOG("%s", self->err.text); \
	EXPECT_STREQ("", self->signer.name); \
} while (0)

TEST_F(proof, of_a_service_counts)
{
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("pay.example", self->signer.name);
	EXPECT_EQ(TCONN_ROLE_SERVICE, self->signer.role);
}

TEST_F(proof, none_is_refused)
{
	self->len = 0;
	EXPECT_REFUSED(-ENODATA, "no proof");
}

TEST_F(proof, for_another_key_is_refused)
{
	self->key[31] ^= 1;
	EXPECT_REFUSED(-EKEYREJECTED, "for another key");
}

TEST_F(proof, for_another_nonce_is_refused)
{
	self->nonce[0] ^= 1;
	EXPECT_REFUSED(-EKEYREJECTED, "for another nonce");
}

TEST_F(proof, for_another_statement_is_refused)
{
	self->of.statement_len--;
	EXPECT_REFUSED(-EKEYREJECTED, "for another statement");
}

/* Whoever changes what the proof says of itself too, does not have the signature. */
TEST_F(proof, that_was_changed_to_fit_is_refused)
{
	const size_t at[] = {
		offsetof(struct tconn_proof_header, verifier_key),
		offsetof(struct tconn_proof_header, nonce),
		offsetof(struct tconn_proof_header, statement),
	};

	for (size_t i = 0; i < 3; i++) {
		struct tconn_proof_of of = self->of;
		uint8_t other[32];

		self->len = soft_prove(&self->service, &self->issuer, &of, self->proof);
		memset(other, 0x11, sizeof(other));
		if (i == 0)
			self->of.verifier_key = other;
		else if (i == 1)
			self->of.nonce = other;
		else
			self->of.statement_len = 0;
		if (i == 2)
			tconn_sha256(statement, 0, other);
		memcpy(self->proof + at[i], other, 32);
		EXPECT_REFUSED(-EKEYREJECTED, "signature is not the certificate's key's");
		self->of = of;
	}
}

TEST_F(proof, of_another_issuer_is_refused)
{
	struct soft_party stranger;

	soft_service(&stranger, &self->other);
	self->len = soft_prove(&stranger, &self->other, &self->of, self->proof);
	EXPECT_REFUSED(-EKEYREJECTED, "another issuer");
	/* With the right issuer beside it: he did not sign it. */
	self->len = soft_prove(&stranger, &self->issuer, &self->of, self->proof);
	EXPECT_REFUSED(-EKEYREJECTED, "not trusted");
	soft_free(&stranger);
}

static const struct {
	struct soft_certificate c;
	const char *why;
} signers[] = {
	{ { "pay.example", TCONN_URN_DEVICE "pay.example", SOFT_DATA_USAGE, -60, 3600 },
	  "it is no service's" },
	{ { "pay.example", "urn:other:pay", SOFT_DATA_USAGE, -60, 3600 }, "it is no service's" },
	{ { "pay.example", TCONN_URN_SERVICE "other.example", SOFT_DATA_USAGE, -60, 3600 },
	  "not the identity it names" },
	{ { "pay.example", TCONN_URN_SERVICE "pay.example", "critical,digitalSignature", -60, 3600 },
	  "not for this purpose" },
	{ { "pay.example", TCONN_URN_SERVICE "pay.example", SOFT_DATA_USAGE, -7200, -60 },
	  "expired" },
	{ { "pay.example", TCONN_URN_SERVICE "pay.example", SOFT_DATA_USAGE, 3600, 7200 },
	  "not yet valid" },
};

TEST_F(proof, of_who_is_no_service_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(signers); i++) {
		struct soft_party signer;

		soft_certify(&signer, &self->issuer, &signers[i].c);
		self->len = soft_prove(&signer, &self->issuer, &self->of, self->proof);
		EXPECT_REFUSED(-EKEYREJECTED, signers[i].why);
		soft_free(&signer);
	}
}

TEST_F(proof, of_the_issuer_itself_is_refused)
{
	self->len = soft_prove(&self->issuer, &self->issuer, &self->of, self->proof);
	EXPECT_REFUSED(-EKEYREJECTED, "issuer's certificate");
}

TEST_F(proof, signed_by_another_key_is_refused)
{
	struct soft_party thief = self->service;

	thief.key = self->other.key;
	self->len = soft_prove(&thief, &self->issuer, &self->of, self->proof);
	EXPECT_REFUSED(-EKEYREJECTED, "signature is not the certificate's key's");
}

TEST_F(proof, malformed_is_refused_at_any_length)
{
	size_t whole = self->len;

	for (self->len = 1; self->len < whole; self->len++)
		ASSERT_EQ(-EBADMSG, verify(self)) TH_LOG("%zu bytes", self->len);
	self->len = whole + 1;
	EXPECT_REFUSED(-EBADMSG, "as long as its header says");
	self->len = whole;
	self->proof[4] = 2;
	EXPECT_REFUSED(-EBADMSG, "version 1");
}

/* Lengths are little-endian, from byte 6: signature, signer, issuer. */
TEST_F(proof, part_that_is_empty_or_over_its_limit_is_refused)
{
	const size_t limits[] = { TCONN_PROOF_SIGNATURE_MAX, TCONN_PROOF_CERTIFICATE_MAX,
				  TCONN_PROOF_CERTIFICATE_MAX };

	for (size_t i = 0; i < 3; i++) {
		uint8_t *len = self->proof + 6 + 2 * i, was[2] = { len[0], len[1] };

		len[0] = len[1] = 0;
		EXPECT_REFUSED(-EBADMSG, "empty or over its limit");
		len[0] = (uint8_t)(limits[i] + 1);
		len[1] = (uint8_t)((limits[i] + 1) >> 8);
		EXPECT_REFUSED(-EBADMSG, "empty or over its limit");
		memcpy(len, was, 2);
	}
}

TEST_F(proof, is_not_made_of_parts_over_their_limit)
{
	struct soft_party large = self->service;

	large.cert_len = TCONN_PROOF_CERTIFICATE_MAX + 1;
	EXPECT_EQ(0, soft_prove(&large, &self->issuer, &self->of, self->proof));
}

TEST_HARNESS_MAIN
