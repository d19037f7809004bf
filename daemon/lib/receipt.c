// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

#include "cbor_util.h"
#include "channel.h"
#include "digest.h"
#include "receipt.h"

#define RECEIPT_VERSION		1
#define CERTIFICATE_MAX		8192
#define COSE_TAG_SIGN1		18
#define COSE_ALG		1
#define COSE_CONTENT_TYPE	3
#define COSE_X5CHAIN		33
#define COSE_ES256		6	/* the n of -1 - n: -7 */
#define COORDINATE		32	/* bytes of r and of s on P-256 */

static const char content_type[] = "application/vnd.tconn.receipt+cbor";

enum payload_key {
	KEY_VERSION,
	KEY_ID,
	KEY_TIME,
	KEY_DEVICE,
	KEY_SERVICE,
	KEY_STATEMENT,
	KEY_RECORD,
	KEY_NONCE,
	KEY_EVIDENCE,
	KEY_TRUSTED,
	KEY_CHECKS,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
	"version", "id", "time", "device", "service", "statement", "record", "nonce",
	"evidence digest", "trusted", "checks",
};

struct cose {
	const uint8_t *protected, *payload, *cert;
	size_t protected_len, payload_len, cert_len;
	uint8_t signature[2 * COORDINATE];
};

void tconn_receipt_free(struct tconn_receipt *r)
{
	tconn_bytes_free(&r->statement);
}

static int encode_payload(const struct tconn_receipt *r, struct tconn_bytes *ret,
			  struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, KEY_COUNT);
	tconn_cbor_put_uint(&w, KEY_VERSION);
	tconn_cbor_put_uint(&w, RECEIPT_VERSION);
	tconn_cbor_put_uint(&w, KEY_ID);
	tconn_cbor_put_uint(&w, r->id);
	tconn_cbor_put_uint(&w, KEY_TIME);
	tconn_cbor_put_uint(&w, r->time);
	tconn_cbor_put_uint(&w, KEY_DEVICE);
	tconn_cbor_put_text(&w, r->device, sizeof(r->device) - 1);
	tconn_cbor_put_uint(&w, KEY_SERVICE);
	tconn_cbor_put_text(&w, r->service, sizeof(r->service) - 1);
	tconn_cbor_put_uint(&w, KEY_STATEMENT);
	tconn_cbor_put_bytes(&w, r->statement.data, r->statement.len);
	tconn_cbor_put_uint(&w, KEY_RECORD);
	tconn_cbor_put_bytes(&w, &r->record, sizeof(r->record));
	tconn_cbor_put_uint(&w, KEY_NONCE);
	tconn_cbor_put_bytes(&w, r->nonce, sizeof(r->nonce));
	tconn_cbor_put_uint(&w, KEY_EVIDENCE);
	tconn_cbor_put_bytes(&w, r->evidence_digest, sizeof(r->evidence_digest));
	tconn_cbor_put_uint(&w, KEY_TRUSTED);
	tconn_cbor_put_bool(&w, r->verdict.trusted);
	tconn_cbor_put_uint(&w, KEY_CHECKS);
	tconn_cbor_put_checks(&w, &r->verdict);
	return tconn_cbor_finish(&w, ret, err);
}

static int encode_protected(const uint8_t *cert, size_t len, struct tconn_bytes *ret,
			    struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, 3);
	tconn_cbor_put_uint(&w, COSE_ALG);
	tconn_cbor_put_negative(&w, COSE_ES256);
	tconn_cbor_put_uint(&w, COSE_CONTENT_TYPE);
	tconn_cbor_put_text(&w, content_type, sizeof(content_type));
	tconn_cbor_put_uint(&w, COSE_X5CHAIN);
	tconn_cbor_put_bytes(&w, cert, len);
	return tconn_cbor_finish(&w, ret, err);
}

/* RFC 9052, section 4.4: what is signed. */
static int signed_digest(const struct cose *c, uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };
	struct tconn_bytes bytes;
	int error;

	tconn_cbor_put_array(&w, 4);
	tconn_cbor_put_text(&w, "Signature1", 10);
	tconn_cbor_put_bytes(&w, c->protected, c->protected_len);
	tconn_cbor_put_bytes(&w, NULL, 0);
	tconn_cbor_put_bytes(&w, c->payload, c->payload_len);
	error = tconn_cbor_finish(&w, &bytes, err);
	if (error)
		return error;
	tconn_sha256(bytes.data, bytes.len, ret);
	tconn_bytes_free(&bytes);
	return 0;
}

static int raw_from_der(const uint8_t *der, size_t len, uint8_t ret[2 * COORDINATE],
			struct tconn_error *err)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool done = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, COORDINATE) == COORDINATE &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + COORDINATE, COORDINATE) == COORDINATE;

	ECDSA_SIG_free(sig);
	return done ? 0 : tconn_fail(err, -EIO, "the TPM's signature is no P-256 signature");
}

