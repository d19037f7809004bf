// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/merkle.c, against RFC 9162's own recursion written down once more here. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/merkle.h"

#define LEAVES_MAX	300	/* several rows, and levels of them */

static const enum tconn_merkle_hash hashes[] = { TCONN_SHA256, TCONN_SHA384, TCONN_SHA512 };

static void evp_hash(enum tconn_merkle_hash hash, const uint8_t *data, size_t len, uint8_t *ret)
{
	EVP_Digest(data, len, ret, NULL, hash == TCONN_SHA256 ? EVP_sha256() :
		   hash == TCONN_SHA384 ? EVP_sha384() : EVP_sha512(), NULL);
}

/* Entry n is the one byte n. */
static void rfc_mth(enum tconn_merkle_hash hash, size_t from, size_t n, uint8_t *ret)
{
	uint8_t buf[1 + 2 * TCONN_MERKLE_HASH_MAX] = { 0, (uint8_t)from };
	size_t k = 1;

	if (n == 1) {
		evp_hash(hash, buf, 2, ret);
		return;
	}
	while (2 * k < n)
		k *= 2;
	buf[0] = 1;
	rfc_mth(hash, from, k, buf + 1);
	rfc_mth(hash, from + k, n - k, buf + 1 + hash);
	evp_hash(hash, buf, 1 + 2 * (size_t)hash, ret);
}

static void leaf_of(enum tconn_merkle_hash hash, size_t n, uint8_t *ret)
{
	uint8_t entry = (uint8_t)n;

	tconn_merkle_leaf(hash, &entry, 1, ret);
}

/* Entries by as many as their number has them: one, two, three, ... */
static int build(struct tconn_merkle *tree, size_t leaves, uint8_t *ret_root)
{
	struct tconn_piece entry[LEAVES_MAX];
	uint8_t byte[LEAVES_MAX];
	size_t n;

	for (size_t i = 0; i < leaves; i++) {
		byte[i] = (uint8_t)i;
		entry[i] = (struct tconn_piece){ &byte[i], 1 };
	}
	if (tconn_merkle_reserve(tree, leaves, NULL))
		return -ENOMEM;
	for (size_t i = 0; i < leaves; i += n) {
		n = leaves - i < i + 1 ? leaves - i : i + 1;
		tconn_merkle_add(tree, entry + i, n);
	}
	return tconn_merkle_root(tree, ret_root, NULL);
}

TEST(root_without_a_tree_is_the_same)
{
	for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
		struct tconn_merkle_fold fold = { .hash = hashes[h] }, whole = { .hash = hashes[h] };
		uint8_t root[TCONN_MERKLE_HASH_MAX], want[TCONN_MERKLE_HASH_MAX], byte[LEAVES_MAX];
		struct tconn_piece entry[LEAVES_MAX];

		EXPECT_EQ(-EINVAL, tconn_merkle_fold_root(&fold, root, NULL));
		for (size_t leaves = 1; leaves <= LEAVES_MAX; leaves++) {
			byte[leaves - 1] = (uint8_t)(leaves - 1);
			entry[leaves - 1] = (struct tconn_piece){ &byte[leaves - 1], 1 };
			ASSERT_EQ(0, tconn_merkle_fold_add(&fold, &entry[leaves - 1], 1, NULL));
			ASSERT_EQ(0, tconn_merkle_fold_root(&fold, root, NULL));
			rfc_mth(hashes[h], 0, leaves, want);
			ASSERT_EQ(0, memcmp(root, want, hashes[h])) TH_LOG("%zu leaves", leaves);
		}
		ASSERT_EQ(0, tconn_merkle_fold_add(&whole, entry, LEAVES_MAX, NULL));
		ASSERT_EQ(0, tconn_merkle_fold_root(&whole, root, NULL));
		ASSERT_EQ(0, memcmp(root, want, hashes[h]));
	}
}

