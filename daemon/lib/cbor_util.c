// SPDX-License-Identifier: Apache-2.0
#include <cbor.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "cbor_util.h"
#include "evidence.h"

#define CBOR_NULL	0xf6

enum item_type {
	ITEM_NONE,
	ITEM_UINT,
	ITEM_NEGATIVE,
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY,
	ITEM_MAP,
	ITEM_BOOL,
	ITEM_FOREIGN,	/* tags, floats, null, undefined, indefinite lengths */
};

struct item {
	enum item_type type;
	uint64_t value;		/* or length, or count */
	const uint8_t *data;	/* strings */
	size_t size;		/* bytes of the whole item, of its head for arrays and maps */
};

static const char *const item_names[] = {
	[ITEM_NONE] = "nothing", [ITEM_UINT] = "an unsigned integer",
	[ITEM_NEGATIVE] = "a negative integer", [ITEM_BYTES] = "a byte string",
	[ITEM_TEXT] = "a text string", [ITEM_ARRAY] = "an array", [ITEM_MAP] = "a map",
	[ITEM_BOOL] = "a boolean",
	[ITEM_FOREIGN] = "an item this protocol does not use",
};

static void set_item(void *ctx, enum item_type type, uint64_t value, const uint8_t *data)
{
	struct item *item = ctx;

	item->type = type;
	item->value = value;
	item->data = data;
}

static void on_uint8(void *ctx, uint8_t v)
{
	set_item(ctx, ITEM_UINT, v, NULL);
}

static void on_uint16(void *ctx, uint16_t v)
{
	set_item(ctx, ITEM_UINT, v, NULL);
}

static void on_uint32(void *ctx, uint32_t v)
{
	set_item(ctx, ITEM_UINT, v, NULL);
}

static void on_uint64(void *ctx, uint64_t v)
{
	set_item(ctx, ITEM_UINT, v, NULL);
}

static void on_negint8(void *ctx, uint8_t v)
{
	set_item(ctx, ITEM_NEGATIVE, v, NULL);
}

static void on_negint16(void *ctx, uint16_t v)
{
	set_item(ctx, ITEM_NEGATIVE, v, NULL);
}

static void on_negint32(void *ctx, uint32_t v)
{
	set_item(ctx, ITEM_NEGATIVE, v, NULL);
}

static void on_negint64(void *ctx, uint64_t v)
{
	set_item(ctx, ITEM_NEGATIVE, v, NULL);
}

static void on_bytes(void *ctx, cbor_data data, size_t len)
{
	set_item(ctx, ITEM_BYTES, len, data);
}

static void on_text(void *ctx, cbor_data data, size_t len)
{
	set_item(ctx, ITEM_TEXT, len, data);
}

static void on_array(void *ctx, size_t count)
{
	set_item(ctx, ITEM_ARRAY, count, NULL);
}

static void on_map(void *ctx, size_t pairs)
{
	set_item(ctx, ITEM_MAP, pairs, NULL);
}

static void on_bool(void *ctx, bool value)
{
	set_item(ctx, ITEM_BOOL, value, NULL);
}

static void on_foreign(void *ctx)
{
	set_item(ctx, ITEM_FOREIGN, 0, NULL);
}

static void on_foreign_tag(void *ctx, uint64_t v)
{
	(void)v;
	on_foreign(ctx);
}

static void on_foreign_float(void *ctx, float v)
{
	(void)v;
	on_foreign(ctx);
}

static void on_foreign_double(void *ctx, double v)
{
	(void)v;
	on_foreign(ctx);
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8, .uint16 = on_uint16, .uint32 = on_uint32, .uint64 = on_uint64,
	.negint8 = on_negint8, .negint16 = on_negint16,
	.negint32 = on_negint32, .negint64 = on_negint64,
	.byte_string = on_bytes, .string = on_text,
	.byte_string_start = on_foreign, .string_start = on_foreign,
	.array_start = on_array, .map_start = on_map,
	.indef_array_start = on_foreign, .indef_map_start = on_foreign, .indef_break = on_foreign,
	.tag = on_foreign_tag, .boolean = on_bool, .null = on_foreign, .undefined = on_foreign,
	.float2 = on_foreign_float, .float4 = on_foreign_float, .float8 = on_foreign_double,
};

