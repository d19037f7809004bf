// SPDX-License-Identifier: Apache-2.0
/*
 * One table says what each message holds; encoder and decoder both walk it, so
 * they cannot disagree.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../tui/protocol.h"
#include "../../tui/statement.h"
#include "cbor_util.h"
#include "channel.h"
#include "digest.h"
#include "half.h"
#include "intake.h"
#include "message.h"
#include "request_proof.h"

#define HELLO_VERSION	1
#define CERTIFICATE_MAX	8192
#define ERRNO_MAX	4095
#define FIELDS_MAX	8

enum field_kind {
	FIELD_END,
	FIELD_UINT32,
	FIELD_UINT64,
	FIELD_ROLE,
	FIELD_NONCE,
	FIELD_KEY,	/* 32 bytes */
	FIELD_BOOL,
	FIELD_NAME,	/* an identifier: what cannot be sent as it is, is refused */
	FIELD_TEXT,	/* for a person: what cannot be sent as it is, is replaced */
	FIELD_BYTES,
	FIELD_BLOB,
	FIELD_CHECKS,
	FIELD_HELD,	/* resetCount u32, restartCount u32, bytes u64, big-endian */
};

struct field {
	uint8_t key;
	uint8_t kind;
	bool optional;
	uint32_t min, max;	/* value of integers, bytes of strings */
	size_t offset;		/* in struct tconn_message */
	const char *name;
};

struct schema {
	enum tconn_message_type type;
	const char *name;
	size_t limit;		/* bytes of the whole message */
	struct field field[FIELDS_MAX + 1];
};

#define AT(m)			offsetof(struct tconn_message, m)
#define UINT32(k, m, lo, hi)	{ k, FIELD_UINT32, false, lo, hi, AT(m), #m }
#define UINT64(k, m)		{ k, FIELD_UINT64, false, 0, 0, AT(m), #m }
#define BYTES(k, m, lo, hi)	{ k, FIELD_BYTES, false, lo, hi, AT(m), #m }
#define BLOB(k, m)		{ k, FIELD_BLOB, false, 1, TCONN_TPM_BUF, AT(m), #m }
#define TEXT(k, m, size)	{ k, FIELD_TEXT, false, 0, size, AT(m), #m }
#define KEY(k, m)		{ k, FIELD_KEY, false, 32, 32, AT(m), #m }
#define NONCE(k, opt)		{ k, FIELD_NONCE, opt, 32, 32, AT(nonce), "nonce" }

#define HELD_SIZE	16u
#define HELD(k)			{ k, FIELD_HELD, true, HELD_SIZE, HELD_SIZE, AT(held), "held" }

