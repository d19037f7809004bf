// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/receipt.c: signed by a (software) TPM's DATA key, and checked once
 * more here with nothing but OpenSSL and RFC 9052.
 */
#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <kselftest_harness.h>

#include "daemon/lib/cbor_util.h"
#include "daemon/lib/half.h"
#include "daemon/lib/receipt.h"
#include "world.h"

static struct swtpm_maker maker;
static struct world_issuer issuer, other_issuer;
static struct world_identity service, device;

FIXTURE(receipt) {
	struct tconn_tpm *tpm;
	struct x509_store_st *trust;
	struct tconn_receipt r, got;
	struct tconn_bytes cose;
	struct tconn_error err;
	uint8_t statement[20], sealed[64];
};

static struct x509_store_st *trust_of(const struct world_issuer *who)
{
	struct x509_store_st *trust = NULL;
	char path[SWTPM_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" TCONN_ISSUER_CERT, who->dir);
	tconn_trust_load(path, &trust, NULL);
	return trust;
}

/* The device's half, by whose identity it is told to be. */
static int sign_half(struct tconn_receipt *r, const struct world_identity *by,
		     struct tconn_error *err)
{
	const struct tconn_half half = {
		.id = r->id, .status = r->status, .nonce = r->nonce, .statement = r->statement,
		.record = { (uint8_t *)&r->record, sizeof(r->record) }, .answer = r->answer,
	};
	struct tconn_tpm *tpm;
	int error = tconn_tpm_open(by->swtpm.tcti, &tpm, err);

	if (error)
		return error;
	tconn_bytes_free(&r->signature);
	r->signer = by->data_cert;	/* borrowed */
	error = tconn_half_sign(&half, tpm, &r->signature, err);
	tconn_tpm_close(tpm);
	return error;
}

FIXTURE_SETUP(receipt)
{
	struct tconn_receipt *r = &self->r;

	ASSERT_EQ(0, tconn_tpm_open(service.swtpm.tcti, &self->tpm, &self->err));
	self->trust = trust_of(&issuer);
	ASSERT_NE(NULL, self->trust);
	r->id = 42;
	r->time = 1700000000;
	strcpy(r->device, device.id.name);
	strcpy(r->service, service.id.name);
	memset(self->statement, 's', sizeof(self->statement));
	r->statement = (struct tconn_bytes){ self->statement, sizeof(self->statement) };
	r->record.outcome = TCONN_OUTCOME_CONFIRMED;
	memset(r->nonce, 1, 32);
	memset(r->evidence_digest, 2, 32);
	r->verdict.trusted = true;
	tconn_verdict_add(&r->verdict, "quote-fresh", true, "bound to this nonce");
	memset(self->sealed, 'p', sizeof(self->sealed));
	r->answer = (struct tconn_bytes){ self->sealed, sizeof(self->sealed) };
	ASSERT_EQ(0, sign_half(r, &device, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_receipt_sign(r, self->tpm, service.data_cert.data, service.data_cert.len,
					&self->cose, &self->err)) TH_LOG("%s", self->err.text);
}

FIXTURE_TEARDOWN(receipt)
{
	tconn_receipt_free(&self->got);
	tconn_bytes_free(&self->r.signature);
	tconn_bytes_free(&self->cose);
	X509_STORE_free(self->trust);
	tconn_tpm_close(self->tpm);
}

static int verify(FIXTURE_DATA(receipt) *self)
{
	return tconn_receipt_verify(self->cose.data, self->cose.len, self->trust, &self->got,
				    &self->err);
}

TEST_F(receipt, says_what_was_signed)
{
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(42, self->got.id);
	EXPECT_EQ(1700000000, self->got.time);
	EXPECT_STREQ(device.id.name, self->got.device);
	EXPECT_STREQ("payments.example", self->got.service);
	ASSERT_EQ(sizeof(self->statement), self->got.statement.len);
	EXPECT_EQ(0, memcmp(self->statement, self->got.statement.data, sizeof(self->statement)));
	EXPECT_EQ(0, memcmp(&self->r.record, &self->got.record, sizeof(self->got.record)));
	EXPECT_EQ(0, memcmp(self->r.nonce, self->got.nonce, 32));
	EXPECT_EQ(0, memcmp(self->r.evidence_digest, self->got.evidence_digest, 32));
	ASSERT_EQ(sizeof(self->sealed), self->got.answer.len);
	EXPECT_EQ(0, memcmp(self->sealed, self->got.answer.data, sizeof(self->sealed)));
	EXPECT_EQ(device.data_cert.len, self->got.signer.len);
	EXPECT_TRUE(self->got.verdict.trusted);
	ASSERT_EQ(1, self->got.verdict.count);
	EXPECT_STREQ("quote-fresh", self->got.verdict.check[0].name);
}

/* d2 84 58 len protected a0 58/59 len payload 58 40 signature, and the to-be-signed
 * bytes "84 6a Signature1 <protected> 40 <payload>", put together by hand.
 */
TEST_F(receipt, is_a_cose_sign1_that_openssl_verifies)
{
	const uint8_t *p = self->cose.data, *protected, *payload, *sig, *der = service.data_cert.data;
	size_t protected_len, payload_len, at = 12;
	uint8_t *tbs = malloc(self->cose.len + 64), *sig_der = NULL;
	ECDSA_SIG *es = ECDSA_SIG_new();
	X509 *cert = d2i_X509(NULL, &der, (long)service.data_cert.len);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int sig_len;

	ASSERT_EQ(0xd2, p[0]);
	ASSERT_EQ(0x84, p[1]);
	ASSERT_EQ(0x59, p[2]);
	protected = p + 2;
	protected_len = 3 + (size_t)(p[3] << 8 | p[4]);
	EXPECT_EQ(0xa3, protected[3]);		/* {1: -7, 3: "application.. */
	EXPECT_EQ(0, memcmp(protected + 4, "\x01\x26\x03\x78\x22" "application/vnd.tconn.receipt+cbor",
			    39));
	EXPECT_EQ(0, memcmp(protected + 43, "\x18\x21\x59", 3));	/* 33: bstr */
	EXPECT_EQ(0, memcmp(protected + 48, service.data_cert.data, service.data_cert.len));
	payload = protected + protected_len + 1;
	ASSERT_EQ(0xa0, payload[-1]);
	ASSERT_EQ(0x59, payload[0]);
	payload_len = 3 + (size_t)(payload[1] << 8 | payload[2]);
	sig = payload + payload_len + 2;
	ASSERT_EQ(self->cose.data + self->cose.len, sig + 64);
	memcpy(tbs, "\x84\x6aSignature1", 12);
	memcpy(tbs + at, protected, protected_len);
	at += protected_len;
	tbs[at++] = 0x40;
	memcpy(tbs + at, payload, payload_len);
	at += payload_len;
	ECDSA_SIG_set0(es, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL));
	sig_len = i2d_ECDSA_SIG(es, &sig_der);
	ASSERT_EQ(1, EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert)));
	EXPECT_EQ(1, EVP_DigestVerify(md, sig_der, (size_t)sig_len, tbs, at));
	EVP_MD_CTX_free(md);
	X509_free(cert);
	ECDSA_SIG_free(es);
	OPENSSL_free(sig_der);
	free(tbs);
}

