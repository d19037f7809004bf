// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cbor_util.h"
#include "channel.h"
#include "cose.h"
#include "half.h"
#include "receipt.h"
#include "../../tui/protocol.h"

#define RECEIPT_VERSION		2

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
	KEY_STATUS,
	KEY_ANSWER,
	KEY_SIGNATURE,
	KEY_SIGNER,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
	"version", "id", "time", "device", "service", "statement", "record", "nonce",
	"evidence digest", "trusted", "checks", "status", "answer", "device's signature",
	"device's certificate",
};

void tconn_receipt_free(struct tconn_receipt *r)
{
	tconn_bytes_free(&r->statement);
	tconn_bytes_free(&r->answer);
	tconn_bytes_free(&r->signature);
	tconn_bytes_free(&r->signer);
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
	tconn_cbor_put_uint(&w, KEY_STATUS);
	tconn_cbor_put_uint(&w, r->status);
	tconn_cbor_put_uint(&w, KEY_ANSWER);
	tconn_cbor_put_bytes(&w, r->answer.data, r->answer.len);
	tconn_cbor_put_uint(&w, KEY_SIGNATURE);
	tconn_cbor_put_bytes(&w, r->signature.data, r->signature.len);
	tconn_cbor_put_uint(&w, KEY_SIGNER);
	tconn_cbor_put_bytes(&w, r->signer.data, r->signer.len);
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_receipt_sign(const struct tconn_receipt *r, struct tconn_tpm *tpm,
		       const uint8_t *data_cert, size_t data_cert_len, struct tconn_bytes *ret,
		       struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes payload = { 0 };
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes protected = { 0 };
	struct tconn_cose c = { 0 };
	int error;

	if (data_cert_len > TCONN_COSE_CERTIFICATE_MAX || r->statement.len > TCONN_STATEMENT_MAX)
		return tconn_fail(err, -EMSGSIZE, "receipt: certificate or statement is too long");
	error = encode_payload(r, &payload, err);
	if (!error)
		error = tconn_cose_write_header(TCONN_COSE_ES256, content_type, data_cert, data_cert_len,
						&protected, err);
	if (!error) {
		c.payload = payload.data;
		c.payload_len = payload.len;
		c.protected = protected.data;
		c.protected_len = protected.len;
		error = tconn_cose_sign(&c, tpm, data_cert, data_cert_len, err);
	}
	if (!error)
		error = tconn_cose_encode(&c, TCONN_MESSAGE_MAX, ret, err);
	return error ? tconn_fail_in(err, error, "receipt") : 0;
}

static int decode_protected(const struct tconn_cose *c, struct tconn_cose_header *ret,
			    struct tconn_error *err)
{
	int error = tconn_cose_read_header(c, ret, err);

	if (!error && ret->alg != TCONN_COSE_ES256)
		error = tconn_fail(err, -EBADMSG, "signed with another algorithm than ES256");
	if (!error && strcmp(ret->type, content_type))
		error = tconn_fail(err, -EBADMSG, "is a %s, not a %s", ret->type, content_type);
	return error ? tconn_fail_in(err, error, "protected header") : 0;
}

static int decode_cose(const uint8_t *cose, size_t len, struct tconn_cose *ret,
		       struct tconn_error *err)
{
	int error = tconn_cose_decode(cose, len, ret, err);

	if (!error && (ret->detached || ret->unprotected_len != 1))
		return tconn_fail(err, -EBADMSG, "has no payload, or an unprotected header");
	return error;
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

static int decode_bytes(struct tconn_cbor *r, size_t limit, struct tconn_bytes *ret,
			struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;
	int error = tconn_cbor_bytes(r, limit, &data, &len, err);

	return error ? error : tconn_bytes_copy(ret, data, len, err);
}

static int decode_status(struct tconn_cbor *r, uint32_t *ret, struct tconn_error *err)
{
	uint64_t status;
	int error = tconn_cbor_uint(r, TCONN_TUI_STATUS_MAX, &status, err);

	if (!error)
		*ret = (uint32_t)status;
	return error;
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
		return decode_bytes(r, TCONN_STATEMENT_MAX, &ret->statement, err);
	case KEY_RECORD:
		return tconn_cbor_fixed(r, (uint8_t *)&ret->record, sizeof(ret->record), err);
	case KEY_NONCE:
		return tconn_cbor_fixed(r, ret->nonce, sizeof(ret->nonce), err);
	case KEY_EVIDENCE:
		return tconn_cbor_fixed(r, ret->evidence_digest, sizeof(ret->evidence_digest), err);
	case KEY_TRUSTED:
		return tconn_cbor_bool(r, &ret->verdict.trusted, err);
	case KEY_CHECKS:
		return tconn_cbor_checks(r, &ret->verdict, err);
	case KEY_STATUS:
		return decode_status(r, &ret->status, err);
	case KEY_ANSWER:
		return decode_bytes(r, TCONN_TUI_ANSWER_MAX, &ret->answer, err);
	case KEY_SIGNATURE:
		return decode_bytes(r, TCONN_HALF_SIGNATURE_MAX, &ret->signature, err);
	default:
		return decode_bytes(r, TCONN_HALF_SIGNER_MAX, &ret->signer, err);
	}
}

static int decode_payload(const struct tconn_cose *c, struct tconn_receipt *ret, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(c->payload, c->payload_len);
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&r, KEY_COUNT, &map, err);

	for (enum payload_key key = 0; !error && key < KEY_COUNT; key++) {
		error = tconn_cbor_expect_key(&r, &map, key, err);
		if (!error)
			error = decode_item(&r, key, ret, err);
		if (error)
			return tconn_fail_in(err, error, key_names[key]);
	}
	return error ? error : tconn_cbor_end(&r, err);
}

