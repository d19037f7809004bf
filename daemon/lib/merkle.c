// SPDX-License-Identifier: Apache-2.0
/* OpenSSL's Init, Update and Final for the reason given in digest.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "merkle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define PREFIX_LEAF	0
#define PREFIX_NODE	1
#define SMALL		128	/* bytes of an entry that are not worth an Update of their own */

static void hash_pieces(enum tconn_merkle_hash hash, uint8_t prefix, const void *a, size_t a_len,
			const void *b, size_t b_len, uint8_t *ret)
{
	const struct tconn_piece pieces[] = { { &prefix, 1 }, { a, a_len }, { b, b_len } };
	SHA512_CTX large;

	if (hash == TCONN_SHA256) {
		tconn_sha256_pieces(pieces, 3, ret);
		return;
	}
	if (hash == TCONN_SHA384)
		SHA384_Init(&large);
	else
		SHA512_Init(&large);
	SHA512_Update(&large, &prefix, 1);
	SHA512_Update(&large, a, a_len);
	SHA512_Update(&large, b, b_len);
	SHA512_Final(ret, &large);	/* as many bytes as the hash was started for */
}

void tconn_merkle_leaf(enum tconn_merkle_hash hash, const void *entry, size_t len, uint8_t *ret)
{
	uint8_t buf[1 + SMALL + TCONN_SHA256_TAIL];

	if (hash != TCONN_SHA256 || len > SMALL) {
		hash_pieces(hash, PREFIX_LEAF, entry, len, NULL, 0, ret);
		return;
	}
	buf[0] = PREFIX_LEAF;
	memcpy(buf + 1, entry, len);
	tconn_sha256_padded(buf, 1 + len, ret);
}

void tconn_merkle_node(enum tconn_merkle_hash hash, const uint8_t *left, const uint8_t *right,
		       uint8_t *ret)
{
	uint8_t buf[1 + 2 * TCONN_SHA256 + TCONN_SHA256_TAIL];

	if (hash != TCONN_SHA256) {
		hash_pieces(hash, PREFIX_NODE, left, hash, right, hash, ret);
		return;
	}
	buf[0] = PREFIX_NODE;
	memcpy(buf + 1, left, TCONN_SHA256);
	memcpy(buf + 1 + TCONN_SHA256, right, TCONN_SHA256);
	tconn_sha256_padded(buf, 1 + 2 * TCONN_SHA256, ret);
}

static int reserve(struct tconn_merkle *tree, size_t nodes, struct tconn_error *err)
{
	size_t size = tree->size ? tree->size : 64;
	uint8_t *node;

	while (size < nodes)
		size *= 2;
	if (size == tree->size)
		return 0;
	node = realloc(tree->node, size * tree->hash);
	if (!node)
		return tconn_fail(err, -ENOMEM, "out of memory for a tree of %zu nodes", nodes);
	tree->node = node;
	tree->size = size;
	return 0;
}

int tconn_merkle_add(struct tconn_merkle *tree, const uint8_t *leaf, struct tconn_error *err)
{
	int r = tree->leaves < tree->size ? 0 : reserve(tree, tree->leaves + 1, err);

	if (!r)
		memcpy(tree->node + tree->leaves++ * tree->hash, leaf, tree->hash);
	return r;
}

/* All nodes of a tree with so many leaves. */
static size_t node_count(size_t leaves)
{
	size_t all = leaves;

	for (size_t width = leaves; width > 1; all += width)
		width = width / 2 + width % 2;
	return all;
}

static void build_level(enum tconn_merkle_hash hash, const uint8_t *from, size_t width, uint8_t *to)
{
	for (size_t i = 0; i + 1 < width; i += 2)
		tconn_merkle_node(hash, from + i * hash, from + (i + 1) * hash, to + i / 2 * hash);
	if (width % 2)
		memcpy(to + width / 2 * hash, from + (width - 1) * hash, hash);
}