TEST_F(receipt, any_changed_byte_is_refused)
{
	for (size_t i = 0; i < self->cose.len; i++) {
		self->cose.data[i] ^= 1;
		ASSERT_GT(0, verify(self)) TH_LOG("byte %zu of %zu", i, self->cose.len);
		ASSERT_EQ(0, strncmp(self->err.text, "receipt: ", 9)) TH_LOG("%s", self->err.text);
		self->cose.data[i] ^= 1;
	}
	ASSERT_EQ(0, verify(self));
}

TEST_F(receipt, cut_anywhere_is_refused)
{
	for (size_t len = 0; len < self->cose.len; len++) {
		ASSERT_GT(0, tconn_receipt_verify(self->cose.data, len, self->trust, &self->got,
						  &self->err)) TH_LOG("%zu", len);
	}
	self->cose.data = realloc(self->cose.data, self->cose.len + 1);
	self->cose.data[self->cose.len++] = 0;
	EXPECT_EQ(-EBADMSG, verify(self));
}

TEST_F(receipt, of_a_service_from_another_issuer_is_refused)
{
	struct x509_store_st *other = trust_of(&other_issuer);

	EXPECT_EQ(-EKEYREJECTED, tconn_receipt_verify(self->cose.data, self->cose.len, other,
						      &self->got, &self->err))
		TH_LOG("%s", self->err.text);
	X509_STORE_free(other);
}

