// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/message.c and cbor_util.c: PROTOCOL.md, and what it refuses. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/cbor_util.h"
#include "daemon/lib/channel.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/message.h"
#include "daemon/lib/request_proof.h"
#include "kmod/uapi/tconn.h"
#include "tui/protocol.h"

static struct tconn_bytes filled(size_t len, uint8_t value)
{
	struct tconn_bytes b = { malloc(len ? len : 1), len };

	memset(b.data, value, len);
	return b;
}

static void fill_blob(struct tconn_blob *b, size_t len, uint8_t value)
{
	b->len = (uint16_t)len;
	memset(b->data, value, len);
}

static void fill_enrol_request(struct tconn_message *m)
{
	m->role = TCONN_ROLE_SERVICE;
	strcpy(m->name, "payments.example");
	fill_blob(&m->ek, 314, 1);
	fill_blob(&m->ak, 120, 2);
	fill_blob(&m->tls, 120, 3);
	fill_blob(&m->data, 120, 4);
	m->ek_cert = filled(900, 5);
}

static void fill_enrol_answers(struct tconn_message *m)
{
	fill_blob(&m->credential, 68, 1);
	fill_blob(&m->secret, 258, 2);
	fill_blob(&m->certify_tls, 150, 3);
	fill_blob(&m->certify_tls_sig, 72, 4);
	fill_blob(&m->certify_data, 150, 5);
	fill_blob(&m->certify_data_sig, 72, 6);
	m->cert_ak = filled(700, 7);
	m->cert_tls = filled(701, 8);
	m->cert_data = filled(702, 9);
}

static void fill_verdict(struct tconn_verdict *v)
{
	v->trusted = true;
	tconn_verdict_add(v, "quote-fresh", true, "bound to this nonce");
	tconn_verdict_add(v, "ima-log", true, "%d entries", 42);
}

/* A message of this type with every field of it in use. */
static struct tconn_message sample(enum tconn_message_type type)
{
	struct tconn_message m = { .type = type, .id = 0x1122334455667788, .version = 1 };

	m.held = (struct tconn_held){ 0x01020304, 0x05060708, 0x1122334455667788 };
	m.has_nonce = true;
	memset(m.nonce, 0xa5, sizeof(m.nonce));
	m.timeout_ms = 30000;
	memset(m.verifier_key, 0xb6, sizeof(m.verifier_key));
	m.statement = filled(100, 'x');
	m.proof = filled(1000, 'p');
	m.status = TCONN_TUI_ABORTED;
	m.record = filled(sizeof(struct tconn_record), 'r');
	m.signature = filled(72, 'z');
	m.signer = filled(300, 'y');
	m.answer = filled(4, '7');
	m.evidence = filled(70000, 'e');
	m.receipt = filled(5000, 'c');
	m.label = filled(1000, 'l');
	m.item = filled(70000, 'i');
	m.code = EKEYREJECTED;
	strcpy(m.text, "not trusted: gr\xc3\xbc\xc3\x9f");
	fill_verdict(&m.verdict);
	fill_enrol_request(&m);
	fill_enrol_answers(&m);
	return m;
}