static const struct schema schemas[] = {
	{ TCONN_MSG_ENROL_REQUEST, "ENROL_REQUEST", TCONN_MESSAGE_MAX, {
		{ 1, FIELD_ROLE, false, 0, UINT8_MAX, AT(role), "role" },
		{ 2, FIELD_NAME, true, 1, TCONN_IDENTITY_MAX, AT(name), "name" },
		BLOB(3, ek),
		BYTES(4, ek_cert, 0, CERTIFICATE_MAX),
		BLOB(5, ak), BLOB(6, tls), BLOB(7, data),
		{ 8, FIELD_BYTES, true, 1, TCONN_EK_CHAIN_MAX, AT(ek_chain), "ek_chain" } } },
	{ TCONN_MSG_ENROL_CHALLENGE, "ENROL_CHALLENGE", TCONN_MESSAGE_MAX, {
		BLOB(1, credential), BLOB(2, secret) } },
	{ TCONN_MSG_ENROL_PROOF, "ENROL_PROOF", TCONN_MESSAGE_MAX, {
		BLOB(1, certify_tls), BLOB(2, certify_tls_sig),
		BLOB(3, certify_data), BLOB(4, certify_data_sig) } },
	{ TCONN_MSG_ENROL_RESULT, "ENROL_RESULT", TCONN_MESSAGE_MAX, {
		BYTES(1, cert_ak, 1, CERTIFICATE_MAX),
		BYTES(2, cert_tls, 1, CERTIFICATE_MAX),
		BYTES(3, cert_data, 1, CERTIFICATE_MAX) } },
	{ TCONN_MSG_HELLO, "HELLO", TCONN_MESSAGE_MAX, {
		UINT32(1, version, 0, UINT32_MAX), NONCE(2, false), HELD(3) } },
	{ TCONN_MSG_EVIDENCE, "EVIDENCE", TCONN_EVIDENCE_MAX, {
		NONCE(1, true),
		{ 2, FIELD_BYTES, true, 1, TCONN_EVIDENCE_MAX, AT(evidence), "evidence" },
		HELD(3) } },
	{ TCONN_MSG_VERDICT, "VERDICT", TCONN_MESSAGE_MAX, {
		{ 1, FIELD_BOOL, false, 0, 1, AT(verdict.trusted), "trusted" },
		{ 2, FIELD_CHECKS, false, 0, TCONN_CHECKS_MAX, AT(verdict), "checks" } } },
	{ TCONN_MSG_REQUEST, "REQUEST", TCONN_MESSAGE_MAX, {
		UINT64(1, id), NONCE(2, false), UINT32(3, timeout_ms, 0, UINT32_MAX),
		BYTES(4, statement, 0, TCONN_STATEMENT_MAX), HELD(5),
		KEY(6, verifier_key),
		{ 7, FIELD_BYTES, true, 1, TCONN_PROOF_MAX, AT(proof), "proof" } } },
	{ TCONN_MSG_ANSWER, "ANSWER", TCONN_EVIDENCE_MAX, {
		UINT64(1, id), UINT32(2, status, 0, TCONN_TUI_STATUS_MAX),
		BYTES(3, record, 0, sizeof(struct tconn_record)),
		BYTES(4, answer, 0, TCONN_TUI_ANSWER_MAX), TEXT(5, text, 512),
		BYTES(6, evidence, 1, TCONN_EVIDENCE_MAX),
		BYTES(7, signature, 0, TCONN_HALF_SIGNATURE_MAX),
		BYTES(8, signer, 0, TCONN_HALF_SIGNER_MAX) } },
	{ TCONN_MSG_RECEIPT, "RECEIPT", TCONN_MESSAGE_MAX, {
		UINT64(1, id), BYTES(2, receipt, 1, TCONN_MESSAGE_MAX) } },
	{ TCONN_MSG_ATTEST, "ATTEST", TCONN_MESSAGE_MAX, {
		NONCE(1, false), HELD(2) } },
	{ TCONN_MSG_ITEM, "ITEM", TCONN_FRAME_ITEM, {
		UINT64(1, id), BYTES(2, label, 0, TCONN_ITEM_LABEL_MAX),
		BYTES(3, item, 0, TCONN_ITEM_MAX) } },
	{ TCONN_MSG_TAKEN, "TAKEN", TCONN_MESSAGE_MAX, {
		UINT64(1, id), UINT32(2, code, 0, ERRNO_MAX), TEXT(3, text, 512) } },
	{ TCONN_MSG_FETCH, "FETCH", TCONN_MESSAGE_MAX, { { 0 } } },
	{ TCONN_MSG_REFUSAL, "REFUSAL", TCONN_MESSAGE_MAX, {
		UINT32(1, code, 1, ERRNO_MAX), TEXT(2, text, 512) } },
};

static const struct schema *find_schema(uint64_t type)
{
	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
		if (schemas[i].type == type)
			return &schemas[i];
	}
	return NULL;
}

static void *member(struct tconn_message *m, const struct field *f)
{
	return (char *)m + f->offset;
}

static const void *const_member(const struct tconn_message *m, const struct field *f)
{
	return (const char *)m + f->offset;
}

