// SPDX-License-Identifier: Apache-2.0
#include "label_wire.h"

#include <errno.h>
#include <string.h>

enum key {
	KEY_TYPE, KEY_NONCE, KEY_ID, KEY_NAME, KEY_CONTENT_TYPE, KEY_ALGORITHM, KEY_VERSION,
	KEY_PARAMETERS, KEY_SIZE, KEY_DIGEST, KEY_DATA, KEY_INPUTS, KEY_LABEL, KEY_CODE, KEY_REASON,
	KEY_COUNT,
};

#define BIT(key) (1u << (key))

/* What each type must have, and what it may have. */
static const struct {
	unsigned int must, may;
} keys[] = {
	[TCONN_WIRE_HELLO] = { BIT(KEY_TYPE) | BIT(KEY_NONCE), 0 },
	[TCONN_WIRE_ASK] = { BIT(KEY_TYPE) | BIT(KEY_NONCE) | BIT(KEY_ID) | BIT(KEY_NAME) |
			     BIT(KEY_CONTENT_TYPE) | BIT(KEY_SIZE),
			     BIT(KEY_ALGORITHM) | BIT(KEY_VERSION) | BIT(KEY_PARAMETERS) |
			     BIT(KEY_DIGEST) | BIT(KEY_DATA) | BIT(KEY_INPUTS) },
	[TCONN_WIRE_LABELLED] = { BIT(KEY_TYPE) | BIT(KEY_ID) | BIT(KEY_LABEL), 0 },
	[TCONN_WIRE_REFUSED] = { BIT(KEY_TYPE) | BIT(KEY_ID) | BIT(KEY_CODE) | BIT(KEY_REASON), 0 },
};

static unsigned int keys_of(const struct tconn_wire *m)
{
	unsigned int set = keys[m->type].must;

	if (m->type != TCONN_WIRE_ASK)
		return set;
	set |= *m->source.algorithm ? BIT(KEY_ALGORITHM) : 0;
	set |= *m->source.algorithm_version ? BIT(KEY_VERSION) : 0;
	set |= m->source.parameter_count ? BIT(KEY_PARAMETERS) : 0;
	set |= m->inside ? BIT(KEY_DATA) : BIT(KEY_DIGEST);
	return set | (m->input_count ? BIT(KEY_INPUTS) : 0);
}

static void put_parameters(struct tconn_cbor_writer *w, const struct tconn_label_source *s)
{
	tconn_cbor_put_array(w, 2 * s->parameter_count);
	for (size_t i = 0; i < s->parameter_count; i++) {
		tconn_cbor_put_text(w, s->parameter[i].name, sizeof(s->parameter[i].name));
		tconn_cbor_put_text(w, s->parameter[i].value, sizeof(s->parameter[i].value));
	}
}

static void put_inputs(struct tconn_cbor_writer *w, const struct tconn_wire *m)
{
	tconn_cbor_put_array(w, m->input_count);
	for (size_t i = 0; i < m->input_count; i++)
		tconn_cbor_put_bytes(w, m->input[i].data, m->input[i].len);
}

static void put(struct tconn_cbor_writer *w, enum key key, const struct tconn_wire *m)
{
	const struct tconn_label_source *s = &m->source;

	tconn_cbor_put_uint(w, key);
	switch (key) {
	case KEY_TYPE:
		tconn_cbor_put_uint(w, m->type);
		break;
	case KEY_NONCE:
		tconn_cbor_put_bytes(w, m->nonce, sizeof(m->nonce));
		break;
	case KEY_ID:
		tconn_cbor_put_uint(w, m->id);
		break;
	case KEY_NAME:
		tconn_cbor_put_text(w, s->name, sizeof(s->name));
		break;
	case KEY_CONTENT_TYPE:
		tconn_cbor_put_text(w, s->content_type, sizeof(s->content_type));
		break;
	case KEY_ALGORITHM:
		tconn_cbor_put_text(w, s->algorithm, sizeof(s->algorithm));
		break;
	case KEY_VERSION:
		tconn_cbor_put_text(w, s->algorithm_version, sizeof(s->algorithm_version));
		break;
	case KEY_PARAMETERS:
		put_parameters(w, s);
		break;
	case KEY_SIZE:
		tconn_cbor_put_uint(w, m->size);
		break;
	case KEY_DIGEST:
		tconn_cbor_put_bytes(w, m->digest, sizeof(m->digest));
		break;
	case KEY_DATA:
		tconn_cbor_put_bytes(w, m->data.data, m->data.len);
		break;
	case KEY_INPUTS:
		put_inputs(w, m);
		break;
	case KEY_LABEL:
		tconn_cbor_put_bytes(w, m->label.data, m->label.len);
		break;
	case KEY_CODE:
		tconn_cbor_put_uint(w, m->code);
		break;
	default:
		tconn_cbor_put_text(w, m->reason, sizeof(m->reason));
		break;
	}
}

int tconn_wire_encode(const struct tconn_wire *m, struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_cbor_discard))) struct tconn_cbor_writer w = { 0 };
	unsigned int set = keys_of(m);

	tconn_cbor_put_map(&w, (size_t)__builtin_popcount(set));
	for (enum key key = 0; key < KEY_COUNT; key++)
		if (set & BIT(key))
			put(&w, key, m);
	if (w.len > TCONN_WIRE_MAX)
		return tconn_fail(err, -EMSGSIZE, "a message of %zu bytes is over the limit of %d",
				  w.len, TCONN_WIRE_MAX);
	return tconn_cbor_finish(&w, ret, err);
}

