// SPDX-License-Identifier: Apache-2.0
/* OpenSSL's Init, Update and Final for the reason given in digest.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "merkle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_LEAF	0
#define PREFIX_NODE	1
#define SMALL		128	/* bytes of an entry that are not worth an Update of their own */
#define AT_ONCE		16	/* hashes that are prepared, and then computed */

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

/* AT_ONCE of them at most. */
static void hash_entries(const struct tconn_piece *entry, size_t count, uint8_t *ret)
{
	uint8_t buf[AT_ONCE][1 + SMALL + TCONN_SHA256_TAIL];
	size_t size[AT_ONCE];

	for (size_t i = 0; i < count; i++) {
		if (entry[i].len > SMALL)
			continue;
		buf[i][0] = PREFIX_LEAF;
		memcpy(buf[i] + 1, entry[i].data, entry[i].len);
		size[i] = tconn_sha256_pad(buf[i], 1 + entry[i].len);
	}
	for (size_t i = 0; i < count; i++, ret += TCONN_SHA256) {
		if (entry[i].len > SMALL)
			hash_pieces(TCONN_SHA256, PREFIX_LEAF, entry[i].data, entry[i].len, NULL, 0, ret);
		else
			tconn_sha256_padded(buf[i], size[i], ret);
	}
}

/* AT_ONCE of them at most: pairs of nodes, one after the other. ret may be where they are. */
static void hash_pairs(const uint8_t *pair, size_t count, uint8_t *ret)
{
	uint8_t buf[AT_ONCE][1 + 2 * TCONN_SHA256 + TCONN_SHA256_TAIL];
	size_t size = 0;

	for (size_t i = 0; i < count; i++, pair += 2 * TCONN_SHA256) {
		buf[i][0] = PREFIX_NODE;
		memcpy(buf[i] + 1, pair, 2 * TCONN_SHA256);
		size = tconn_sha256_pad(buf[i], 1 + 2 * TCONN_SHA256);
	}
	for (size_t i = 0; i < count; i++, ret += TCONN_SHA256)
		tconn_sha256_padded(buf[i], size, ret);
}

static size_t at_once(size_t count)
{
	return count < AT_ONCE ? count : AT_ONCE;
}

void tconn_merkle_leaves(enum tconn_merkle_hash hash, const struct tconn_piece *entry, size_t count,
			 uint8_t *ret)
{
	for (size_t i = 0; hash != TCONN_SHA256 && i < count; i++)
		hash_pieces(hash, PREFIX_LEAF, entry[i].data, entry[i].len, NULL, 0, ret + i * hash);
	for (size_t i = 0; hash == TCONN_SHA256 && i < count; i += AT_ONCE)
		hash_entries(entry + i, at_once(count - i), ret + i * hash);
}

void tconn_merkle_leaf(enum tconn_merkle_hash hash, const void *entry, size_t len, uint8_t *ret)
{
	const struct tconn_piece piece = { entry, len };

	tconn_merkle_leaves(hash, &piece, 1, ret);
}

static void hash_node(enum tconn_merkle_hash hash, const uint8_t *left, const uint8_t *right,
		      uint8_t *ret)
{
	uint8_t pair[2 * TCONN_SHA256];

	if (hash != TCONN_SHA256) {
		hash_pieces(hash, PREFIX_NODE, left, hash, right, hash, ret);
		return;
	}
	memcpy(pair, left, TCONN_SHA256);
	memcpy(pair + TCONN_SHA256, right, TCONN_SHA256);
	hash_pairs(pair, 1, ret);
}

/* The level above; to may be from. */
static void build_level(enum tconn_merkle_hash hash, const uint8_t *from, size_t width, uint8_t *to)
{
	const size_t pairs = width / 2;

	for (size_t i = 0; hash != TCONN_SHA256 && i < pairs; i++)
		hash_node(hash, from + 2 * i * hash, from + (2 * i + 1) * hash, to + i * hash);
	for (size_t i = 0; hash == TCONN_SHA256 && i < pairs; i += AT_ONCE)
		hash_pairs(from + 2 * i * hash, at_once(pairs - i), to + i * hash);
	if (width % 2)
		memmove(to + pairs * hash, from + (width - 1) * hash, hash);
}