static const enum tconn_message_type types[] = {
	TCONN_MSG_ENROL_REQUEST, TCONN_MSG_ENROL_CHALLENGE, TCONN_MSG_ENROL_PROOF,
	TCONN_MSG_ENROL_RESULT, TCONN_MSG_HELLO, TCONN_MSG_EVIDENCE, TCONN_MSG_VERDICT,
	TCONN_MSG_REQUEST, TCONN_MSG_ANSWER, TCONN_MSG_RECEIPT, TCONN_MSG_ATTEST,
	TCONN_MSG_ITEM, TCONN_MSG_TAKEN, TCONN_MSG_FETCH, TCONN_MSG_REFUSAL,
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static bool same_bytes(const struct tconn_bytes *a, const struct tconn_bytes *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool same_blob(const struct tconn_blob *a, const struct tconn_blob *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static struct tconn_bytes encode(const struct tconn_message *m)
{
	struct tconn_error err = { "" };
	struct tconn_bytes b = { 0 };

	if (tconn_message_encode(m, &b, &err))
		printf("# encode: %s\n", err.text);
	return b;
}

static int decode(const struct tconn_bytes *b, struct tconn_message *m, struct tconn_error *err)
{
	memset(m, 0, sizeof(*m));
	return tconn_message_decode(b->data, b->len, m, err);
}

TEST(every_type_survives_the_round_trip)
{
	for (size_t i = 0; i < TYPES; i++) {
		struct tconn_message m = sample(types[i]), got;
		struct tconn_bytes once = encode(&m), twice;
		struct tconn_error err = { "" };

		ASSERT_LT(0, once.len);
		ASSERT_EQ(0, decode(&once, &got, &err)) TH_LOG("type %d: %s", types[i], err.text);
		EXPECT_EQ(types[i], got.type);
		twice = encode(&got);
		EXPECT_TRUE(same_bytes(&once, &twice)) TH_LOG("type %d", types[i]);
		tconn_bytes_free(&once);
		tconn_bytes_free(&twice);
		tconn_message_free(&m);
		tconn_message_free(&got);
	}
}

FIXTURE(fields) {
	struct tconn_message sent, got;
	struct tconn_bytes wire;
	struct tconn_error err;
};

FIXTURE_VARIANT(fields) {
	enum tconn_message_type type;
};

#define FIELDS_VARIANT(t) FIXTURE_VARIANT_ADD(fields, t) { .type = TCONN_MSG_ ## t }
FIELDS_VARIANT(ENROL_REQUEST);
FIELDS_VARIANT(ENROL_CHALLENGE);
FIELDS_VARIANT(ENROL_PROOF);
FIELDS_VARIANT(ENROL_RESULT);
FIELDS_VARIANT(HELLO);
FIELDS_VARIANT(EVIDENCE);
FIELDS_VARIANT(VERDICT);
FIELDS_VARIANT(REQUEST);
FIELDS_VARIANT(ANSWER);
FIELDS_VARIANT(RECEIPT);
FIELDS_VARIANT(ATTEST);
FIELDS_VARIANT(ITEM);
FIELDS_VARIANT(TAKEN);
FIELDS_VARIANT(FETCH);
FIELDS_VARIANT(REFUSAL);

FIXTURE_SETUP(fields)
{
	self->sent = sample(variant->type);
	self->wire = encode(&self->sent);
	ASSERT_LT(0, self->wire.len);
}

FIXTURE_TEARDOWN(fields)
{
	tconn_message_free(&self->sent);
	tconn_message_free(&self->got);
	tconn_bytes_free(&self->wire);
}

TEST_F(fields, arrive)
{
	const struct tconn_message *a = &self->sent, *b = &self->got;

	ASSERT_EQ(0, decode(&self->wire, &self->got, &self->err)) TH_LOG("%s", self->err.text);
	switch (variant->type) {
	case TCONN_MSG_ENROL_REQUEST:
		EXPECT_EQ(a->role, b->role);
		EXPECT_STREQ(a->name, b->name);
		EXPECT_TRUE(same_blob(&a->ek, &b->ek));
		EXPECT_TRUE(same_blob(&a->ak, &b->ak));
		EXPECT_TRUE(same_blob(&a->tls, &b->tls));
		EXPECT_TRUE(same_blob(&a->data, &b->data));
		EXPECT_TRUE(same_bytes(&a->ek_cert, &b->ek_cert));
		break;
	case TCONN_MSG_ENROL_CHALLENGE:
		EXPECT_TRUE(same_blob(&a->credential, &b->credential));
		EXPECT_TRUE(same_blob(&a->secret, &b->secret));
		break;
	case TCONN_MSG_ENROL_PROOF:
		EXPECT_TRUE(same_blob(&a->certify_tls, &b->certify_tls));
		EXPECT_TRUE(same_blob(&a->certify_tls_sig, &b->certify_tls_sig));
		EXPECT_TRUE(same_blob(&a->certify_data, &b->certify_data));
		EXPECT_TRUE(same_blob(&a->certify_data_sig, &b->certify_data_sig));
		break;
	case TCONN_MSG_ENROL_RESULT:
		EXPECT_TRUE(same_bytes(&a->cert_ak, &b->cert_ak));
		EXPECT_TRUE(same_bytes(&a->cert_tls, &b->cert_tls));
		EXPECT_TRUE(same_bytes(&a->cert_data, &b->cert_data));
		break;
	case TCONN_MSG_HELLO:
		EXPECT_EQ(a->version, b->version);
		EXPECT_TRUE(b->has_nonce);
		EXPECT_EQ(0, memcmp(a->nonce, b->nonce, 32));
		break;
	case TCONN_MSG_EVIDENCE:
		EXPECT_TRUE(b->has_nonce);
		EXPECT_EQ(0, memcmp(a->nonce, b->nonce, 32));
		EXPECT_TRUE(same_bytes(&a->evidence, &b->evidence));
		break;
	case TCONN_MSG_VERDICT:
		EXPECT_TRUE(b->verdict.trusted);
		ASSERT_EQ(2, b->verdict.count);
		EXPECT_STREQ("ima-log", b->verdict.check[1].name);
		EXPECT_STREQ("42 entries", b->verdict.check[1].reason);
		EXPECT_TRUE(b->verdict.check[1].pass);
		break;
	case TCONN_MSG_REQUEST:
		EXPECT_EQ(a->id, b->id);
		EXPECT_EQ(a->timeout_ms, b->timeout_ms);
		EXPECT_EQ(0, memcmp(a->nonce, b->nonce, 32));
		EXPECT_EQ(0, memcmp(a->verifier_key, b->verifier_key, 32));
		EXPECT_TRUE(same_bytes(&a->statement, &b->statement));
		EXPECT_TRUE(same_bytes(&a->proof, &b->proof));
		break;
	case TCONN_MSG_ANSWER:
		EXPECT_EQ(a->id, b->id);
		EXPECT_EQ(a->status, b->status);
		EXPECT_TRUE(same_bytes(&a->record, &b->record));
		EXPECT_TRUE(same_bytes(&a->answer, &b->answer));
		EXPECT_TRUE(same_bytes(&a->signature, &b->signature));
		EXPECT_TRUE(same_bytes(&a->signer, &b->signer));
		EXPECT_TRUE(same_bytes(&a->evidence, &b->evidence));
		EXPECT_STREQ(a->text, b->text);
		break;
	case TCONN_MSG_RECEIPT:
		EXPECT_EQ(a->id, b->id);
		EXPECT_TRUE(same_bytes(&a->receipt, &b->receipt));
		break;
	case TCONN_MSG_ATTEST:
		EXPECT_EQ(0, memcmp(a->nonce, b->nonce, 32));
		EXPECT_EQ(0, memcmp(&a->held, &b->held, sizeof(a->held)));
		break;
	case TCONN_MSG_ITEM:
		EXPECT_EQ(a->id, b->id);
		EXPECT_TRUE(same_bytes(&a->label, &b->label));
		EXPECT_TRUE(same_bytes(&a->item, &b->item));
		break;
	case TCONN_MSG_TAKEN:
		EXPECT_EQ(a->id, b->id);
		EXPECT_EQ(a->code, b->code);
		EXPECT_STREQ(a->text, b->text);
		break;
	case TCONN_MSG_FETCH:
	case TCONN_MSG_ANY:
		break;
	case TCONN_MSG_REFUSAL:
		EXPECT_EQ(a->code, b->code);
		EXPECT_STREQ(a->text, b->text);
		break;
	}
}

/* For long messages the tail of the last string is cut in steps. */
TEST_F(fields, truncated_at_any_byte_is_refused)
{
	for (size_t len = 0; len < self->wire.len; len += len < 3000 ? 1 : 997) {
		struct tconn_message untouched = { .code = 77 };

		ASSERT_EQ(-EBADMSG, tconn_message_decode(self->wire.data, len, &untouched, &self->err))
			TH_LOG("%zu of %zu bytes", len, self->wire.len);
		ASSERT_LT(0, strlen(self->err.text));
		ASSERT_EQ(77, untouched.code);
	}
}

TEST_F(fields, a_byte_too_many_is_refused)
{
	struct tconn_bytes longer = filled(self->wire.len + 1, 0);

	memcpy(longer.data, self->wire.data, self->wire.len);
	EXPECT_EQ(-EBADMSG, decode(&longer, &self->got, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "1 bytes too many")) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&longer);
}

/* The map's count is in the first byte, 0xa0 + pairs. */
TEST_F(fields, a_missing_and_an_unknown_key_are_refused)
{
	struct tconn_bytes more;

	/* What comes last is to be a key that must be there. */
	self->sent.held.bytes = 0;
	tconn_bytes_free(&self->sent.proof);
	tconn_bytes_free(&self->wire);
	self->wire = encode(&self->sent);
	more = filled(self->wire.len + 2, 0);
	memcpy(more.data, self->wire.data, self->wire.len);
	more.data[0]++;
	more.data[self->wire.len] = 23;		/* key 23: 0 */
	EXPECT_EQ(-EBADMSG, decode(&more, &self->got, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_NE(NULL, strstr(self->err.text, "unknown key 23")) TH_LOG("%s", self->err.text);
	/* All keys of EVIDENCE may be absent, and FETCH has none. */
	if (variant->type != TCONN_MSG_EVIDENCE && variant->type != TCONN_MSG_FETCH) {
		more.data[0] -= 2;
		EXPECT_EQ(-EBADMSG, decode(&more, &self->got, &self->err));
		EXPECT_NE(NULL, strstr(self->err.text, "lacks key")) TH_LOG("%s", self->err.text);
	}
	tconn_bytes_free(&more);
}

struct limit {
	enum tconn_message_type type;
	size_t offset;		/* of the struct tconn_bytes */
	size_t max;
};

#define LIMIT(t, m, max) { TCONN_MSG_ ## t, offsetof(struct tconn_message, m), max }

static const struct limit limits[] = {
	LIMIT(ENROL_REQUEST, ek_cert, 8192),
	LIMIT(ENROL_RESULT, cert_ak, 8192), LIMIT(ENROL_RESULT, cert_tls, 8192),
	LIMIT(ENROL_RESULT, cert_data, 8192),
	LIMIT(REQUEST, statement, 8192), LIMIT(REQUEST, proof, TCONN_PROOF_MAX),
	LIMIT(ANSWER, answer, 64),
	LIMIT(ITEM, label, 65536), LIMIT(ITEM, item, 8 << 20),
	LIMIT(ANSWER, signature, 72),
	LIMIT(ANSWER, signer, 8192),
	LIMIT(ANSWER, record, sizeof(struct tconn_record)),
};

/* Encodes, then lengthens the string that begins with marker by one, as a peer
 * without limits would send it.
 */
static struct tconn_bytes lengthen(const struct tconn_bytes *wire, const struct tconn_bytes *string)
{
	uint8_t *at = memmem(wire->data, wire->len, string->data, string->len);
	struct tconn_bytes longer = filled(wire->len + 1, 0x2a);
	size_t head = (size_t)(at - wire->data);

	memcpy(longer.data, wire->data, head + string->len);
	memcpy(longer.data + head + string->len + 1, at + string->len,
	       wire->len - head - string->len);
	longer.data[head - 1]++;	/* the limits are no multiples of 256 minus 1 */
	return longer;
}

TEST(each_limit_holds_in_both_directions)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct tconn_message m = sample(limits[i].type), got;
		struct tconn_bytes *field = (void *)((char *)&m + limits[i].offset);
		struct tconn_bytes wire, longer, none = { 0 };
		struct tconn_error err = { "" };

		tconn_bytes_free(field);
		*field = filled(limits[i].max, 0x5a);
		wire = encode(&m);
		ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%zu: %s", i, err.text);
		longer = lengthen(&wire, field);
		tconn_message_free(&got);
		EXPECT_EQ(-EMSGSIZE, decode(&longer, &got, &err)) TH_LOG("%zu: %s", i, err.text);
		tconn_bytes_free(field);
		*field = filled(limits[i].max + 1, 0x5a);
		EXPECT_GT(0, tconn_message_encode(&m, &none, &err)) TH_LOG("%zu", i);
		EXPECT_EQ(NULL, none.data);
		tconn_bytes_free(&wire);
		tconn_bytes_free(&longer);
		tconn_message_free(&m);
	}
}

/* A message written by hand: map of pairs, key 0 with the type. */
static struct tconn_cbor_writer begin(enum tconn_message_type type, size_t pairs)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, pairs);
	tconn_cbor_put_uint(&w, 0);
	tconn_cbor_put_uint(&w, type);
	return w;
}

