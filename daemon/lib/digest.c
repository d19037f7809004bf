// SPDX-License-Identifier: Apache-2.0
/*
 * The one-piece functions are used rather than EVP because they cannot fail
 * and need no context from the heap: a log of 100,000 entries is 200,000 hashes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <endian.h>
#include <openssl/sha.h>
#include <string.h>

#include "digest.h"

#define BLOCK	64	/* bytes */

void tconn_sha256_pieces(const struct tconn_piece *piece, size_t count, uint8_t ret[32])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < count; i++) {
		if (piece[i].len)
			SHA256_Update(&ctx, piece[i].data, piece[i].len);
	}
	SHA256_Final(ret, &ctx);
}

void tconn_sha256(const void *data, size_t len, uint8_t ret[32])
{
	struct tconn_piece piece = { data, len };

	tconn_sha256_pieces(&piece, 1, ret);
}

/* FIPS 180-4, section 5.3.3; of a context SHA256_Transform() uses no more than this. */
static const SHA_LONG start[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* Section 5.1.1: 0x80, zeros, the length in bits. Returns the whole length. */
static size_t pad(uint8_t *buf, size_t used, uint64_t len)
{
	const size_t size = (used + 1 + sizeof(len) + BLOCK - 1) / BLOCK * BLOCK;
	const uint64_t bits = htobe64(8 * len);

	memset(buf + used, 0, TCONN_SHA256_TAIL);	/* of a fixed length: no call */
	buf[used] = 0x80;
	memcpy(buf + size - sizeof(bits), &bits, sizeof(bits));
	return size;
}

static void hash_blocks(SHA256_CTX *ctx, const uint8_t *buf, size_t size)
{
	for (; size; size -= BLOCK, buf += BLOCK)
		SHA256_Transform(ctx, buf);
}

static void put_state(const SHA256_CTX *ctx, uint8_t ret[32])
{
	uint32_t word[8];

	for (size_t i = 0; i < 8; i++)
		word[i] = htobe32(ctx->h[i]);
	memcpy(ret, word, sizeof(word));
}

size_t tconn_sha256_pad(uint8_t *buf, size_t len)
{
	return pad(buf, len, len);
}

void tconn_sha256_padded(const uint8_t *buf, size_t size, uint8_t ret[32])
{
	SHA256_CTX ctx;

	memcpy(ctx.h, start, sizeof(start));
	hash_blocks(&ctx, buf, size);
	put_state(&ctx, ret);
}

void tconn_sha256_public(const void *data, size_t len, uint8_t ret[32])
{
	const size_t whole = len / BLOCK * BLOCK;
	uint8_t last[BLOCK + TCONN_SHA256_TAIL];
	SHA256_CTX ctx;
	size_t size;

	if (len > whole)
		memcpy(last, (const uint8_t *)data + whole, len - whole);
	size = pad(last, len - whole, len);	/* long before it is read */
	SHA256_Init(&ctx);
	if (whole)
		SHA256_Update(&ctx, data, whole);	/* whole blocks: nothing is kept back */
	hash_blocks(&ctx, last, size);
	put_state(&ctx, ret);
}

void tconn_hex(const uint8_t *data, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[data[i] >> 4];
		*ret++ = digits[data[i] & 15];
	}
	*ret = '\0';
}

static int unhex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool tconn_unhex(const char *hex, size_t hex_len, uint8_t *ret, size_t len)
{
	if (hex_len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = unhex_digit(hex[2 * i]);
		int low = unhex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
