// SPDX-License-Identifier: Apache-2.0
/*
 * The one-piece functions are used rather than EVP because they cannot fail
 * and need no context from the heap: a log of 100,000 entries is 200,000 hashes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "digest.h"

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