static int decode_writer(struct tconn_cbor_writer *w, struct tconn_error *err)
{
	struct tconn_bytes b = { 0 };
	struct tconn_message m = { 0 };
	int error = tconn_cbor_finish(w, &b, err);

	if (!error)
		error = tconn_message_decode(b.data, b.len, &m, err);
	tconn_message_free(&m);
	tconn_bytes_free(&b);
	return error;
}

TEST(a_whole_message_over_64_kib_is_refused)
{
	struct tconn_message m = sample(TCONN_MSG_RECEIPT);
	struct tconn_cbor_writer w = begin(TCONN_MSG_RECEIPT, 3);
	struct tconn_bytes none = { 0 };
	struct tconn_error err = { "" };

	tconn_bytes_free(&m.receipt);
	m.receipt = filled(TCONN_MESSAGE_MAX, 'c');
	EXPECT_EQ(-EMSGSIZE, tconn_message_encode(&m, &none, &err));
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, m.receipt.data, m.receipt.len);
	EXPECT_EQ(-EMSGSIZE, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "over its limit")) TH_LOG("%s", err.text);
	tconn_message_free(&m);
}

TEST(keys_out_of_order_or_twice_are_refused)
{
	struct tconn_error err = { "" };
	struct tconn_cbor_writer w = begin(TCONN_MSG_HELLO, 3);
	uint8_t nonce[32] = { 0 };

	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, nonce, 32);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 1);
	EXPECT_EQ(-EBADMSG, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "ascending")) TH_LOG("%s", err.text);
	w = begin(TCONN_MSG_HELLO, 3);
	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, nonce, 32);
	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, nonce, 32);
	EXPECT_EQ(-EBADMSG, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "repeated")) TH_LOG("%s", err.text);
}