static int read_parameters(struct tconn_cbor *r, struct tconn_label_source *s,
			   struct tconn_error *err)
{
	size_t count;
	int error = tconn_cbor_array(r, 2 * (size_t)TCONN_LABEL_PARAMETERS_MAX, &count, err);

	if (!error && count % 2)
		return tconn_fail(err, -EBADMSG, "parameters are pairs of name and value");
	for (size_t i = 0; !error && i < count / 2; i++) {
		struct tconn_label_parameter *p = &s->parameter[i];

		error = tconn_cbor_string(r, p->name, sizeof(p->name), err);
		if (!error)
			error = tconn_cbor_string(r, p->value, sizeof(p->value), err);
	}
	if (!error)
		s->parameter_count = count / 2;
	return error;
}

static int read_inputs(struct tconn_cbor *r, struct tconn_wire *m, struct tconn_error *err)
{
	int error = tconn_cbor_array(r, TCONN_LABEL_INPUTS_MAX, &m->input_count, err);

	for (size_t i = 0; !error && i < m->input_count; i++)
		error = tconn_cbor_bytes(r, TCONN_WIRE_MAX, &m->input[i].data, &m->input[i].len, err);
	return error;
}

static int read_type(struct tconn_cbor *r, struct tconn_wire *m, struct tconn_error *err)
{
	uint64_t type;
	int error = tconn_cbor_uint(r, TCONN_WIRE_REFUSED, &type, err);

	if (!error && !type)
		return tconn_fail(err, -EBADMSG, "no such type of message");
	if (!error)
		m->type = (enum tconn_wire_type)type;
	return error;
}

static int read_data(struct tconn_cbor *r, struct tconn_wire *m, struct tconn_error *err)
{
	m->inside = true;
	return tconn_cbor_bytes(r, TCONN_LABEL_INLINE_MAX, &m->data.data, &m->data.len, err);
}

static int read_item(struct tconn_cbor *r, uint64_t key, struct tconn_wire *m,
		     struct tconn_error *err)
{
	struct tconn_label_source *s = &m->source;

	switch (key) {
	case KEY_TYPE:
		return read_type(r, m, err);
	case KEY_NONCE:
		return tconn_cbor_fixed(r, m->nonce, sizeof(m->nonce), err);
	case KEY_ID:
		return tconn_cbor_uint(r, UINT64_MAX, &m->id, err);
	case KEY_NAME:
		return tconn_cbor_string(r, s->name, sizeof(s->name), err);
	case KEY_CONTENT_TYPE:
		return tconn_cbor_string(r, s->content_type, sizeof(s->content_type), err);
	case KEY_ALGORITHM:
		return tconn_cbor_string(r, s->algorithm, sizeof(s->algorithm), err);
	case KEY_VERSION:
		return tconn_cbor_string(r, s->algorithm_version, sizeof(s->algorithm_version), err);
	case KEY_PARAMETERS:
		return read_parameters(r, s, err);
	case KEY_SIZE:
		return tconn_cbor_uint(r, INT64_MAX, &m->size, err);
	case KEY_DIGEST:
		return tconn_cbor_fixed(r, m->digest, sizeof(m->digest), err);
	case KEY_DATA:
		return read_data(r, m, err);
	case KEY_INPUTS:
		return read_inputs(r, m, err);
	case KEY_LABEL:
		return tconn_cbor_bytes(r, TCONN_WIRE_MAX, &m->label.data, &m->label.len, err);
	case KEY_CODE:
		return tconn_cbor_uint(r, 4095, &m->code, err);
	default:
		return tconn_cbor_string(r, m->reason, sizeof(m->reason), err);
	}
}

static int check(const struct tconn_wire *m, unsigned int seen, struct tconn_error *err)
{
	const unsigned int either = BIT(KEY_DIGEST) | BIT(KEY_DATA);

	if (!(seen & BIT(KEY_TYPE)) || (keys[m->type].must & ~seen) ||
	    (seen & ~(keys[m->type].must | keys[m->type].may)))
		return tconn_fail(err, -EBADMSG, "keys are missing, or of another type of message");
	if (m->type != TCONN_WIRE_ASK)
		return 0;
	if ((seen & either) == either || !(seen & either))
		return tconn_fail(err, -EBADMSG, "it wants either the data or their digest");
	if (m->inside && m->size != m->data.len)
		return tconn_fail(err, -EBADMSG, "the data has not the size it says");
	return 0;
}

int tconn_wire_decode(const uint8_t *buf, size_t len, struct tconn_wire *ret,
		      struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct tconn_cbor_map map;
	unsigned int seen = 0;
	uint64_t key;
	int error = tconn_cbor_map(&r, KEY_COUNT, &map, err);

	memset(ret, 0, sizeof(*ret));
	while (!error && map.left) {
		error = tconn_cbor_key(&r, &map, KEY_COUNT - 1, &key, err);
		if (!error)
			error = read_item(&r, key, ret, err);
		if (!error)
			seen |= BIT(key);
	}
	if (!error)
		error = tconn_cbor_end(&r, err);
	return error ? error : check(ret, seen, err);
}
