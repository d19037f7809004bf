// SPDX-License-Identifier: Apache-2.0
/* Reading labels: structure only, label_verify.c says what may be believed. */
#include "label.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "digest.h"
#include "label_entry.h"
#include "label_read.h"

#define PIECE	(256u << 10)	/* bytes of a file at a time */

static const struct {
	int code;
	const char *name;
} faults[] = {
	{ -ENODATA, "truncated" },
	{ -EMSGSIZE, "oversized" },
	{ -EBADMSG, "malformed" },
	{ -EOPNOTSUPP, "critical-header" },
	{ -EPROTONOSUPPORT, "version" },
	{ -EKEYREJECTED, "signature" },
	{ -EKEYEXPIRED, "expired" },
	{ -EKEYREVOKED, "revoked" },
	{ -EXDEV, "other-signer" },
	{ -EUCLEAN, "data" },
	{ -EEXIST, "duplicate" },
	{ -ESTALE, "replayed" },
	{ -EILSEQ, "reordered" },
	{ -ENOMSG, "missing" },
	{ -ERANGE, "counter" },
};

const char *tconn_label_fault(int code)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].code == code)
			return faults[i].name;
	return "failed";
}

/* Byte strings that the decoder found well-formed already. */
static void split(const struct tconn_label_span *all, size_t count, struct tconn_label_span *ret)
{
	const uint8_t *at = all->data, *end = count ? at + all->len : at;

	for (size_t i = 0; i < count; i++)
		if (!tconn_label_bytes_next(&at, end, &ret[i].data, &ret[i].len))
			return;
}

static int check_entry(const struct tconn_label *l, size_t index, struct tconn_error *err)
{
	struct tconn_label_entry e;
	char where[48];
	int r = tconn_label_entry_decode(l->entry[index].data, l->entry[index].len, &e, err);

	if (!r && e.source >= l->header.source_count)
		r = tconn_fail(err, -EBADMSG, "the entry is of no source of this batch");
	if (!r && e.time_us > INT64_MAX - l->header.clock.time_us)
		r = tconn_fail(err, -EBADMSG, "the entry's time is out of range");
	if (!r)
		return 0;
	snprintf(where, sizeof(where), "item %zu of %zu", index + 1, l->count);
	return tconn_fail_in(err, r, where);
}

static int take_entries(struct tconn_label *l, struct tconn_error *err)
{
	l->count = l->un.single ? 1 : l->un.entries_count;
	l->entry = calloc(l->count, sizeof(*l->entry));
	if (!l->entry)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (l->un.single)
		l->entry[0] = l->un.entry;
	else
		split(&l->un.entries, l->count, l->entry);
	for (size_t i = 0; i < l->count; i++) {
		int r = check_entry(l, i, err);

		if (r)
			return r;
	}
	split(&l->un.inputs, l->un.inputs_count, l->input);
	return 0;
}

static void leaf_of(const struct tconn_label *l, size_t index, uint8_t ret[32])
{
	tconn_merkle_leaf(TCONN_SHA256, l->entry[index].data, l->entry[index].len, ret);
}

static int find_root(struct tconn_label *l, struct tconn_error *err)
{
	uint8_t leaf[32];

	if (!l->un.single)
		return tconn_label_entries_root(l->un.entries.data, l->un.entries.len, l->root, err);
	leaf_of(l, 0, leaf);
	return tconn_merkle_follow(TCONN_SHA256, leaf, l->un.index, l->un.leaves, l->un.path,
				   l->un.path_count, l->root, err);
}

/* Whether it is as it is because its end is missing: another fault than -EBADMSG. */
static bool is_truncated(const struct tconn_bytes *raw)
{
	struct tconn_cbor r = tconn_cbor_reader(raw->data, raw->len);
	const uint8_t *data;
	size_t len;
	int error = tconn_cbor_tag(&r, TCONN_COSE_TAG, NULL);

	if (!error && r.at < r.end && *r.at == 0x84) {
		r.at++;
		for (int i = 0; !error && i < 4; i++)
			if (!tconn_cbor_null(&r))
				error = tconn_cbor_any(&r, &data, &len, NULL);
	}
	return r.ran_out || r.at == r.start + 1;
}

static int decode_cose(struct tconn_label *l, struct tconn_error *err)
{
	int error = tconn_cose_decode(l->raw.data, l->raw.len, &l->cose, err);

	if (error && is_truncated(&l->raw))
		return tconn_fail(err, -ENODATA, "the label is truncated: it ends after %zu bytes",
				  l->raw.len);
	if (!error && !l->cose.detached)
		return tconn_fail(err, -EBADMSG, "a label has no payload of its own");
	return error;
}

static int decode(struct tconn_label *l, struct tconn_error *err)
{
	int r = decode_cose(l, err);

	if (!r)
		r = tconn_label_header_decode(l->cose.protected, l->cose.protected_len, &l->header, err);
	if (!r)
		r = tconn_label_unprotected_decode(l->cose.unprotected, l->cose.unprotected_len, &l->un,
						   err);
	if (!r)
		r = take_entries(l, err);
	if (!r)
		r = find_root(l, err);
	if (r)
		return r;
	l->cose.payload = l->root;
	l->cose.payload_len = sizeof(l->root);
	return tconn_cose_digest(&l->cose, l->digest, err);
}