TEST_F(receipt, in_the_name_of_another_service_is_refused)
{
	tconn_bytes_free(&self->cose);
	strcpy(self->r.service, "another.example");
	ASSERT_EQ(0, tconn_receipt_sign(&self->r, self->tpm, service.data_cert.data,
					service.data_cert.len, &self->cose, &self->err));
	EXPECT_EQ(-EKEYREJECTED, verify(self));
	EXPECT_NE(NULL, strstr(self->err.text, "another.example")) TH_LOG("%s", self->err.text);
}

/* The service signs what it likes; the device's half it cannot make. */
static void expect_half_refused(struct __test_metadata *_metadata, FIXTURE_DATA(receipt) *self,
				const char *why)
{
	tconn_bytes_free(&self->cose);
	ASSERT_EQ(0, tconn_receipt_sign(&self->r, self->tpm, service.data_cert.data,
					service.data_cert.len, &self->cose, &self->err));
	EXPECT_EQ(-EKEYREJECTED, verify(self));
	EXPECT_NE(NULL, strstr(self->err.text, "the device's half")) TH_LOG("%s", self->err.text);
	EXPECT_NE(NULL, strstr(self->err.text, why)) TH_LOG("%s", self->err.text);
}

TEST_F(receipt, of_something_else_than_the_device_signed_is_refused)
{
	self->r.record.outcome = TCONN_OUTCOME_DENIED;
	expect_half_refused(_metadata, self, "");
	self->r.record.outcome = TCONN_OUTCOME_CONFIRMED;
	self->statement[0] ^= 1;
	expect_half_refused(_metadata, self, "");
	self->statement[0] ^= 1;
	self->sealed[5] ^= 1;
	expect_half_refused(_metadata, self, "");
	self->sealed[5] ^= 1;
	self->r.nonce[0] ^= 1;
	expect_half_refused(_metadata, self, "");
	self->r.nonce[0] ^= 1;
	self->r.id++;
	expect_half_refused(_metadata, self, "");
}

TEST_F(receipt, without_the_devices_half_is_refused)
{
	tconn_bytes_free(&self->r.signature);
	expect_half_refused(_metadata, self, "did not sign");
}

TEST_F(receipt, with_the_services_own_half_is_refused)
{
	ASSERT_EQ(0, sign_half(&self->r, &service, &self->err));
	expect_half_refused(_metadata, self, "");
}

TEST_F(receipt, tells_its_time_before_it_is_believed)
{
	uint64_t time = 0;

	ASSERT_EQ(0, tconn_receipt_time(self->cose.data, self->cose.len, &time, &self->err));
	EXPECT_EQ(1700000000, time);
	EXPECT_EQ(-EBADMSG, tconn_receipt_time(self->cose.data, 10, &time, &self->err));
}

TEST_F(receipt, by_a_device_is_refused)
{
	struct tconn_tpm *tpm;

	tconn_bytes_free(&self->cose);
	ASSERT_EQ(0, tconn_tpm_open(device.swtpm.tcti, &tpm, &self->err));
	ASSERT_EQ(0, tconn_receipt_sign(&self->r, tpm, device.data_cert.data, device.data_cert.len,
					&self->cose, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_GT(0, verify(self));
	tconn_tpm_close(tpm);
}

TEST_F(receipt, is_not_signed_for_a_certificate_of_another_key)
{
	struct tconn_bytes none = { 0 };

	EXPECT_EQ(-EKEYREJECTED, tconn_receipt_sign(&self->r, self->tpm, device.data_cert.data,
						    device.data_cert.len, &none, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(NULL, none.data);
	EXPECT_EQ(-EKEYREJECTED, tconn_receipt_sign(&self->r, self->tpm, service.ak_cert.data,
						    service.ak_cert.len, &none, &self->err))
		TH_LOG("%s", self->err.text);
}

TEST_F(receipt, over_the_limit_is_refused)
{
	struct tconn_bytes none = { 0 }, big = { calloc(1, 70000), 70000 };

	self->r.statement.data = big.data;
	self->r.statement.len = TCONN_STATEMENT_MAX + 1;
	EXPECT_EQ(-EMSGSIZE, tconn_receipt_sign(&self->r, self->tpm, service.data_cert.data,
						service.data_cert.len, &none, &self->err));
	EXPECT_EQ(-EMSGSIZE, tconn_receipt_verify(big.data, big.len, self->trust, &self->got,
						  &self->err));
	tconn_bytes_free(&big);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	world_issuer_start(&issuer);
	world_issuer_start(&other_issuer);
	world_identity_start(&maker, &issuer, "service", "payments.example", &service);
	world_identity_start(&maker, &issuer, "device", NULL, &device);
	return test_harness_run(argc, argv);
}