/* Bytes of the shortest head for an argument (RFC 8949, section 3). */
static size_t head_size(const struct item *item)
{
	if (item->type == ITEM_BOOL || item->value < 24)
		return 1;
	if (item->value <= UINT8_MAX)
		return 2;
	if (item->value <= UINT16_MAX)
		return 3;
	return item->value <= UINT32_MAX ? 5 : 9;
}

static int fail_at(const struct tconn_cbor *r, int code, const char *what, struct tconn_error *err)
{
	return tconn_fail(err, code, "byte %zu: %s", (size_t)(r->at - r->start), what);
}

/* The usual one by hand: a label may have 65536 of them. False: libcbor says what it is. */
static bool peek_short_bytes(const struct tconn_cbor *r, struct item *ret)
{
	const size_t left = (size_t)(r->end - r->at);
	const size_t head = *r->at == 0x58 ? 2 : 1;
	size_t len;

	if ((*r->at & 0xe0) != 0x40 || *r->at > 0x58 || left < head)
		return false;
	len = head == 2 ? r->at[1] : *r->at & 31;
	if ((head == 2 && len < 24) || len > left - head)
		return false;
	*ret = (struct item){ ITEM_BYTES, len, r->at + head, head + len };
	return true;
}

static int peek(struct tconn_cbor *r, struct item *ret, struct tconn_error *err)
{
	struct item item = { .type = ITEM_NONE };
	struct cbor_decoder_result result;
	size_t payload;

	r->ran_out = r->at == r->end;
	if (r->ran_out)
		return fail_at(r, -EBADMSG, "the message ends too early", err);
	if (peek_short_bytes(r, ret))
		return 0;
	result = cbor_stream_decode(r->at, (size_t)(r->end - r->at), &callbacks, &item);
	r->ran_out = result.status == CBOR_DECODER_NEDATA;
	if (r->ran_out)
		return fail_at(r, -EBADMSG, "an item is longer than the message", err);
	if (result.status != CBOR_DECODER_FINISHED || item.type == ITEM_NONE)
		return fail_at(r, -EBADMSG, "not well-formed CBOR", err);
	item.size = result.read;
	payload = item.data ? item.value : 0;
	if (item.type != ITEM_FOREIGN && item.size != head_size(&item) + payload)
		return fail_at(r, -EBADMSG, "not in its shortest form", err);
	*ret = item;
	return 0;
}

static int take(struct tconn_cbor *r, enum item_type type, uint64_t max, struct item *ret,
		struct tconn_error *err)
{
	struct item item;
	int error = peek(r, &item, err);

	if (error)
		return error;
	if (item.type != type)
		return tconn_fail(err, -EBADMSG, "byte %zu: %s where %s is expected",
				  (size_t)(r->at - r->start), item_names[item.type],
				  item_names[type]);
	if (item.value > max)
		return tconn_fail(err, -EMSGSIZE, "byte %zu: %" PRIu64 " is over the limit of %"
				  PRIu64, (size_t)(r->at - r->start), item.value, max);
	r->at += item.size;
	*ret = item;
	return 0;
}

int tconn_cbor_uint(struct tconn_cbor *r, uint64_t max, uint64_t *ret, struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_UINT, max, &item, err);

	if (!error)
		*ret = item.value;
	return error;
}

int tconn_cbor_negative(struct tconn_cbor *r, uint64_t *ret, struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_NEGATIVE, UINT64_MAX, &item, err);

	if (!error)
		*ret = item.value;
	return error;
}

int tconn_cbor_bool(struct tconn_cbor *r, bool *ret, struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_BOOL, 1, &item, err);

	if (!error)
		*ret = item.value;
	return error;
}