static int der_from_raw(const uint8_t raw[2 * COORDINATE], uint8_t **ret, size_t *ret_len,
			struct tconn_error *err)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, COORDINATE, NULL);
	BIGNUM *s = BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
	uint8_t *der = NULL;
	int len = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = NULL;	/* the signature owns them now */
		s = NULL;
		len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

static int verify_signature(const struct cose *c, struct tconn_error *err)
{
	uint8_t digest[32], *der = NULL;
	size_t der_len = 0;
	int error = signed_digest(c, digest, err);

	if (!error)
		error = der_from_raw(c->signature, &der, &der_len, err);
	if (!error)
		error = tconn_certificate_verify_digest(c->cert, c->cert_len, digest, der, der_len,
							err);
	OPENSSL_free(der);
	return error;
}

static int make_signature(struct cose *c, struct tconn_tpm *tpm, struct tconn_error *err)
{
	uint8_t digest[32], der[72];
	size_t der_len = 0;
	int error = signed_digest(c, digest, err);

	if (!error)
		error = tconn_tpm_sign(tpm, TCONN_KEY_DATA, digest, der, &der_len, err);
	if (!error)
		error = raw_from_der(der, der_len, c->signature, err);
	if (!error)
		/* A certificate of another key would make receipts nobody can verify. */
		error = verify_signature(c, err);
	return error;
}

static int encode_cose(const struct cose *c, struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_cbor_discard))) struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_tag(&w, COSE_TAG_SIGN1);
	tconn_cbor_put_array(&w, 4);
	tconn_cbor_put_bytes(&w, c->protected, c->protected_len);
	tconn_cbor_put_map(&w, 0);
	tconn_cbor_put_bytes(&w, c->payload, c->payload_len);
	tconn_cbor_put_bytes(&w, c->signature, sizeof(c->signature));
	if (w.len > TCONN_MESSAGE_MAX)
		return tconn_fail(err, -EMSGSIZE, "%zu bytes are over the limit of %u", w.len,
				  TCONN_MESSAGE_MAX);
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_receipt_sign(const struct tconn_receipt *r, struct tconn_tpm *tpm,
		       const uint8_t *data_cert, size_t data_cert_len, struct tconn_bytes *ret,
		       struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes payload = { 0 };
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes protected = { 0 };
	struct cose c = { .cert = data_cert, .cert_len = data_cert_len };
	int error;

	if (data_cert_len > CERTIFICATE_MAX || r->statement.len > TCONN_STATEMENT_MAX)
		return tconn_fail(err, -EMSGSIZE, "receipt: certificate or statement is too long");
	error = encode_payload(r, &payload, err);
	if (!error)
		error = encode_protected(data_cert, data_cert_len, &protected, err);
	if (!error) {
		c.payload = payload.data;
		c.payload_len = payload.len;
		c.protected = protected.data;
		c.protected_len = protected.len;
		error = make_signature(&c, tpm, err);
	}
	if (!error)
		error = encode_cose(&c, ret, err);
	return error ? tconn_fail_in(err, error, "receipt") : 0;
}

static int expect_key(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t key,
		      struct tconn_error *err)
{
	uint64_t got;
	int error;

	if (!map->left)
		return tconn_fail(err, -EBADMSG, "key %" PRIu64 " is missing", key);
	error = tconn_cbor_key(r, map, INT64_MAX, &got, err);
	if (!error && got != key)
		return tconn_fail(err, -EBADMSG, "key %" PRIu64 " where %" PRIu64 " is expected",
				  got, key);
	return error;
}

static int check_algorithm(struct tconn_cbor *r, struct tconn_error *err)
{
	uint64_t alg;
	int error = tconn_cbor_negative(r, &alg, err);

	if (!error && alg != COSE_ES256)
		return tconn_fail(err, -EBADMSG, "signed with another algorithm than ES256");
	return error;
}

static int check_content_type(struct tconn_cbor *r, struct tconn_error *err)
{
	char type[64];
	int error = tconn_cbor_string(r, type, sizeof(type), err);

	if (!error && strcmp(type, content_type))
		return tconn_fail(err, -EBADMSG, "is a %s, not a %s", type, content_type);
	return error;
}

static int decode_protected(struct cose *c, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(c->protected, c->protected_len);
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&r, 3, &map, err);

	if (!error)
		error = expect_key(&r, &map, COSE_ALG, err);
	if (!error)
		error = check_algorithm(&r, err);
	if (!error)
		error = expect_key(&r, &map, COSE_CONTENT_TYPE, err);
	if (!error)
		error = check_content_type(&r, err);
	if (!error)
		error = expect_key(&r, &map, COSE_X5CHAIN, err);
	if (!error)
		error = tconn_cbor_bytes(&r, CERTIFICATE_MAX, &c->cert, &c->cert_len, err);
	if (!error)
		error = tconn_cbor_end(&r, err);
	return error ? tconn_fail_in(err, error, "protected header") : 0;
}