TEST(hashes_of_every_short_length)
{
	uint8_t buf[1 + 300 + TCONN_SHA256_TAIL], got[32], want[32];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 0; len <= 300; len++) {
		evp_hash(TCONN_SHA256, buf + 1, len, want);
		tconn_sha256_public(buf + 1, len, got);
		ASSERT_EQ(0, memcmp(got, want, 32)) TH_LOG("public, %zu bytes", len);
		buf[0] = 0;
		evp_hash(TCONN_SHA256, buf, 1 + len, want);
		tconn_merkle_leaf(TCONN_SHA256, buf + 1, len, got);
		ASSERT_EQ(0, memcmp(got, want, 32)) TH_LOG("leaf, %zu bytes", len);
		evp_hash(TCONN_SHA256, buf + 1, len, want);
		tconn_sha256_padded(buf + 1, tconn_sha256_pad(buf + 1, len), got);
		ASSERT_EQ(0, memcmp(got, want, 32)) TH_LOG("padded, %zu bytes", len);
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)(i * 7 + len);
	}
}

TEST(root_is_the_rfcs)
{
	uint8_t root[TCONN_MERKLE_HASH_MAX], want[TCONN_MERKLE_HASH_MAX];

	for (size_t h = 0; h < 3; h++)
		for (size_t n = 1; n <= LEAVES_MAX; n++) {
			struct tconn_merkle tree = { .hash = hashes[h] };

			ASSERT_EQ(0, build(&tree, n, root));
			rfc_mth(hashes[h], 0, n, want);
			ASSERT_EQ(0, memcmp(root, want, hashes[h])) TH_LOG("%zu leaves", n);
			tconn_merkle_free(&tree);
		}
}

/* RFC 6962's test vector, which RFC 9162 leaves as it was: the empty entry, alone. */
TEST(leaf_of_nothing_is_the_known_one)
{
	uint8_t leaf[32];
	char hex[65];

	tconn_merkle_leaf(TCONN_SHA256, NULL, 0, leaf);
	tconn_hex(leaf, 32, hex);
	EXPECT_STREQ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", hex);
}

TEST(each_path_leads_to_the_root_and_no_other_does)
{
	uint8_t path[TCONN_MERKLE_PATH_MAX * TCONN_MERKLE_HASH_MAX], leaf[32], root[32], got[32];

	for (size_t n = 1; n <= LEAVES_MAX; n++) {
		struct tconn_merkle tree = { .hash = TCONN_SHA256 };

		ASSERT_EQ(0, build(&tree, n, root));
		for (size_t i = 0; i < n; i++) {
			size_t count = tconn_merkle_path(&tree, i, path);

			leaf_of(TCONN_SHA256, i, leaf);
			ASSERT_EQ(0, tconn_merkle_follow(TCONN_SHA256, leaf, i, n, path, count, got,
							 NULL));
			ASSERT_EQ(0, memcmp(got, root, 32)) TH_LOG("%zu of %zu", i, n);
			leaf_of(TCONN_SHA256, i + 1, leaf);
			ASSERT_EQ(0, tconn_merkle_follow(TCONN_SHA256, leaf, i, n, path, count, got,
							 NULL));
			ASSERT_NE(0, memcmp(got, root, 32));
			EXPECT_EQ(-EBADMSG, tconn_merkle_follow(TCONN_SHA256, leaf, i, n, path,
								count + 1, got, NULL));
			if (count)
				EXPECT_EQ(-EBADMSG, tconn_merkle_follow(TCONN_SHA256, leaf, i, n, path,
									count - 1, got, NULL));
		}
		EXPECT_EQ(-EBADMSG, tconn_merkle_follow(TCONN_SHA256, leaf, n, n, path, 0, got, NULL));
		tconn_merkle_free(&tree);
	}
}

TEST(no_leaves_no_root)
{
	struct tconn_merkle tree = { .hash = TCONN_SHA256 };
	uint8_t root[32];

	EXPECT_EQ(-EINVAL, tconn_merkle_root(&tree, root, NULL));
}

TEST_HARNESS_MAIN