TEST(fields_of_another_type_or_size_are_refused)
{
	struct tconn_error err = { "" };
	struct tconn_cbor_writer w = begin(TCONN_MSG_HELLO, 3);
	uint8_t nonce[32] = { 0 };

	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_bytes(&w, nonce, 1);
	EXPECT_EQ(-EBADMSG, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "HELLO, key 1 (version)")) TH_LOG("%s", err.text);
	EXPECT_NE(NULL, strstr(err.text, "a byte string where an unsigned integer"))
		TH_LOG("%s", err.text);
	w = begin(TCONN_MSG_HELLO, 3);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, nonce, 31);
	EXPECT_EQ(-EBADMSG, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "31 bytes where 32")) TH_LOG("%s", err.text);
	w = begin(TCONN_MSG_REFUSAL, 3);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 4096);
	EXPECT_EQ(-EMSGSIZE, decode_writer(&w, &err));
}

TEST(another_version_and_an_unknown_type_are_refused)
{
	struct tconn_error err = { "" };
	struct tconn_message m = sample(TCONN_MSG_HELLO);
	struct tconn_bytes none = { 0 };
	struct tconn_cbor_writer w = begin(99, 1);

	EXPECT_EQ(-EBADMSG, decode_writer(&w, &err));
	EXPECT_NE(NULL, strstr(err.text, "unknown message type 99")) TH_LOG("%s", err.text);
	m.version = 2;
	EXPECT_EQ(-EPROTONOSUPPORT, tconn_message_encode(&m, &none, &err));
	EXPECT_NE(NULL, strstr(err.text, "version 2")) TH_LOG("%s", err.text);
	m.type = 99;
	EXPECT_EQ(-EINVAL, tconn_message_encode(&m, &none, &err));
	tconn_message_free(&m);
}

