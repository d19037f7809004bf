// SPDX-License-Identifier: Apache-2.0
/* Making labels. */
#include "label.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "label_entry.h"
#include "label_header.h"
#include "merkle.h"

struct tconn_label_batch {
	struct tconn_label_header header;
	uint8_t *entries;		/* encoded byte strings, one after the other */
	size_t used, size;
	size_t count;			/* TCONN_LABEL_ITEMS_MAX at most */
	struct tconn_bytes protected;	/* once signed */
	uint8_t root[32];
	struct tconn_cose cose;
	/* Once somebody asked for an item that stands alone: */
	uint32_t *end;			/* of each entry */
	struct tconn_merkle tree;	/* one leaf an entry */
};

static bool is_signed(const struct tconn_label_batch *b)
{
	return b->protected.data;
}

int tconn_label_batch_new(const struct tconn_label_clock *clock,
			  const struct tconn_label_environment *environment,
			  struct tconn_label_batch **ret, struct tconn_error *err)
{
	struct tconn_label_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return tconn_fail(err, -ENOMEM, "out of memory");
	b->header.clock = *clock;
	if (environment)
		b->header.environment = *environment;
	b->tree.hash = TCONN_SHA256;
	*ret = b;
	return 0;
}

void tconn_label_batch_free(struct tconn_label_batch *b)
{
	if (!b)
		return;
	tconn_merkle_free(&b->tree);
	tconn_bytes_free(&b->protected);
	free(b->entries);
	free(b->end);
	free(b);
}

static bool same_source(const struct tconn_label_source *a, const struct tconn_label_source *b)
{
	bool same = !strcmp(a->name, b->name) && !strcmp(a->content_type, b->content_type) &&
		    !strcmp(a->algorithm, b->algorithm) &&
		    !strcmp(a->algorithm_version, b->algorithm_version) &&
		    !strcmp(a->program, b->program) &&
		    !memcmp(a->program_digest, b->program_digest, sizeof(a->program_digest)) &&
		    a->parameter_count == b->parameter_count;

	for (size_t i = 0; same && i < a->parameter_count; i++)
		same = !strcmp(a->parameter[i].name, b->parameter[i].name) &&
		       !strcmp(a->parameter[i].value, b->parameter[i].value);
	return same;
}

