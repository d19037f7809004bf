/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merkle trees as in RFC 9162, section 2.1, with SHA-256 or, for seals that must
 * last longer, SHA-384 and SHA-512:
 *	leaf	H(0x00 || entry)
 *	node	H(0x01 || left || right)
 * The levels are built from below, a node without a sibling moves up as it is;
 * that is the same tree as the RFC's recursion.
 */
#ifndef TCONN_MERKLE_H
#define TCONN_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "digest.h"
#include "error.h"

#define TCONN_MERKLE_HASH_MAX	64	/* bytes of the longest hash */
#define TCONN_MERKLE_PATH_MAX	32	/* levels: trees of at most 2^32 leaves */
#define TCONN_MERKLE_ROW	64	/* leaves that are worth collecting; a power of two */

enum tconn_merkle_hash { TCONN_SHA256 = 32, TCONN_SHA384 = 48, TCONN_SHA512 = 64 };

struct tconn_merkle {
	enum tconn_merkle_hash hash;	/* also its length */
	uint8_t *node;			/* the leaves, then each level above them */
	size_t leaves, size;		/* size: nodes there is room for */
};

/* Cannot fail. */
void tconn_merkle_leaf(enum tconn_merkle_hash hash, const void *entry, size_t len, uint8_t *ret);
/* The same of several, which takes less time than one by one; ret: the leaves in a row. */
void tconn_merkle_leaves(enum tconn_merkle_hash hash, const struct tconn_piece *entry, size_t count,
			 uint8_t *ret);

/* Room for a whole tree; before its entries. -ENOMEM. tree starts as { .hash = ... }. */
int tconn_merkle_reserve(struct tconn_merkle *tree, size_t leaves, struct tconn_error *err);
/* No more than there is room for. Cannot fail. */
void tconn_merkle_add(struct tconn_merkle *tree, const struct tconn_piece *entry, size_t count);
/* Builds the levels above the leaves. -EINVAL: no leaf. */
int tconn_merkle_root(struct tconn_merkle *tree, uint8_t *ret, struct tconn_error *err);
/* After tconn_merkle_root(): siblings from the leaf up, hash bytes each. Returns their number. */
size_t tconn_merkle_path(const struct tconn_merkle *tree, size_t index,
			 uint8_t ret[TCONN_MERKLE_PATH_MAX * TCONN_MERKLE_HASH_MAX]);
void tconn_merkle_free(struct tconn_merkle *tree);

/*
 * The root alone, without a tree: for who needs no paths. Starts as { .hash = ... }.
 */
struct tconn_merkle_fold {
	enum tconn_merkle_hash hash;
	uint64_t leaves;
	/* The leaves of a row that is not complete yet. */
	uint8_t row[TCONN_MERKLE_ROW * TCONN_MERKLE_HASH_MAX];
	/* By level: the root of 2^level rows that still waits for its sibling, where that
	 * bit of their number is set.
	 */
	uint8_t waiting[TCONN_MERKLE_PATH_MAX][TCONN_MERKLE_HASH_MAX];
};

/* -EMSGSIZE: over 2^32 - 1 leaves. */
int tconn_merkle_fold_add(struct tconn_merkle_fold *fold, const struct tconn_piece *entry,
			  size_t count, struct tconn_error *err);
/* -EINVAL: no leaf. */
int tconn_merkle_fold_root(const struct tconn_merkle_fold *fold, uint8_t *ret,
			   struct tconn_error *err);

/* RFC 9162, section 2.1.3.2: the root to which leaf, index and path lead.
 * -EBADMSG where the path's length is not that of such a place in such a tree.
 */
int tconn_merkle_follow(enum tconn_merkle_hash hash, const uint8_t *leaf, uint64_t index,
			uint64_t leaves, const uint8_t *path, size_t count, uint8_t *ret,
			struct tconn_error *err);

#endif