struct raw {
	const char *what;
	uint8_t bytes[24];
	size_t len;
};

/* HELLO is a3 00 10 01 01 02 5820.. */
static const struct raw raws[] = {
	{ "nothing", { 0 }, 0 },
	{ "an empty map", { 0xa0 }, 1 },
	{ "no map", { 0x83, 0, 0x10, 1 }, 4 },
	{ "a map of 2^60 pairs", { 0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0x10 }, 11 },
	{ "an indefinite map", { 0xbf, 0, 0x10, 0xff }, 4 },
	{ "an indefinite string", { 0xa3, 0, 0x10, 1, 1, 2, 0x5f, 0x41, 0, 0xff }, 10 },
	{ "a string of 2^64-1 bytes",
	  { 0xa3, 0, 0x10, 1, 1, 2, 0x5b, 255, 255, 255, 255, 255, 255, 255, 255, 0 }, 16 },
	{ "a number that is not in its shortest form", { 0xa3, 0, 0x18, 0x10, 1, 1 }, 6 },
	{ "a key that is not in its shortest form", { 0xa3, 0x18, 0, 0x10, 1, 1 }, 6 },
	{ "a length that is not in its shortest form",
	  { 0xa3, 0, 0x18, 0x1f, 1, 1, 2, 0x78, 1, 'x' }, 10 },
	{ "a float as type", { 0xa1, 0, 0xf9, 0x4c, 0 }, 5 },
	{ "null as type", { 0xa1, 0, 0xf6 }, 3 },
	{ "a negative key", { 0xa1, 0x20, 0x10 }, 3 },
	{ "a text key", { 0xa1, 0x61, '0', 0x10 }, 4 },
	{ "a tag", { 0xc1, 0xa1, 0, 0x10 }, 4 },
	{ "a reserved initial byte", { 0xa1, 0, 0x1c }, 3 },
	{ "no type first", { 0xa1, 1, 1 }, 3 },
	{ "a repeated type", { 0xa2, 0, 0x10, 0, 0x10 }, 5 },
};