int tconn_cbor_bytes(struct tconn_cbor *r, size_t max, const uint8_t **ret, size_t *ret_len,
		     struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_BYTES, max, &item, err);

	if (error)
		return error;
	*ret = item.data;
	*ret_len = item.value;
	return 0;
}

/* Bytes of the character at p, 0 if it is malformed, overlong, a surrogate or a control. */
static size_t text_character(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = p[0];
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (!len || len > left)
		return 0;
	if (len > 1)
		c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return 0;
	return len;
}

int tconn_cbor_text(struct tconn_cbor *r, size_t max, const char **ret, size_t *ret_len,
		    struct tconn_error *err)
{
	const struct tconn_cbor before = *r;
	struct item item;
	int error = take(r, ITEM_TEXT, max, &item, err);

	if (error)
		return error;
	for (size_t i = 0, len; i < item.value; i += len) {
		len = text_character(item.data + i, item.value - i);
		if (!len)
			return fail_at(&before, -EBADMSG,
				       "text is not UTF-8 without control characters", err);
	}
	*ret = (const char *)item.data;
	*ret_len = item.value;
	return 0;
}

int tconn_cbor_string(struct tconn_cbor *r, char *ret, size_t size, struct tconn_error *err)
{
	const char *text;
	size_t len;
	int error = tconn_cbor_text(r, size - 1, &text, &len, err);

	if (error)
		return error;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return 0;
}

int tconn_cbor_fixed(struct tconn_cbor *r, uint8_t *ret, size_t len, struct tconn_error *err)
{
	const struct tconn_cbor before = *r;
	const uint8_t *data;
	size_t got;
	int error = tconn_cbor_bytes(r, len, &data, &got, err);

	if (error)
		return error;
	if (got != len)
		return tconn_fail(err, -EBADMSG, "byte %zu: %zu bytes where %zu are expected",
				  (size_t)(before.at - before.start), got, len);
	memcpy(ret, data, len);
	return 0;
}

int tconn_cbor_array(struct tconn_cbor *r, size_t max, size_t *ret, struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_ARRAY, max, &item, err);

	if (!error)
		*ret = item.value;
	return error;
}

/* By hand: libcbor 0.8's decoder refuses the tags 6..20, COSE_Sign1's 18 among them. */
int tconn_cbor_tag(struct tconn_cbor *r, uint8_t tag, struct tconn_error *err)
{
	r->ran_out = r->at == r->end;
	if (r->ran_out)
		return fail_at(r, -EBADMSG, "the message ends too early", err);
	if (*r->at != (0xc0 | tag))
		return fail_at(r, -EBADMSG, "another item than the expected tag", err);
	r->at++;
	return 0;
}

int tconn_cbor_map(struct tconn_cbor *r, size_t max, struct tconn_cbor_map *ret,
		   struct tconn_error *err)
{
	struct item item;
	int error = take(r, ITEM_MAP, max, &item, err);

	if (!error)
		*ret = (struct tconn_cbor_map){ .left = item.value, .last_key = -1 };
	return error;
}

int tconn_cbor_key(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t max, uint64_t *ret,
		   struct tconn_error *err)
{
	const struct tconn_cbor before = *r;
	uint64_t key;
	int error;

	error = tconn_cbor_uint(r, INT64_MAX, &key, err);
	if (error)
		return error;
	if (key > max)
		return tconn_fail(err, -EBADMSG, "byte %zu: unknown key %" PRIu64,
				  (size_t)(before.at - before.start), key);
	if ((int64_t)key <= map->last_key)
		return tconn_fail(err, -EBADMSG, "byte %zu: key %" PRIu64
				  " is repeated or not in ascending order",
				  (size_t)(before.at - before.start), key);
	map->last_key = (int64_t)key;
	map->left--;
	*ret = key;
	return 0;
}

