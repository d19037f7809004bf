/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 over one or several pieces. Cannot fail, so that code that hashes to
 * compare has no path on which it compares with something that is no hash.
 */
#ifndef TCONN_DIGEST_H
#define TCONN_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tconn_piece {
	const void *data;
	size_t len;
};

void tconn_sha256(const void *data, size_t len, uint8_t ret[32]);
void tconn_sha256_pieces(const struct tconn_piece *piece, size_t count, uint8_t ret[32]);

/*
 * The same of what is no secret, for many small things. They leave it on the stack, where
 * the functions above wipe it; that and the copies they make cost more than the hash.
 */
#define TCONN_SHA256_TAIL	72	/* bytes of padding, at most */

/* In two steps, so that several can be padded before the first of them is hashed: a processor
 * that reads what it wrote piece by piece only just now has to wait for its own writes.
 * buf has room for TCONN_SHA256_TAIL bytes after len, which are overwritten; the length with
 * padding, whole blocks.
 */
size_t tconn_sha256_pad(uint8_t *buf, size_t len);
void tconn_sha256_padded(const uint8_t *buf, size_t size, uint8_t ret[32]);
void tconn_sha256_public(const void *data, size_t len, uint8_t ret[32]);

/* Lower-case hex, terminated. */
void tconn_hex(const uint8_t *data, size_t len, char *ret);
/* Exactly 2 * len hex digits, either case; returns false otherwise. */
bool tconn_unhex(const char *hex, size_t hex_len, uint8_t *ret, size_t len);

#endif