/* All nodes of a tree with so many leaves. */
static size_t node_count(size_t leaves)
{
	size_t all = leaves;

	for (size_t width = leaves; width > 1; all += width)
		width = width / 2 + width % 2;
	return all;
}

int tconn_merkle_reserve(struct tconn_merkle *tree, size_t leaves, struct tconn_error *err)
{
	const size_t nodes = node_count(leaves);
	uint8_t *node = nodes > tree->size ? realloc(tree->node, nodes * tree->hash) : tree->node;

	if (nodes && !node)
		return tconn_fail(err, -ENOMEM, "out of memory for a tree of %zu nodes", nodes);
	tree->node = node;
	tree->size = nodes > tree->size ? nodes : tree->size;
	return 0;
}

void tconn_merkle_add(struct tconn_merkle *tree, const struct tconn_piece *entry, size_t count)
{
	tconn_merkle_leaves(tree->hash, entry, count, tree->node + tree->leaves * tree->hash);
	tree->leaves += count;
}

int tconn_merkle_root(struct tconn_merkle *tree, uint8_t *ret, struct tconn_error *err)
{
	uint8_t *level = tree->node;

	if (!tree->leaves)
		return tconn_fail(err, -EINVAL, "a tree without leaves has no root to sign");
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

/* Its leaves in, the root of their tree out. */
static void fold_row(enum tconn_merkle_hash hash, uint8_t *row, size_t width)
{
	for (; width > 1; width = width / 2 + width % 2)
		build_level(hash, row, width, row);
}

/* The row is complete: its root takes its place among those before. */
static void next_row(struct tconn_merkle_fold *fold)
{
	size_t level = 0;

	fold_row(fold->hash, fold->row, TCONN_MERKLE_ROW);
	for (uint64_t rows = fold->leaves / TCONN_MERKLE_ROW - 1; rows & 1; rows >>= 1)
		hash_node(fold->hash, fold->waiting[level++], fold->row, fold->row);
	memcpy(fold->waiting[level], fold->row, fold->hash);
}

int tconn_merkle_fold_add(struct tconn_merkle_fold *fold, const struct tconn_piece *entry,
			  size_t count, struct tconn_error *err)
{
	if (count > UINT32_MAX - fold->leaves)
		return tconn_fail(err, -EMSGSIZE, "a tree of over 2^32 - 1 leaves");
	while (count) {
		const size_t used = fold->leaves % TCONN_MERKLE_ROW, room = TCONN_MERKLE_ROW - used;
		const size_t n = count < room ? count : room;

		tconn_merkle_leaves(fold->hash, entry, n, fold->row + used * fold->hash);
		fold->leaves += n;
		entry += n;
		count -= n;
		if (n == room)
			next_row(fold);
	}
	return 0;
}

/* What waits on lower levels is to the right of what waits on higher ones. */
int tconn_merkle_fold_root(const struct tconn_merkle_fold *fold, uint8_t *ret,
			   struct tconn_error *err)
{
	const size_t left = fold->leaves % TCONN_MERKLE_ROW;
	uint8_t at[sizeof(fold->row)];
	bool is_first = !left;

	if (!fold->leaves)
		return tconn_fail(err, -EINVAL, "a tree without leaves has no root");
	memcpy(at, fold->row, left * fold->hash);
	fold_row(fold->hash, at, left);
	for (size_t level = 0; level < TCONN_MERKLE_PATH_MAX; level++) {
		if (!(fold->leaves / TCONN_MERKLE_ROW >> level & 1))
			continue;
		if (is_first)
			memcpy(at, fold->waiting[level], fold->hash);
		else
			hash_node(fold->hash, fold->waiting[level], at, at);
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
			hash_node(hash, path + used * hash, at, at);
		else
			hash_node(hash, at, path + used * hash, at);
		used++;
	}
	if (used != count)
		return tconn_fail(err, -EBADMSG, "the proof is too long for its tree");
	memcpy(ret, at, hash);
	return 0;
}