static int verify_half(const struct tconn_receipt *r, struct x509_store_st *trust,
		       struct tconn_error *err)
{
	const struct tconn_half half = {
		.id = r->id, .status = r->status, .nonce = r->nonce, .statement = r->statement,
		.record = { (uint8_t *)&r->record, sizeof(r->record) }, .answer = r->answer,
		.signature = r->signature, .signer = r->signer,
	};
	int error = tconn_half_verify(&half, trust, r->device, err);

	return error ? tconn_fail_in(err, error, "the device's half") : 0;
}

/* The payload is read only once it is known who signed it. */
static int verify(const struct tconn_cose *c, struct x509_store_st *trust, struct tconn_receipt *r,
		  struct tconn_error *err)
{
	struct tconn_identity signer = { 0 };
	struct tconn_cose_header h;
	int error = decode_protected(c, &h, err);

	if (!error)
		error = tconn_certificate_check(trust, h.cert, h.cert_len, TCONN_USE_DATA,
						TCONN_ROLE_SERVICE, &signer, err);
	if (!error)
		error = tconn_cose_verify(c, TCONN_COSE_ES256, h.cert, h.cert_len, err);
	if (!error)
		error = decode_payload(c, r, err);
	if (!error && strcmp(signer.name, r->service))
		return tconn_fail(err, -EKEYREJECTED, "signed by service %.100s, but it names %.100s",
				  signer.name, r->service);
	return error ? error : verify_half(r, trust, err);
}

int tconn_receipt_time(const uint8_t *cose, size_t len, uint64_t *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_receipt_free))) struct tconn_receipt r = { 0 };
	struct tconn_cose c = { 0 };
	int error = decode_cose(cose, len, &c, err);

	if (!error)
		error = decode_payload(&c, &r, err);
	if (error)
		return tconn_fail_in(err, error, "receipt");
	*ret = r.time;
	return 0;
}

int tconn_receipt_verify(const uint8_t *cose, size_t len, struct x509_store_st *trust,
			 struct tconn_receipt *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_receipt_free))) struct tconn_receipt r = { 0 };
	struct tconn_cose c = { 0 };
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