int tconn_cbor_expect_key(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t key,
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

bool tconn_cbor_null(struct tconn_cbor *r)
{
	if (r->at == r->end || *r->at != CBOR_NULL)
		return false;
	r->at++;
	return true;
}

int tconn_cbor_int(struct tconn_cbor *r, int64_t *ret, struct tconn_error *err)
{
	struct item item;
	int error = peek(r, &item, err);

	if (error)
		return error;
	if (item.type != ITEM_UINT && item.type != ITEM_NEGATIVE)
		return fail_at(r, -EBADMSG, "no integer", err);
	if (item.value > INT64_MAX)
		return fail_at(r, -EMSGSIZE, "an integer of more than 63 bits", err);
	r->at += item.size;
	*ret = item.type == ITEM_UINT ? (int64_t)item.value : -1 - (int64_t)item.value;
	return 0;
}

/* Each item has at least one byte, so what is still due cannot outgrow the message. */
int tconn_cbor_any(struct tconn_cbor *r, const uint8_t **ret, size_t *ret_len,
		   struct tconn_error *err)
{
	const uint8_t *start = r->at;
	struct item item;
	int error;

	for (uint64_t due = 1; due; due--) {
		error = peek(r, &item, err);
		if (error)
			return error;
		if (item.type == ITEM_FOREIGN)
			return fail_at(r, -EBADMSG, item_names[ITEM_FOREIGN], err);
		r->at += item.size;
		if (item.type != ITEM_ARRAY && item.type != ITEM_MAP)
			continue;
		r->ran_out = item.value > (uint64_t)(r->end - r->at);
		if (!r->ran_out) {
			due += item.type == ITEM_MAP ? 2 * item.value : item.value;
			r->ran_out = due > (uint64_t)(r->end - r->at) + 1;
		}
		if (r->ran_out)
			return fail_at(r, -EBADMSG, "an item is longer than the message", err);
	}
	*ret = start;
	*ret_len = (size_t)(r->at - start);
	return 0;
}

static int read_check(struct tconn_cbor *r, struct tconn_check *c, struct tconn_error *err)
{
	const struct tconn_cbor before = *r;
	size_t count;
	int error = tconn_cbor_array(r, 3, &count, err);

	if (error)
		return error;
	if (count != 3)
		return fail_at(&before, -EBADMSG, "a check has name, result and reason", err);
	error = tconn_cbor_string(r, c->name, sizeof(c->name), err);
	if (!error)
		error = tconn_cbor_bool(r, &c->pass, err);
	if (!error)
		error = tconn_cbor_string(r, c->reason, sizeof(c->reason), err);
	return error;
}

int tconn_cbor_checks(struct tconn_cbor *r, struct tconn_verdict *ret, struct tconn_error *err)
{
	size_t count;
	int error = tconn_cbor_array(r, TCONN_CHECKS_MAX, &count, err);

	for (size_t i = 0; !error && i < count; i++)
		error = read_check(r, &ret->check[i], err);
	if (!error)
		ret->count = count;
	return error;
}

int tconn_cbor_end(const struct tconn_cbor *r, struct tconn_error *err)
{
	if (r->at != r->end)
		return tconn_fail(err, -EBADMSG, "byte %zu: %zu bytes too many",
				  (size_t)(r->at - r->start), (size_t)(r->end - r->at));
	return 0;
}

int tconn_bytes_copy(struct tconn_bytes *ret, const uint8_t *data, size_t len,
		     struct tconn_error *err)
{
	uint8_t *copy = NULL;

	if (len) {
		copy = malloc(len);
		if (!copy)
			return tconn_fail(err, -ENOMEM, "out of memory (%zu bytes)", len);
		memcpy(copy, data, len);
	}
	*ret = (struct tconn_bytes){ copy, len };
	return 0;
}

void tconn_bytes_free(struct tconn_bytes *b)
{
	/* Some of these hold a PIN; which ones is not worth a mistake. */
	if (b->data)
		OPENSSL_cleanse(b->data, b->len);
	free(b->data);
	*b = (struct tconn_bytes){ 0 };
}

/* Not realloc(): it may leave a copy of an answer's PIN behind. */
static bool grow(struct tconn_cbor_writer *w, size_t more)
{
	size_t size = 2 * (w->len + more) + 64;
	uint8_t *data;

	if (more <= w->size - w->len)
		return true;
	data = malloc(size);
	if (!data)
		return false;
	if (w->len)
		memcpy(data, w->data, w->len);
	if (w->data)
		OPENSSL_cleanse(w->data, w->len);
	free(w->data);
	w->data = data;
	w->size = size;
	return true;
}

static void put_head(struct tconn_cbor_writer *w, uint64_t value,
		     size_t (*encode)(uint64_t, unsigned char *, size_t))
{
	if (!w->failed && grow(w, 9))
		w->len += encode(value, w->data + w->len, w->size - w->len);
	else
		w->failed = true;
}

void tconn_cbor_put_raw(struct tconn_cbor_writer *w, const void *data, size_t len)
{
	if (w->failed || !grow(w, len)) {
		w->failed = true;
		return;
	}
	if (len)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

void tconn_cbor_put_uint(struct tconn_cbor_writer *w, uint64_t value)
{
	put_head(w, value, cbor_encode_uint);
}

void tconn_cbor_put_negative(struct tconn_cbor_writer *w, uint64_t n)
{
	put_head(w, n, cbor_encode_negint);
}

void tconn_cbor_put_bool(struct tconn_cbor_writer *w, bool value)
{
	const uint8_t byte = value ? 0xf5 : 0xf4;

	tconn_cbor_put_raw(w, &byte, 1);
}

void tconn_cbor_put_null(struct tconn_cbor_writer *w)
{
	const uint8_t byte = CBOR_NULL;

	tconn_cbor_put_raw(w, &byte, 1);
}

void tconn_cbor_put_bytes(struct tconn_cbor_writer *w, const void *data, size_t len)
{
	put_head(w, len, cbor_encode_bytestring_start);
	tconn_cbor_put_raw(w, data, len);
}

void tconn_cbor_put_text(struct tconn_cbor_writer *w, const char *text, size_t size)
{
	const uint8_t *p = (const uint8_t *)text;
	const size_t len = strnlen(text, size);

	put_head(w, len, cbor_encode_string_start);
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = text_character(p + i, len - i);
		tconn_cbor_put_raw(w, n ? (const void *)(p + i) : "?", n ? n : 1);
	}
}

void tconn_cbor_put_array(struct tconn_cbor_writer *w, size_t count)
{
	put_head(w, count, cbor_encode_array_start);
}

void tconn_cbor_put_map(struct tconn_cbor_writer *w, size_t pairs)
{
	put_head(w, pairs, cbor_encode_map_start);
}

void tconn_cbor_put_tag(struct tconn_cbor_writer *w, uint64_t tag)
{
	put_head(w, tag, cbor_encode_tag);
}

void tconn_cbor_put_checks(struct tconn_cbor_writer *w, const struct tconn_verdict *v)
{
	tconn_cbor_put_array(w, v->count);
	for (size_t i = 0; i < v->count; i++) {
		const struct tconn_check *c = &v->check[i];

		tconn_cbor_put_array(w, 3);
		tconn_cbor_put_text(w, c->name, sizeof(c->name) - 1);
		tconn_cbor_put_bool(w, c->pass);
		tconn_cbor_put_text(w, c->reason, sizeof(c->reason) - 1);
	}
}

int tconn_cbor_finish(struct tconn_cbor_writer *w, struct tconn_bytes *ret, struct tconn_error *err)
{
	if (w->failed) {
		tconn_cbor_discard(w);
		return tconn_fail(err, -ENOMEM, "out of memory for a message");
	}
	*ret = (struct tconn_bytes){ w->data, w->len };
	*w = (struct tconn_cbor_writer){ 0 };
	return 0;
}

void tconn_cbor_discard(struct tconn_cbor_writer *w)
{
	if (w->data)
		OPENSSL_cleanse(w->data, w->len);
	free(w->data);
	*w = (struct tconn_cbor_writer){ 0 };
}