/* What a table of single fields cannot say; for both directions. */
static int check_whole(const struct tconn_message *m, struct tconn_error *err)
{
	const bool service = m->role == TCONN_ROLE_SERVICE;

	switch (m->type) {
	case TCONN_MSG_ENROL_REQUEST:
		if (!service && m->role != TCONN_ROLE_DEVICE)
			return tconn_fail(err, -EBADMSG, "role %u is neither device nor service",
					  (unsigned int)m->role);
		if (service != (m->name[0] != '\0'))
			return tconn_fail(err, -EBADMSG, service ? "a service needs a name" :
					  "a device has no name, its id is made from its EK");
		return 0;
	case TCONN_MSG_HELLO:
		if (m->version != HELLO_VERSION)
			return tconn_fail(err, -EPROTONOSUPPORT,
					  "version %" PRIu32 " of the protocol; here it is version %d",
					  m->version, HELLO_VERSION);
		return 0;
	case TCONN_MSG_ANSWER:
		if (m->record.len && m->record.len != sizeof(struct tconn_record))
			return tconn_fail(err, -EBADMSG, "record of %zu bytes, not %zu",
					  m->record.len, sizeof(struct tconn_record));
		return 0;
	case TCONN_MSG_VERDICT:
		for (size_t i = 0; m->verdict.trusted && i < m->verdict.count; i++) {
			if (!m->verdict.check[i].pass)
				return tconn_fail(err, -EBADMSG,
						  "verdict says trusted although %s failed",
						  m->verdict.check[i].name);
		}
		if (m->verdict.trusted && !m->verdict.count)
			return tconn_fail(err, -EBADMSG, "verdict says trusted without a check");
		return 0;
	default:
		return 0;
	}
}

static bool is_present(const struct tconn_message *m, const struct field *f)
{
	if (!f->optional)
		return true;
	switch (f->kind) {
	case FIELD_NONCE:
		return m->has_nonce;
	case FIELD_HELD:
		return m->held.bytes != 0;
	case FIELD_BYTES:
		return ((const struct tconn_bytes *)const_member(m, f))->len != 0;
	default:
		return m->name[0] != '\0';
	}
}

static int put_number(struct tconn_cbor_writer *w, const struct field *f, uint64_t value,
		      struct tconn_error *err)
{
	if (value < f->min || (f->kind != FIELD_UINT64 && value > f->max))
		return tconn_fail(err, -EINVAL, "%" PRIu64 " is not within %" PRIu32 "..%" PRIu32,
				  value, f->min, f->max);
	tconn_cbor_put_uint(w, value);
	return 0;
}

static int put_bytes(struct tconn_cbor_writer *w, const struct field *f, const void *data,
		     size_t len, struct tconn_error *err)
{
	if (len < f->min || len > f->max)
		return tconn_fail(err, -EMSGSIZE, "%zu bytes are not within %" PRIu32 "..%" PRIu32,
				  len, f->min, f->max);
	tconn_cbor_put_bytes(w, data, len);
	return 0;
}

static int check_name(const char *name, int code, struct tconn_error *err)
{
	for (; *name; name++) {
		if (*name < 0x20 || *name > 0x7e)
			return tconn_fail(err, code, "a character is not printable ASCII");
	}
	return 0;
}

static int put_name(struct tconn_cbor_writer *w, const char *name, struct tconn_error *err)
{
	int error = check_name(name, -EINVAL, err);

	if (error)
		return error;
	tconn_cbor_put_text(w, name, TCONN_IDENTITY_MAX - 1);
	return 0;
}