TEST(bytes_that_are_no_message_are_refused)
{
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		struct tconn_error err = { "" };
		struct tconn_message m = { 0 };
		int error = tconn_message_decode(raws[i].bytes, raws[i].len, &m, &err);

		EXPECT_TRUE(error == -EBADMSG || error == -EMSGSIZE)
			TH_LOG("%s: %d %s", raws[i].what, error, err.text);
		EXPECT_LT(0, strlen(err.text));
	}
}

static int decode_refusal(const char *text, size_t len)
{
	struct tconn_cbor_writer w = begin(TCONN_MSG_REFUSAL, 3);
	struct tconn_error err = { "" };
	uint8_t head;

	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_uint(&w, 2);
	tconn_cbor_put_bytes(&w, text, len);
	head = w.data[w.len - len - 1];
	w.data[w.len - len - 1] = head | 0x20;	/* byte string to text string */
	return decode_writer(&w, &err);
}

TEST(text_must_be_clean_utf8)
{
	EXPECT_EQ(0, decode_refusal("ok", 2));
	EXPECT_EQ(0, decode_refusal("\xe2\x82\xac \xf0\x9f\x98\x80", 8));
	EXPECT_EQ(-EBADMSG, decode_refusal("\xc0\xaf", 2));		/* overlong */
	EXPECT_EQ(-EBADMSG, decode_refusal("\xe0\x80\xaf", 3));		/* overlong */
	EXPECT_EQ(-EBADMSG, decode_refusal("\xed\xa0\x80", 3));		/* surrogate */
	EXPECT_EQ(-EBADMSG, decode_refusal("\xf4\x90\x80\x80", 4));	/* over U+10FFFF */
	EXPECT_EQ(-EBADMSG, decode_refusal("\xe2\x82", 2));		/* cut */
	EXPECT_EQ(-EBADMSG, decode_refusal("\x80", 1));			/* stray */
	EXPECT_EQ(-EBADMSG, decode_refusal("a\x1b[2J", 5));		/* terminal escape */
	EXPECT_EQ(-EBADMSG, decode_refusal("a\0b", 3));
	EXPECT_EQ(-EBADMSG, decode_refusal("\xc2\x9b", 2));		/* C1 control */
	EXPECT_EQ(-EBADMSG, decode_refusal("\x7f", 1));
}

