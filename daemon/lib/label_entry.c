// SPDX-License-Identifier: Apache-2.0
#include "label_entry.h"

#include <errno.h>
#include <string.h>

/* CBOR's major types (RFC 8949, section 3.1). */
enum major { UINT = 0, BYTES = 2, ARRAY = 4 };

struct reader {
	const uint8_t *at, *end;
};

static uint8_t *put_head(uint8_t *p, enum major major, uint64_t value)
{
	uint8_t type = (uint8_t)(major << 5);
	int bytes = value < 24 ? 0 : value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 :
		    value <= UINT32_MAX ? 4 : 8;

	if (!bytes) {
		*p++ = (uint8_t)(type | value);
		return p;
	}
	*p++ = (uint8_t)(type | (bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27));
	while (bytes--)
		*p++ = (uint8_t)(value >> 8 * bytes);
	return p;
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

/* The shortest form only. */
static bool get_head(struct reader *r, enum major major, uint64_t *ret)
{
	static const uint64_t least[] = { 24, UINT8_MAX + 1, UINT16_MAX + 1, UINT32_MAX + 1ull };
	uint64_t value = 0;
	unsigned int more;

	if (r->at == r->end || *r->at >> 5 != (int)major)
		return false;
	more = *r->at++ & 31;
	if (more < 24) {
		*ret = more;
		return true;
	}
	if (more > 27 || (size_t)(r->end - r->at) < 1u << (more - 24))
		return false;
	for (unsigned int i = 0; i < 1u << (more - 24); i++)
		value = value << 8 | *r->at++;
	*ret = value;
	return value >= least[more - 24];
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