static void put_be(uint8_t *ret, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t get_be(const uint8_t *p, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | p[i];
	return value;
}

static void put_held(struct tconn_cbor_writer *w, const struct tconn_held *held)
{
	uint8_t b[HELD_SIZE];

	put_be(b, held->reset_count, 4);
	put_be(b + 4, held->restart_count, 4);
	put_be(b + 8, held->bytes, 8);
	tconn_cbor_put_bytes(w, b, sizeof(b));
}

static int get_held(struct tconn_cbor *r, struct tconn_held *ret, struct tconn_error *err)
{
	uint8_t b[HELD_SIZE];
	int error = tconn_cbor_fixed(r, b, sizeof(b), err);

	if (error)
		return error;
	ret->reset_count = (uint32_t)get_be(b, 4);
	ret->restart_count = (uint32_t)get_be(b + 4, 4);
	ret->bytes = get_be(b + 8, 8);
	return ret->bytes ? 0 : tconn_fail(err, -EBADMSG, "nothing is held");
}

static int put_field(struct tconn_cbor_writer *w, const struct tconn_message *m,
		     const struct field *f, struct tconn_error *err)
{
	const void *p = const_member(m, f);
	const struct tconn_bytes *bytes = p;
	const struct tconn_blob *blob = p;

	switch (f->kind) {
	case FIELD_UINT32:
		return put_number(w, f, *(const uint32_t *)p, err);
	case FIELD_UINT64:
		return put_number(w, f, *(const uint64_t *)p, err);
	case FIELD_ROLE:
		return put_number(w, f, m->role, err);
	case FIELD_NONCE:
	case FIELD_KEY:
		return put_bytes(w, f, p, 32, err);
	case FIELD_BOOL:
		tconn_cbor_put_bool(w, *(const bool *)p);
		return 0;
	case FIELD_NAME:
		return put_name(w, p, err);
	case FIELD_TEXT:
		tconn_cbor_put_text(w, p, f->max - 1);
		return 0;
	case FIELD_BYTES:
		return put_bytes(w, f, bytes->data, bytes->len, err);
	case FIELD_BLOB:
		return put_bytes(w, f, blob->data, blob->len, err);
	case FIELD_CHECKS:
		tconn_cbor_put_checks(w, p);
		return 0;
	case FIELD_HELD:
		put_held(w, p);
		return 0;
	default:
		return tconn_fail(err, -EINVAL, "unknown kind of field");
	}
}

static int fail_in_field(const struct schema *s, const struct field *f, int code,
			 struct tconn_error *err)
{
	char where[64];

	snprintf(where, sizeof(where), "message %s, key %u (%s)", s->name, f->key, f->name);
	return tconn_fail_in(err, code, where);
}

static int put_fields(struct tconn_cbor_writer *w, const struct schema *s,
		      const struct tconn_message *m, struct tconn_error *err)
{
	size_t pairs = 1;

	for (const struct field *f = s->field; f->kind != FIELD_END; f++)
		pairs += is_present(m, f);
	tconn_cbor_put_map(w, pairs);
	tconn_cbor_put_uint(w, 0);
	tconn_cbor_put_uint(w, m->type);
	for (const struct field *f = s->field; f->kind != FIELD_END; f++) {
		int error;

		if (!is_present(m, f))
			continue;
		tconn_cbor_put_uint(w, f->key);
		error = put_field(w, m, f, err);
		if (error)
			return fail_in_field(s, f, error, err);
	}
	return 0;
}

int tconn_message_encode(const struct tconn_message *m, struct tconn_bytes *ret,
			 struct tconn_error *err)
{
	__attribute__((cleanup(tconn_cbor_discard))) struct tconn_cbor_writer w = { 0 };
	const struct schema *s = find_schema(m->type);
	int error;

	if (!s)
		return tconn_fail(err, -EINVAL, "unknown message type %d", (int)m->type);
	error = check_whole(m, err);
	if (error)
		return tconn_fail_in(err, error, s->name);
	error = put_fields(&w, s, m, err);
	if (error)
		return error;
	if (w.len > s->limit)
		return tconn_fail(err, -EMSGSIZE, "message %s of %zu bytes is over its limit of %zu",
				  s->name, w.len, s->limit);
	return tconn_cbor_finish(&w, ret, err);
}

static int get_number(struct tconn_cbor *r, const struct field *f, uint64_t *ret,
		      struct tconn_error *err)
{
	const uint64_t max = f->kind == FIELD_UINT64 ? UINT64_MAX : f->max;
	int error = tconn_cbor_uint(r, max, ret, err);

	if (!error && *ret < f->min)
		return tconn_fail(err, -EBADMSG, "%" PRIu64 " is below %" PRIu32, *ret, f->min);
	return error;
}

static int get_bytes(struct tconn_cbor *r, const struct field *f, const uint8_t **ret,
		     size_t *ret_len, struct tconn_error *err)
{
	int error = tconn_cbor_bytes(r, f->max, ret, ret_len, err);

	if (!error && *ret_len < f->min)
		return tconn_fail(err, -EBADMSG, "%zu bytes are fewer than %" PRIu32, *ret_len,
				  f->min);
	return error;
}

static int get_blob(struct tconn_cbor *r, const struct field *f, struct tconn_blob *ret,
		    struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;
	int error = get_bytes(r, f, &data, &len, err);

	if (error)
		return error;
	memcpy(ret->data, data, len);
	ret->len = (uint16_t)len;
	return 0;
}

static int get_name(struct tconn_cbor *r, char *ret, struct tconn_error *err)
{
	int error = tconn_cbor_string(r, ret, TCONN_IDENTITY_MAX, err);

	if (error)
		return error;
	if (!*ret)
		return tconn_fail(err, -EBADMSG, "is empty");
	return check_name(ret, -EBADMSG, err);
}

static int get_field(struct tconn_cbor *r, struct tconn_message *m, const struct field *f,
		     struct tconn_error *err)
{
	void *p = member(m, f);
	const uint8_t *data;
	uint64_t number;
	size_t len;
	int error;

	switch (f->kind) {
	case FIELD_UINT32:
		error = get_number(r, f, &number, err);
		if (!error)
			*(uint32_t *)p = (uint32_t)number;
		return error;
	case FIELD_UINT64:
		return get_number(r, f, p, err);
	case FIELD_ROLE:
		error = get_number(r, f, &number, err);
		if (!error)
			m->role = (enum tconn_role)number;
		return error;
	case FIELD_NONCE:
		m->has_nonce = true;
		return tconn_cbor_fixed(r, p, 32, err);
	case FIELD_KEY:
		return tconn_cbor_fixed(r, p, 32, err);
	case FIELD_BOOL:
		return tconn_cbor_bool(r, p, err);
	case FIELD_NAME:
		return get_name(r, p, err);
	case FIELD_TEXT:
		return tconn_cbor_string(r, p, f->max, err);
	case FIELD_BYTES:
		error = get_bytes(r, f, &data, &len, err);
		return error ? error : tconn_bytes_copy(p, data, len, err);
	case FIELD_BLOB:
		return get_blob(r, f, p, err);
	case FIELD_CHECKS:
		return tconn_cbor_checks(r, p, err);
	case FIELD_HELD:
		return get_held(r, p, err);
	default:
		return tconn_fail(err, -EINVAL, "unknown kind of field");
	}
}

static const struct field *find_field(const struct schema *s, uint64_t key)
{
	for (const struct field *f = s->field; f->kind != FIELD_END; f++) {
		if (f->key == key)
			return f;
	}
	return NULL;
}

/* Keys ascend, so each field is met at most once and memory is filled once. */
static int get_fields(struct tconn_cbor *r, struct tconn_cbor_map *map, const struct schema *s,
		      struct tconn_message *m, struct tconn_error *err)
{
	unsigned int seen = 0;

	while (map->left) {
		const struct field *f;
		uint64_t key;
		int error = tconn_cbor_key(r, map, FIELDS_MAX, &key, err);

		if (error)
			return tconn_fail_in(err, error, s->name);
		f = find_field(s, key);
		if (!f)
			return tconn_fail(err, -EBADMSG, "message %s: unknown key %" PRIu64,
					  s->name, key);
		seen |= 1u << key;
		error = get_field(r, m, f, err);
		if (error)
			return fail_in_field(s, f, error, err);
	}
	for (const struct field *f = s->field; f->kind != FIELD_END; f++) {
		if (!f->optional && !(seen & 1u << f->key))
			return tconn_fail(err, -EBADMSG, "message %s lacks key %u (%s)", s->name,
					  f->key, f->name);
	}
	return 0;
}

static int get_type(struct tconn_cbor *r, struct tconn_cbor_map *map, const struct schema **ret,
		    struct tconn_error *err)
{
	const struct schema *s;
	uint64_t key, type;
	int error = tconn_cbor_map(r, 2 * FIELDS_MAX, map, err);	/* unknown keys are named */

	if (error)
		return error;
	if (!map->left)
		return tconn_fail(err, -EBADMSG, "the message is empty");
	error = tconn_cbor_key(r, map, FIELDS_MAX, &key, err);
	if (error)
		return error;
	if (key)
		return tconn_fail(err, -EBADMSG, "the message has no type (key 0)");
	error = tconn_cbor_uint(r, UINT32_MAX, &type, err);
	if (error)
		return error;
	s = find_schema(type);
	if (!s)
		return tconn_fail(err, -EBADMSG, "unknown message type %" PRIu64, type);
	*ret = s;
	return 0;
}

int tconn_message_decode(const uint8_t *buf, size_t len, struct tconn_message *ret,
			 struct tconn_error *err)
{
	__attribute__((cleanup(tconn_message_free))) struct tconn_message m = { 0 };
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct tconn_cbor_map map;
	const struct schema *s = NULL;
	int error = get_type(&r, &map, &s, err);

	if (error)
		return error;
	if (len > s->limit)
		return tconn_fail(err, -EMSGSIZE, "message %s of %zu bytes is over its limit of %zu",
				  s->name, len, s->limit);
	m.type = s->type;
	error = get_fields(&r, &map, s, &m, err);
	if (error)
		return error;
	error = tconn_cbor_end(&r, err);
	if (!error)
		error = check_whole(&m, err);
	if (error)
		return tconn_fail_in(err, error, s->name);
	*ret = m;
	m = (struct tconn_message){ 0 };
	return 0;
}

void tconn_message_free(struct tconn_message *m)
{
	tconn_bytes_free(&m->statement);
	tconn_bytes_free(&m->proof);
	tconn_bytes_free(&m->record);
	tconn_bytes_free(&m->answer);
	tconn_bytes_free(&m->signature);
	tconn_bytes_free(&m->signer);
	tconn_bytes_free(&m->evidence);
	tconn_bytes_free(&m->receipt);
	tconn_bytes_free(&m->label);
	tconn_bytes_free(&m->item);
	tconn_bytes_free(&m->ek_cert);
	tconn_bytes_free(&m->ek_chain);
	tconn_bytes_free(&m->cert_ak);
	tconn_bytes_free(&m->cert_tls);
	tconn_bytes_free(&m->cert_data);
}

void tconn_answer_digest(const struct tconn_message *answer, const uint8_t *statement,
			 size_t statement_len, uint8_t ret[32])
{
	static const char label[] = "tconn-answer-1";
	uint8_t id[8], status[4], digest[3][32];
	const struct tconn_piece pieces[] = {
		{ label, sizeof(label) - 1 }, { id, sizeof(id) }, { status, sizeof(status) },
		{ digest[0], 32 }, { digest[1], 32 }, { digest[2], 32 },
	};

	put_be(id, answer->id, sizeof(id));
	put_be(status, answer->status, sizeof(status));
	tconn_sha256(statement, statement_len, digest[0]);
	tconn_sha256(answer->record.data, answer->record.len, digest[1]);
	tconn_sha256(answer->answer.data, answer->answer.len, digest[2]);
	tconn_sha256_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), ret);
}