int tconn_label_batch_source(struct tconn_label_batch *b, const struct tconn_label_source *source,
			     uint32_t *ret, struct tconn_error *err)
{
	struct tconn_label_header *h = &b->header;
	int r = tconn_label_source_check(source, err);

	if (r)
		return r;
	for (size_t i = 0; i < h->source_count; i++) {
		if (same_source(&h->source[i], source)) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	if (is_signed(b))
		return tconn_fail(err, -EINVAL, "the batch is signed already");
	if (h->source_count == TCONN_LABEL_SOURCES_MAX)
		return tconn_fail(err, -EMSGSIZE, "a batch is of %d sources at most",
				  TCONN_LABEL_SOURCES_MAX);
	h->source[h->source_count] = *source;
	*ret = (uint32_t)h->source_count++;
	return 0;
}

static int reserve(struct tconn_label_batch *b, struct tconn_error *err)
{
	const size_t entry = 9 + TCONN_LABEL_ENTRY_MAX;

	if (b->size - b->used < entry) {
		size_t size = 2 * b->size + 4 * entry;
		uint8_t *entries = realloc(b->entries, size);

		if (!entries)
			return tconn_fail(err, -ENOMEM, "out of memory");
		b->entries = entries;
		b->size = size;
	}
	return 0;
}

static int check_new(const struct tconn_label_batch *b, const struct tconn_label_new *n,
		     struct tconn_error *err)
{
	if (is_signed(b))
		return tconn_fail(err, -EINVAL, "the batch is signed already");
	if (n->source >= b->header.source_count || !n->sequence)
		return tconn_fail(err, -EINVAL, "an item of no source, or without a sequence number");
	if (n->time_us < b->header.clock.time_us)
		return tconn_fail(err, -EINVAL, "an item from before its batch");
	if (!n->data && (!n->digest || n->inside) && n->size)
		return tconn_fail(err, -EINVAL, "an item without data and digest");
	if (n->inside && n->size > TCONN_LABEL_INLINE_MAX)
		return tconn_fail(err, -EMSGSIZE, "%llu bytes are over the %d that fit into a label",
				  (unsigned long long)n->size, TCONN_LABEL_INLINE_MAX);
	if (n->input_count > TCONN_LABEL_INPUTS_MAX)
		return tconn_fail(err, -EMSGSIZE, "an item has %d inputs at most",
				  TCONN_LABEL_INPUTS_MAX);
	if (b->count == TCONN_LABEL_ITEMS_MAX ||
	    b->used > TCONN_LABEL_MAX - (1 << 16) - TCONN_LABEL_ENTRY_MAX)
		return tconn_fail(err, -EMSGSIZE, "the batch is full");
	return 0;
}

/* The entry is encoded behind a head of the usual size, and moved where it has another. */
static void append(struct tconn_label_batch *b, const struct tconn_label_entry *e,
		   const uint8_t (*input)[32])
{
	enum { USUAL = 2 };
	uint8_t *at = b->entries + b->used, head[9];
	size_t len = tconn_label_entry_encode(e, input, at + USUAL);
	size_t head_len = tconn_label_bytes_head(len, head);

	if (head_len != USUAL)
		memmove(at + head_len, at + USUAL, len);
	memcpy(at, head, head_len);
	b->used += head_len + len;
	b->count++;
}

int tconn_label_batch_add(struct tconn_label_batch *b, const struct tconn_label_new *n,
			  struct tconn_error *err)
{
	uint8_t digest[32];
	struct tconn_label_entry e = {
		.source = n->source,
		.sequence = n->sequence,
		.time_us = n->time_us - b->header.clock.time_us,
		.kind = n->inside ? TCONN_LABEL_INSIDE : TCONN_LABEL_SHA256,
		.size = n->size,
		.content = n->inside ? n->data : digest,
		.content_len = n->inside ? n->size : sizeof(digest),
		.input_count = n->input_count,
	};
	int r = check_new(b, n, err);

	if (!r)
		r = reserve(b, err);
	if (r)
		return r;
	if (n->data && !n->inside)
		tconn_sha256_public(n->data, n->size, digest);
	else if (n->digest && !n->inside)
		e.content = n->digest;
	else if (!n->inside)
		tconn_sha256(NULL, 0, digest);
	append(b, &e, n->input);
	return 0;
}

size_t tconn_label_batch_count(const struct tconn_label_batch *b)
{
	return b->count;
}

int tconn_label_batch_sign(struct tconn_label_batch *b, const struct tconn_label_signer *s,
			   struct tconn_error *err)
{
	struct tconn_label_header *h = &b->header;
	int r;

	if (is_signed(b))
		return tconn_fail(err, -EINVAL, "the batch is signed already");
	h->chain_count = s->thumbprint ? 0 : 1;
	h->chain[0] = (struct tconn_label_span){ s->certificate, s->certificate_len };
	h->has_thumbprint = s->thumbprint;
	tconn_sha256(s->certificate, s->certificate_len, h->thumbprint);
	r = tconn_label_entries_root(b->entries, b->used, b->root, err);
	if (!r)
		r = tconn_label_header_encode(h, &b->protected, err);
	if (r)
		return r;
	b->cose = (struct tconn_cose){
		.protected = b->protected.data, .protected_len = b->protected.len,
		.payload = b->root, .payload_len = sizeof(b->root), .detached = true,
	};
	r = tconn_cose_sign(&b->cose, s->tpm, s->certificate, s->certificate_len, err);
	if (r)
		tconn_bytes_free(&b->protected);
	return r;
}

/* rest: what follows what was written, too much to copy it twice. */
static int encode(const struct tconn_label_batch *b, struct tconn_cbor_writer *unprotected,
		  const uint8_t *rest, size_t rest_len, struct tconn_bytes *ret,
		  struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes map = { 0 };
	struct tconn_cose cose = b->cose;
	int r = tconn_cbor_finish(unprotected, &map, err);

	if (r)
		return r;
	cose.unprotected = map.data;
	cose.unprotected_len = map.len;
	cose.unprotected_rest = rest;
	cose.unprotected_rest_len = rest_len;
	return tconn_cose_encode(&cose, TCONN_LABEL_MAX, ret, err);
}

int tconn_label_batch_encode(const struct tconn_label_batch *b, struct tconn_bytes *ret,
			     struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	if (!is_signed(b))
		return tconn_fail(err, -EINVAL, "the batch is not signed yet");
	tconn_cbor_put_map(&w, 1);
	tconn_cbor_put_negative(&w, -1 - TCONN_COSE_ENTRIES);
	tconn_cbor_put_array(&w, b->count);
	return encode(b, &w, b->entries, b->used, ret, err);
}

/* Finds each entry's end, and grows the tree over them: their label needs its root alone. */
static int plant(struct tconn_label_batch *b, struct tconn_error *err)
{
	const uint8_t *at = b->entries, *end = at + b->used;
	struct tconn_piece row[TCONN_MERKLE_ROW];
	size_t n;
	int r;

	if (b->end)
		return 0;
	r = tconn_merkle_reserve(&b->tree, b->count, err);
	if (r)
		return r;
	b->end = calloc(b->count, sizeof(*b->end));
	if (!b->end)
		return tconn_fail(err, -ENOMEM, "out of memory");
	while ((n = tconn_label_entries_next(&at, end, row))) {
		for (size_t i = 0; i < n; i++)
			b->end[b->tree.leaves + i] = (uint32_t)((const uint8_t *)row[i].data +
								row[i].len - b->entries);
		tconn_merkle_add(&b->tree, row, n);
	}
	return tconn_merkle_root(&b->tree, b->root, err);
}

static int encode_proof(const struct tconn_label_batch *b, size_t index, struct tconn_bytes *ret,
			struct tconn_error *err)
{
	uint8_t path[TCONN_MERKLE_PATH_MAX * TCONN_MERKLE_HASH_MAX];
	size_t count = tconn_merkle_path(&b->tree, index, path);
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_array(&w, 3);
	tconn_cbor_put_uint(&w, b->count);
	tconn_cbor_put_uint(&w, index);
	tconn_cbor_put_array(&w, count);
	for (size_t i = 0; i < count; i++)
		tconn_cbor_put_bytes(&w, path + 32 * i, 32);
	return tconn_cbor_finish(&w, ret, err);
}

static void put_inputs(struct tconn_cbor_writer *w, const struct tconn_bytes *inputs, size_t count)
{
	if (!count)
		return;
	tconn_cbor_put_negative(w, -1 - TCONN_COSE_INPUTS);
	tconn_cbor_put_array(w, count);
	for (size_t i = 0; i < count; i++)
		tconn_cbor_put_bytes(w, inputs[i].data, inputs[i].len);
}

int tconn_label_batch_item(struct tconn_label_batch *b, size_t index,
			   const struct tconn_bytes *inputs, size_t input_count,
			   struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes proof = { 0 };
	struct tconn_cbor_writer w = { 0 };
	size_t start;
	int r;

	if (!is_signed(b) || index >= b->count)
		return tconn_fail(err, -EINVAL, "no item %zu in a signed batch", index);
	r = plant(b, err);
	if (!r)
		r = encode_proof(b, index, &proof, err);
	if (r)
		return r;
	start = index ? b->end[index - 1] : 0;
	tconn_cbor_put_map(&w, input_count ? 3 : 2);
	tconn_cbor_put_uint(&w, TCONN_COSE_VDP);
	tconn_cbor_put_map(&w, 1);
	tconn_cbor_put_negative(&w, -1 - TCONN_VDP_INCLUSION);
	tconn_cbor_put_array(&w, 1);
	tconn_cbor_put_bytes(&w, proof.data, proof.len);
	tconn_cbor_put_negative(&w, -1 - TCONN_COSE_ENTRY);
	tconn_cbor_put_raw(&w, b->entries + start, b->end[index] - start);
	put_inputs(&w, inputs, input_count);
	return encode(b, &w, NULL, 0, ret, err);
}
