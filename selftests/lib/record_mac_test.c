// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/record_mac.c against vectors that OpenSSL's command line made
 * (record_vectors.py), and against keys that agree on nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/record_mac.h"

#define VECTORS		"selftests/lib/data/record_mac/vectors"
#define COVERED		offsetof(struct tconn_record, mac)

struct vector {
	uint8_t kernel_private[32], kernel_key[32], verifier_private[32], mac[32];
	struct tconn_record record;
};

/* A line "name HEX". */
static bool read_bytes(FILE *f, const char *name, void *ret, size_t len)
{
	char line[1024];
	size_t at = strlen(name);

	return fgets(line, sizeof(line), f) && !strncmp(line, name, at) && line[at] == ' ' &&
	       strcspn(line, "\n") == at + 1 + 2 * len &&
	       tconn_unhex(line + at + 1, 2 * len, ret, len);
}

static bool read_vector(FILE *f, struct vector *v)
{
	uint8_t ignored[32];

	memset(&v->record, 0, sizeof(v->record));
	return read_bytes(f, "kernel-private", v->kernel_private, 32) &&
	       read_bytes(f, "kernel-key", v->kernel_key, 32) &&
	       read_bytes(f, "verifier-private", v->verifier_private, 32) &&
	       read_bytes(f, "shared", ignored, 32) && read_bytes(f, "mac-key", ignored, 32) &&
	       read_bytes(f, "record", &v->record, COVERED) && read_bytes(f, "mac", v->mac, 32);
}

TEST(vectors_by_openssl)
{
	FILE *f = fopen(VECTORS, "re");
	struct tconn_error err = { "" };
	struct vector v;
	uint8_t mac[32];
	char line[128];
	int count = 0;

	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "vector ", 7))
			continue;
		ASSERT_TRUE(read_vector(f, &v)) TH_LOG("%s", line);
		ASSERT_EQ(0, tconn_record_mac(&v.record, v.kernel_key, v.verifier_private,
					      v.kernel_key, mac, &err)) TH_LOG("%s", err.text);
		EXPECT_EQ(0, memcmp(mac, v.mac, 32)) TH_LOG("the verifier's, %s", line);
		ASSERT_EQ(0, tconn_record_mac(&v.record, v.kernel_key, v.kernel_private,
					      v.record.verifier_key, mac, &err));
		EXPECT_EQ(0, memcmp(mac, v.mac, 32)) TH_LOG("the kernel's, %s", line);
		count++;
	}
	fclose(f);
	EXPECT_EQ(4, count);
}

TEST(every_covered_byte_counts)
{
	struct tconn_verifier_key kernel, verifier;
	struct tconn_record r = { .version = 2 };
	struct tconn_error err = { "" };
	uint8_t mac[32], other[32];

	ASSERT_EQ(0, tconn_verifier_key_make(&kernel, &err));
	ASSERT_EQ(0, tconn_verifier_key_make(&verifier, &err));
	ASSERT_EQ(0, tconn_record_mac(&r, kernel.public, verifier.private, kernel.public, mac, &err));
	for (size_t at = 0; at < sizeof(r); at++) {
		((uint8_t *)&r)[at] ^= 1;
		ASSERT_EQ(0, tconn_record_mac(&r, kernel.public, verifier.private, kernel.public,
					      other, &err));
		EXPECT_EQ(at >= COVERED, memcmp(mac, other, 32) == 0) TH_LOG("byte %zu", at);
		((uint8_t *)&r)[at] ^= 1;
	}
}

TEST(keys_are_new_each_time_and_wiped)
{
	static const struct tconn_verifier_key nothing;
	struct tconn_verifier_key a, b;
	struct tconn_error err = { "" };

	ASSERT_EQ(0, tconn_verifier_key_make(&a, &err));
	ASSERT_EQ(0, tconn_verifier_key_make(&b, &err));
	EXPECT_NE(0, memcmp(a.private, b.private, 32));
	EXPECT_NE(0, memcmp(a.public, b.public, 32));
	tconn_verifier_key_wipe(&a);
	EXPECT_EQ(0, memcmp(&a, &nothing, sizeof(a)));
}

TEST(peer_of_low_order_is_refused)
{
	static const uint8_t peers[][32] = { { 0 }, { 1 }, { [0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f } };
	struct tconn_record r = { .version = 2 };
	struct tconn_verifier_key key;
	struct tconn_error err = { "" };
	uint8_t mac[32] = { 77 };

	ASSERT_EQ(0, tconn_verifier_key_make(&key, &err));
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		EXPECT_EQ(-EKEYREJECTED,
			  tconn_record_mac(&r, peers[i], key.private, peers[i], mac, &err));
	EXPECT_EQ(77, mac[0]);
}

TEST_HARNESS_MAIN