TEST(what_we_send_is_clean_whatever_was_put_in)
{
	struct tconn_message m = sample(TCONN_MSG_REFUSAL), got = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes wire;

	strcpy(m.text, "bad \x1b path \xff\xc3 end\n");
	wire = encode(&m);
	ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_STREQ("bad ? path ?? end?", got.text);
	tconn_bytes_free(&wire);
	memset(m.text, 'x', sizeof(m.text));	/* not terminated */
	wire = encode(&m);
	ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(511, strlen(got.text));
	tconn_bytes_free(&wire);
	tconn_message_free(&m);
}

TEST(enrolment_has_a_name_for_services_only)
{
	struct tconn_message m = sample(TCONN_MSG_ENROL_REQUEST), got = { 0 };
	struct tconn_bytes wire = { 0 };
	struct tconn_error err = { "" };

	m.role = TCONN_ROLE_DEVICE;
	EXPECT_EQ(-EBADMSG, tconn_message_encode(&m, &wire, &err));
	m.name[0] = '\0';
	wire = encode(&m);
	ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(TCONN_ROLE_DEVICE, got.role);
	EXPECT_STREQ("", got.name);
	tconn_message_free(&got);
	wire.data[4] = TCONN_ROLE_SERVICE;	/* a6 00 01 01 18 44 */
	wire.data[5] = TCONN_ROLE_SERVICE;
	wire.data[4] = 0x18;
	EXPECT_EQ(-EBADMSG, decode(&wire, &got, &err));
	EXPECT_NE(NULL, strstr(err.text, "a service needs a name")) TH_LOG("%s", err.text);
	wire.data[5] = 'X';
	EXPECT_EQ(-EBADMSG, decode(&wire, &got, &err));
	EXPECT_NE(NULL, strstr(err.text, "neither device nor service")) TH_LOG("%s", err.text);
	tconn_bytes_free(&wire);
	m.role = TCONN_ROLE_SERVICE;
	strcpy(m.name, "caf\xc3\xa9");
	EXPECT_EQ(-EINVAL, tconn_message_encode(&m, &wire, &err));
	tconn_message_free(&m);
}