int tconn_label_decode(const void *buf, size_t len, struct tconn_label **ret,
		       struct tconn_error *err)
{
	struct tconn_label *l;
	int r;

	if (len > TCONN_LABEL_MAX)
		return tconn_fail(err, -EMSGSIZE, "label: %zu bytes are over the limit of %d", len,
				  TCONN_LABEL_MAX);
	l = calloc(1, sizeof(*l));
	if (!l)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = tconn_bytes_copy(&l->raw, buf, len, err);
	if (!r)
		r = decode(l, err);
	if (r) {
		tconn_label_free(l);
		return tconn_fail_in(err, r, "label");
	}
	*ret = l;
	return 0;
}

void tconn_label_free(struct tconn_label *l)
{
	if (!l)
		return;
	tconn_bytes_free(&l->raw);
	free(l->entry);
	free(l);
}

size_t tconn_label_count(const struct tconn_label *l)
{
	return l->count;
}

int tconn_label_item(const struct tconn_label *l, size_t index, struct tconn_label_item *ret,
		     struct tconn_error *err)
{
	struct tconn_label_entry e;
	int r;

	if (index >= l->count)
		return tconn_fail(err, -EINVAL, "no item %zu of %zu", index, l->count);
	r = tconn_label_entry_decode(l->entry[index].data, l->entry[index].len, &e, err);
	if (r)
		return r;
	ret->source = (uint32_t)e.source;
	ret->sequence = e.sequence;
	ret->time_us = l->header.clock.time_us + e.time_us;
	ret->size = e.size;
	ret->inside = e.kind == TCONN_LABEL_INSIDE;
	ret->data = ret->inside ? e.content : NULL;
	if (!ret->inside)
		memcpy(ret->digest, e.content, sizeof(ret->digest));
	ret->input_count = e.input_count;
	for (size_t i = 0; i < e.input_count; i++)
		memcpy(ret->input[i], e.input + i * TCONN_LABEL_INPUT_SIZE + 2, 32);
	return 0;
}

const struct tconn_label_source *tconn_label_source(const struct tconn_label *l, uint32_t index)
{
	return index < l->header.source_count ? &l->header.source[index] : NULL;
}

const struct tconn_label_clock *tconn_label_clock(const struct tconn_label *l)
{
	return &l->header.clock;
}

const struct tconn_label_environment *tconn_label_environment(const struct tconn_label *l)
{
	return &l->header.environment;
}

size_t tconn_label_input_count(const struct tconn_label *l)
{
	return l->un.inputs_count;
}

void tconn_label_input(const struct tconn_label *l, size_t index, const uint8_t **ret,
		       size_t *ret_len)
{
	*ret = l->input[index].data;
	*ret_len = l->input[index].len;
}

void tconn_label_id(const struct tconn_label *l, size_t index, uint8_t ret[32])
{
	uint8_t leaf[32];
	const struct tconn_piece pieces[] = { { l->digest, sizeof(l->digest) }, { leaf, sizeof(leaf) } };

	leaf_of(l, index, leaf);
	tconn_sha256_pieces(pieces, 2, ret);
}

int tconn_label_check_digest(const struct tconn_label_item *item, const uint8_t digest[32],
			     uint64_t size, struct tconn_error *err)
{
	uint8_t inside[32];
	const uint8_t *want = item->digest;

	if (item->inside) {
		tconn_sha256(item->data, item->size, inside);
		want = inside;
	}
	if (size != item->size)
		return tconn_fail(err, -EUCLEAN, "the data has %llu bytes, %llu were labelled",
				  (unsigned long long)size, (unsigned long long)item->size);
	if (memcmp(want, digest, 32))
		return tconn_fail(err, -EUCLEAN, "the data is not what was labelled");
	return 0;
}

int tconn_label_check_data(const struct tconn_label_item *item, const void *data, size_t len,
			   struct tconn_error *err)
{
	uint8_t digest[32];

	tconn_sha256_public(data, len, digest);
	return tconn_label_check_digest(item, digest, len, err);
}

int tconn_label_hash_file(int fd, uint8_t ret[32], uint64_t *ret_size, struct tconn_error *err)
{
	uint8_t *piece = malloc(PIECE);
	uint64_t size = 0;
	SHA256_CTX ctx;
	ssize_t n;
	int r = 0;

	if (!piece)
		return tconn_fail(err, -ENOMEM, "out of memory");
	SHA256_Init(&ctx);
	while ((n = read(fd, piece, PIECE))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = tconn_fail(err, -errno, "%s", strerror(errno));
			break;
		}
		SHA256_Update(&ctx, piece, (size_t)n);
		size += (uint64_t)n;
	}
	free(piece);
	if (r)
		return r;
	SHA256_Final(ret, &ctx);
	*ret_size = size;
	return 0;
}
