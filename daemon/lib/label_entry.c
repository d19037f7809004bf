// SPDX-License-Identifier: Apache-2.0
#include "label_entry.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* CBOR's major types (RFC 8949, section 3.1). */
enum major { UINT = 0, BYTES = 2, ARRAY = 4 };

struct reader {
	const uint8_t *at, *end;
};

/* What is written after the head's own bytes is overwritten by what comes next. */
static inline uint8_t *put_head(uint8_t *p, enum major major, uint64_t value)
{
	const uint8_t type = (uint8_t)(major << 5);
	const unsigned int log = value <= UINT8_MAX ? 0 : value <= UINT16_MAX ? 1 :
				 value <= UINT32_MAX ? 2 : 3;
	const uint64_t big = htobe64(value << (64 - (8u << log)));

	if (value < 24) {
		*p = (uint8_t)(type | value);
		return p + 1;
	}
	*p++ = (uint8_t)(type | (24 + log));
	memcpy(p, &big, sizeof(big));
	return p + (1u << log);
}

static uint8_t *put_bytes(uint8_t *p, const uint8_t *data, size_t len)
{
	p = put_head(p, BYTES, len);
	memcpy(p, data, len);
	return p + len;
}

size_t tconn_label_bytes_head(size_t len, uint8_t *ret)
{
	return (size_t)(put_head(ret, BYTES, len) - ret);
}

size_t tconn_label_entry_encode(const struct tconn_label_entry *e, const uint8_t (*input)[32],
				uint8_t *ret)
{
	uint8_t *p = put_head(ret, ARRAY, e->input_count ? 7 : 6);

	p = put_head(p, UINT, e->source);
	p = put_head(p, UINT, e->sequence);
	p = put_head(p, UINT, e->time_us);
	p = put_head(p, UINT, e->kind);
	p = put_head(p, UINT, e->size);
	p = put_bytes(p, e->content, e->content_len);
	if (e->input_count)
		p = put_head(p, ARRAY, e->input_count);
	for (size_t i = 0; i < e->input_count; i++)
		p = put_bytes(p, input[i], 32);
	return (size_t)(p - ret);
}

static bool get_long_head(struct reader *r, unsigned int more, uint64_t *ret)
{
	const size_t left = (size_t)(r->end - r->at);
	const uint8_t *p = r->at;
	uint16_t two;
	uint32_t four;

	if (more == 24 && left >= 1) {
		r->at += 1;
		*ret = *p;
		return *ret >= 24;
	}
	if (more == 25 && left >= sizeof(two)) {
		r->at += sizeof(two);
		memcpy(&two, p, sizeof(two));
		*ret = be16toh(two);
		return *ret > UINT8_MAX;
	}
	if (more == 26 && left >= sizeof(four)) {
		r->at += sizeof(four);
		memcpy(&four, p, sizeof(four));
		*ret = be32toh(four);
		return *ret > UINT16_MAX;
	}
	if (more != 27 || left < sizeof(*ret))
		return false;
	r->at += sizeof(*ret);
	memcpy(ret, p, sizeof(*ret));
	*ret = be64toh(*ret);
	return *ret > UINT32_MAX;
}

/* The shortest form only. */
static inline bool get_head(struct reader *r, enum major major, uint64_t *ret)
{
	unsigned int more;

	if (r->at == r->end || *r->at >> 5 != (int)major)
		return false;
	more = *r->at++ & 31;
	*ret = more;
	return more < 24 || get_long_head(r, more, ret);
}

static bool get_bytes(struct reader *r, const uint8_t **ret, size_t *ret_len)
{
	uint64_t len;

	if (!get_head(r, BYTES, &len) || len > (uint64_t)(r->end - r->at))
		return false;
	*ret = r->at;
	*ret_len = len;
	r->at += len;
	return true;
}

bool tconn_label_bytes_next(const uint8_t **at, const uint8_t *end, const uint8_t **ret,
			    size_t *ret_len)
{
	struct reader r = { *at, end };

	if (!get_bytes(&r, ret, ret_len))
		return false;
	*at = r.at;
	return true;
}

size_t tconn_label_entries_next(const uint8_t **at, const uint8_t *end,
				struct tconn_piece ret[TCONN_MERKLE_ROW])
{
	const uint8_t *entry;
	size_t n = 0;

	while (n < TCONN_MERKLE_ROW && tconn_label_bytes_next(at, end, &entry, &ret[n].len))
		ret[n++].data = entry;
	return n;
}

int tconn_label_entries_root(const uint8_t *entries, size_t len, uint8_t ret[32],
			     struct tconn_error *err)
{
	struct tconn_merkle_fold fold = { .hash = TCONN_SHA256 };
	const uint8_t *at = entries, *end = entries + len;
	struct tconn_piece row[TCONN_MERKLE_ROW];
	size_t n;
	int r = 0;

	while (!r && (n = tconn_label_entries_next(&at, end, row)))
		r = tconn_merkle_fold_add(&fold, row, n, err);
	return r ? r : tconn_merkle_fold_root(&fold, ret, err);
}

static bool get_inputs(struct reader *r, struct tconn_label_entry *e)
{
	uint64_t count;

	if (!get_head(r, ARRAY, &count) || !count || count > TCONN_LABEL_INPUTS_MAX ||
	    (size_t)(r->end - r->at) != count * TCONN_LABEL_INPUT_SIZE)
		return false;
	e->input = r->at;
	e->input_count = count;
	for (; count; count--, r->at += TCONN_LABEL_INPUT_SIZE)
		if (r->at[0] != 0x58 || r->at[1] != 32)
			return false;
	return true;
}

static bool get_entry(struct reader *r, struct tconn_label_entry *e)
{
	uint64_t count;

	return get_head(r, ARRAY, &count) && (count == 6 || count == 7) &&
	       get_head(r, UINT, &e->source) && get_head(r, UINT, &e->sequence) &&
	       get_head(r, UINT, &e->time_us) && get_head(r, UINT, &e->kind) &&
	       get_head(r, UINT, &e->size) && get_bytes(r, &e->content, &e->content_len) &&
	       (count == 6 || get_inputs(r, e)) && r->at == r->end;
}

int tconn_label_entry_decode(const uint8_t *buf, size_t len, struct tconn_label_entry *ret,
			     struct tconn_error *err)
{
	struct reader r = { buf, buf + len };
	struct tconn_label_entry e = { 0 };

	if (len > TCONN_LABEL_ENTRY_MAX)
		return tconn_fail(err, -EMSGSIZE, "an entry of %zu bytes is over the limit of %u", len,
				  TCONN_LABEL_ENTRY_MAX);
	if (!get_entry(&r, &e))
		return tconn_fail(err, -EBADMSG, "the entry is malformed at byte %zu",
				  (size_t)(r.at - buf));
	if (e.source >= TCONN_LABEL_SOURCES_MAX || !e.sequence || e.kind > TCONN_LABEL_SHA256)
		return tconn_fail(err, -EBADMSG, "the entry's source, sequence or kind is out of range");
	if (e.content_len != (e.kind == TCONN_LABEL_INSIDE ? e.size : 32) ||
	    e.content_len > TCONN_LABEL_INLINE_MAX)
		return tconn_fail(err, -EBADMSG, "the entry's content has not the length it says");
	*ret = e;
	return 0;
}