TEST(who_holds_nothing_says_nothing)
{
	struct tconn_message m = sample(TCONN_MSG_ATTEST), got = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes wire = encode(&m);
	uint8_t *at = memmem(wire.data, wire.len, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);

	ASSERT_NE(NULL, at);
	memset(at, 0, 8);
	EXPECT_EQ(-EBADMSG, decode(&wire, &got, &err));
	EXPECT_NE(NULL, strstr(err.text, "nothing is held")) TH_LOG("%s", err.text);
	tconn_bytes_free(&wire);
	m.held.bytes = 0;
	wire = encode(&m);
	ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(0, got.held.bytes);
	tconn_bytes_free(&wire);
	tconn_message_free(&m);
}

TEST(evidence_of_a_device_has_no_nonce)
{
	struct tconn_message m = sample(TCONN_MSG_EVIDENCE), got = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes wire;

	m.has_nonce = false;
	wire = encode(&m);
	ASSERT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_FALSE(got.has_nonce);
	tconn_bytes_free(&wire);
	tconn_message_free(&got);
	tconn_message_free(&m);
}

TEST(a_verdict_that_contradicts_itself_is_refused)
{
	struct tconn_message m = sample(TCONN_MSG_VERDICT);
	struct tconn_bytes none = { 0 };
	struct tconn_error err = { "" };

	m.verdict.check[1].pass = false;
	EXPECT_EQ(-EBADMSG, tconn_message_encode(&m, &none, &err));
	EXPECT_NE(NULL, strstr(err.text, "ima-log")) TH_LOG("%s", err.text);
	m.verdict.count = 0;
	EXPECT_EQ(-EBADMSG, tconn_message_encode(&m, &none, &err));
	tconn_message_free(&m);
}

TEST(a_record_of_another_size_is_refused)
{
	struct tconn_message m = sample(TCONN_MSG_ANSWER), got = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes wire = { 0 };

	m.record.len = 10;
	EXPECT_EQ(-EBADMSG, tconn_message_encode(&m, &wire, &err));
	m.record.len = 0;
	wire = encode(&m);
	EXPECT_EQ(0, decode(&wire, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(0, got.record.len);
	tconn_bytes_free(&wire);
	tconn_message_free(&got);
	tconn_message_free(&m);
}

/* Computed here with EVP and by hand, not with the code under test. */
TEST(the_answer_digest_is_the_protocols)
{
	struct tconn_message m = sample(TCONN_MSG_ANSWER);
	uint8_t buf[14 + 8 + 4 + 96], want[32], got[32], *at = buf;
	static const uint8_t numbers[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 1 };

	memcpy(at, "tconn-answer-1", 14);
	memcpy(at + 14, numbers, sizeof(numbers));
	at += 26;
	EVP_Digest("hello", 5, at, NULL, EVP_sha256(), NULL);
	EVP_Digest(m.record.data, m.record.len, at + 32, NULL, EVP_sha256(), NULL);
	EVP_Digest(m.answer.data, m.answer.len, at + 64, NULL, EVP_sha256(), NULL);
	EVP_Digest(buf, sizeof(buf), want, NULL, EVP_sha256(), NULL);
	tconn_answer_digest(&m, (const uint8_t *)"hello", 5, got);
	EXPECT_EQ(0, memcmp(want, got, 32));
	m.status++;
	tconn_answer_digest(&m, (const uint8_t *)"hello", 5, got);
	EXPECT_NE(0, memcmp(want, got, 32));
	tconn_message_free(&m);
}

TEST(hex_reads_what_it_writes)
{
	uint8_t data[3] = { 0x00, 0x9f, 0xff }, back[3];
	char text[7];

	tconn_hex(data, 3, text);
	EXPECT_STREQ("009fff", text);
	EXPECT_TRUE(tconn_unhex("009FfF", 6, back, 3));
	EXPECT_EQ(0, memcmp(data, back, 3));
	EXPECT_FALSE(tconn_unhex("009ff", 5, back, 3));
	EXPECT_FALSE(tconn_unhex("009fg0", 6, back, 3));
}

TEST_HARNESS_MAIN