static int decode_cose(const uint8_t *cose, size_t len, struct cose *ret, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(cose, len);
	struct tconn_cbor_map unprotected;
	size_t count = 0;
	int error = tconn_cbor_tag(&r, COSE_TAG_SIGN1, err);

	if (!error)
		error = tconn_cbor_array(&r, 4, &count, err);
	if (!error && count != 4)
		return tconn_fail(err, -EBADMSG, "no COSE_Sign1: %zu items, not 4", count);
	if (!error)
		error = tconn_cbor_bytes(&r, len, &ret->protected, &ret->protected_len, err);
	if (!error)
		error = tconn_cbor_map(&r, 0, &unprotected, err);
	if (!error)
		error = tconn_cbor_bytes(&r, len, &ret->payload, &ret->payload_len, err);
	if (!error)
		error = tconn_cbor_fixed(&r, ret->signature, sizeof(ret->signature), err);
	if (!error)
		error = tconn_cbor_end(&r, err);
	return error ? error : decode_protected(ret, err);
}

static int decode_version(struct tconn_cbor *r, struct tconn_error *err)
{
	uint64_t version;
	int error = tconn_cbor_uint(r, UINT32_MAX, &version, err);

	if (!error && version != RECEIPT_VERSION)
		return tconn_fail(err, -EPROTONOSUPPORT, "%" PRIu64 ", not %d", version,
				  RECEIPT_VERSION);
	return error;
}

static int decode_statement(struct tconn_cbor *r, struct tconn_bytes *ret, struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;
	int error = tconn_cbor_bytes(r, TCONN_STATEMENT_MAX, &data, &len, err);

	return error ? error : tconn_bytes_copy(ret, data, len, err);
}

static int decode_item(struct tconn_cbor *r, enum payload_key key, struct tconn_receipt *ret,
		       struct tconn_error *err)
{
	switch (key) {
	case KEY_VERSION:
		return decode_version(r, err);
	case KEY_ID:
		return tconn_cbor_uint(r, UINT64_MAX, &ret->id, err);
	case KEY_TIME:
		return tconn_cbor_uint(r, UINT64_MAX, &ret->time, err);
	case KEY_DEVICE:
		return tconn_cbor_string(r, ret->device, sizeof(ret->device), err);
	case KEY_SERVICE:
		return tconn_cbor_string(r, ret->service, sizeof(ret->service), err);
	case KEY_STATEMENT:
		return decode_statement(r, &ret->statement, err);
	case KEY_RECORD:
		return tconn_cbor_fixed(r, (uint8_t *)&ret->record, sizeof(ret->record), err);
	case KEY_NONCE:
		return tconn_cbor_fixed(r, ret->nonce, sizeof(ret->nonce), err);
	case KEY_EVIDENCE:
		return tconn_cbor_fixed(r, ret->evidence_digest, sizeof(ret->evidence_digest), err);
	case KEY_TRUSTED:
		return tconn_cbor_bool(r, &ret->verdict.trusted, err);
	default:
		return tconn_cbor_checks(r, &ret->verdict, err);
	}
}

static int decode_payload(const struct cose *c, struct tconn_receipt *ret, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(c->payload, c->payload_len);
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&r, KEY_COUNT, &map, err);

	for (enum payload_key key = 0; !error && key < KEY_COUNT; key++) {
		error = expect_key(&r, &map, key, err);
		if (!error)
			error = decode_item(&r, key, ret, err);
		if (error)
			return tconn_fail_in(err, error, key_names[key]);
	}
	return error ? error : tconn_cbor_end(&r, err);
}

/* The payload is read only once it is known who signed it. */
static int verify(const struct cose *c, struct x509_store_st *trust, struct tconn_receipt *r,
		  struct tconn_error *err)
{
	struct tconn_identity signer = { 0 };
	int error = tconn_certificate_check(trust, c->cert, c->cert_len, TCONN_USE_DATA,
					    TCONN_ROLE_SERVICE, &signer, err);

	if (!error)
		error = verify_signature(c, err);
	if (!error)
		error = decode_payload(c, r, err);
	if (!error && strcmp(signer.name, r->service))
		return tconn_fail(err, -EKEYREJECTED, "signed by service %.100s, but it names %.100s",
				  signer.name, r->service);
	return error;
}

int tconn_receipt_verify(const uint8_t *cose, size_t len, struct x509_store_st *trust,
			 struct tconn_receipt *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_receipt_free))) struct tconn_receipt r = { 0 };
	struct cose c = { 0 };
	int error;

	if (len > TCONN_MESSAGE_MAX)
		return tconn_fail(err, -EMSGSIZE, "receipt: %zu bytes are over the limit of %u", len,
				  TCONN_MESSAGE_MAX);
	error = decode_cose(cose, len, &c, err);
	if (!error)
		error = verify(&c, trust, &r, err);
	if (error)
		return tconn_fail_in(err, error, "receipt");
	*ret = r;
	r = (struct tconn_receipt){ 0 };
	return 0;
}