int tconn_merkle_root(struct tconn_merkle *tree, uint8_t *ret, struct tconn_error *err)
{
	uint8_t *level;
	int r;

	if (!tree->leaves)
		return tconn_fail(err, -EINVAL, "a tree without leaves has no root to sign");
	r = reserve(tree, node_count(tree->leaves), err);
	if (r)
		return r;
	level = tree->node;
	for (size_t width = tree->leaves; width > 1; width = width / 2 + width % 2) {
		build_level(tree->hash, level, width, level + width * tree->hash);
		level += width * tree->hash;
	}
	memcpy(ret, level, tree->hash);
	return 0;
}

size_t tconn_merkle_path(const struct tconn_merkle *tree, size_t index,
			 uint8_t ret[TCONN_MERKLE_PATH_MAX * TCONN_MERKLE_HASH_MAX])
{
	const uint8_t *level = tree->node;
	size_t count = 0;

	for (size_t width = tree->leaves; width > 1; width = width / 2 + width % 2) {
		size_t sibling = index ^ 1;

		if (sibling < width)
			memcpy(ret + count++ * tree->hash, level + sibling * tree->hash, tree->hash);
		level += width * tree->hash;
		index /= 2;
	}
	return count;
}

void tconn_merkle_free(struct tconn_merkle *tree)
{
	free(tree->node);
	*tree = (struct tconn_merkle){ .hash = tree->hash };
}

int tconn_merkle_fold_add(struct tconn_merkle_fold *fold, const uint8_t *leaf,
			  struct tconn_error *err)
{
	uint8_t at[TCONN_MERKLE_HASH_MAX];
	size_t level = 0;

	if (fold->leaves == UINT32_MAX)
		return tconn_fail(err, -EMSGSIZE, "a tree of over 2^32 - 1 leaves");
	memcpy(at, leaf, fold->hash);
	for (uint64_t left = fold->leaves++; left & 1; left >>= 1)
		tconn_merkle_node(fold->hash, fold->waiting[level++], at, at);
	memcpy(fold->waiting[level], at, fold->hash);
	return 0;
}

/* What waits on lower levels is to the right of what waits on higher ones. */
int tconn_merkle_fold_root(const struct tconn_merkle_fold *fold, uint8_t *ret,
			   struct tconn_error *err)
{
	uint8_t at[TCONN_MERKLE_HASH_MAX];
	bool is_first = true;

	if (!fold->leaves)
		return tconn_fail(err, -EINVAL, "a tree without leaves has no root");
	for (size_t level = 0; level < TCONN_MERKLE_PATH_MAX; level++) {
		if (!(fold->leaves >> level & 1))
			continue;
		if (is_first)
			memcpy(at, fold->waiting[level], fold->hash);
		else
			tconn_merkle_node(fold->hash, fold->waiting[level], at, at);
		is_first = false;
	}
	memcpy(ret, at, fold->hash);
	return 0;
}

int tconn_merkle_follow(enum tconn_merkle_hash hash, const uint8_t *leaf, uint64_t index,
			uint64_t leaves, const uint8_t *path, size_t count, uint8_t *ret,
			struct tconn_error *err)
{
	uint8_t at[TCONN_MERKLE_HASH_MAX];
	size_t used = 0;

	if (index >= leaves)
		return tconn_fail(err, -EBADMSG, "the proof is of a place outside its tree");
	memcpy(at, leaf, hash);
	for (uint64_t width = leaves; width > 1; width = width / 2 + width % 2, index /= 2) {
		if ((index ^ 1) >= width)
			continue;	/* without a sibling it moves up */
		if (used == count)
			return tconn_fail(err, -EBADMSG, "the proof is too short for its tree");
		if (index & 1)
			tconn_merkle_node(hash, path + used * hash, at, at);
		else
			tconn_merkle_node(hash, at, path + used * hash, at);
		used++;
	}
	if (used != count)
		return tconn_fail(err, -EBADMSG, "the proof is too long for its tree");
	memcpy(ret, at, hash);
	return 0;
}
