/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR (RFC 8949) as this project speaks it: the core deterministic encoding
 * (section 4.2.1) of unsigned integers, strings, arrays, maps with ascending
 * unsigned keys, and booleans. So every message has exactly one encoding.
 *
 * The reader pulls one item at a time out of foreign bytes through libcbor's
 * streaming decoder: it allocates nothing, does not recurse, and a length that
 * the buffer does not hold is refused before it is used. Strings are borrowed.
 */
#ifndef TCONN_CBOR_UTIL_H
#define TCONN_CBOR_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

struct tconn_bytes;
struct tconn_verdict;

struct tconn_cbor {
	const uint8_t *start, *at, *end;
	bool ran_out;		/* an item was refused because the buffer ends within it */
};

struct tconn_cbor_map {
	uint64_t left;		/* pairs not read yet */
	int64_t last_key;	/* -1 before the first */
};

static inline struct tconn_cbor tconn_cbor_reader(const void *buf, size_t len)
{
	const uint8_t *p = buf;

	/* NULL + 0 is not defined. */
	return (struct tconn_cbor){ .start = p, .at = p, .end = len ? p + len : p };
}

/* All: 0, -EBADMSG (another type, malformed, not the shortest form) or
 * -EMSGSIZE (over max); err says at which byte.
 */
int tconn_cbor_uint(struct tconn_cbor *r, uint64_t max, uint64_t *ret, struct tconn_error *err);
/* ret is the n of -1 - n. */
int tconn_cbor_negative(struct tconn_cbor *r, uint64_t *ret, struct tconn_error *err);
/* Either sign; 63 bits. */
int tconn_cbor_int(struct tconn_cbor *r, int64_t *ret, struct tconn_error *err);
int tconn_cbor_bool(struct tconn_cbor *r, bool *ret, struct tconn_error *err);
int tconn_cbor_bytes(struct tconn_cbor *r, size_t max, const uint8_t **ret, size_t *ret_len,
		     struct tconn_error *err);
/* UTF-8 without control characters: it ends up on somebody's terminal. */
int tconn_cbor_text(struct tconn_cbor *r, size_t max, const char **ret, size_t *ret_len,
		    struct tconn_error *err);
/* The same into a buffer of size bytes, terminated. */
int tconn_cbor_string(struct tconn_cbor *r, char *ret, size_t size, struct tconn_error *err);
/* A byte string of exactly len bytes. */
int tconn_cbor_fixed(struct tconn_cbor *r, uint8_t *ret, size_t len, struct tconn_error *err);
int tconn_cbor_array(struct tconn_cbor *r, size_t max, size_t *ret, struct tconn_error *err);
int tconn_cbor_tag(struct tconn_cbor *r, uint8_t tag, struct tconn_error *err);	/* tag < 24 */
int tconn_cbor_map(struct tconn_cbor *r, size_t max, struct tconn_cbor_map *ret,
		   struct tconn_error *err);
/* The next key of a map, at most max. Only while map->left is not zero. */
int tconn_cbor_key(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t max, uint64_t *ret,
		   struct tconn_error *err);
/* The next key is this one: -EBADMSG where it is missing or another. */
int tconn_cbor_expect_key(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t key,
			  struct tconn_error *err);
/* The checks of a verdict: array of [name, pass, reason]. */
int tconn_cbor_checks(struct tconn_cbor *r, struct tconn_verdict *ret, struct tconn_error *err);
/* Takes a null where one is next. */
bool tconn_cbor_null(struct tconn_cbor *r);
/* One well-formed item of the kinds above, whatever is in it; borrowed. */
int tconn_cbor_any(struct tconn_cbor *r, const uint8_t **ret, size_t *ret_len,
		   struct tconn_error *err);
/* Nothing may be left. */
int tconn_cbor_end(const struct tconn_cbor *r, struct tconn_error *err);

/* Copies into malloc'ed memory; len 0 gives no memory. */
int tconn_bytes_copy(struct tconn_bytes *ret, const uint8_t *data, size_t len,
		     struct tconn_error *err);

/* The writer remembers a failure and tconn_cbor_finish() tells. */
struct tconn_cbor_writer {
	uint8_t *data;
	size_t len, size;
	bool failed;
};
void tconn_cbor_put_uint(struct tconn_cbor_writer *w, uint64_t value);
void tconn_cbor_put_negative(struct tconn_cbor_writer *w, uint64_t n);	/* -1 - n */
void tconn_cbor_put_bool(struct tconn_cbor_writer *w, bool value);
void tconn_cbor_put_null(struct tconn_cbor_writer *w);
/* What is CBOR already. */
void tconn_cbor_put_raw(struct tconn_cbor_writer *w, const void *data, size_t len);
void tconn_cbor_put_bytes(struct tconn_cbor_writer *w, const void *data, size_t len);
/* Up to the terminator or size bytes; what the reader would refuse becomes '?'. */
void tconn_cbor_put_text(struct tconn_cbor_writer *w, const char *text, size_t size);
void tconn_cbor_put_array(struct tconn_cbor_writer *w, size_t count);
void tconn_cbor_put_map(struct tconn_cbor_writer *w, size_t pairs);
void tconn_cbor_put_tag(struct tconn_cbor_writer *w, uint64_t tag);
void tconn_cbor_put_checks(struct tconn_cbor_writer *w, const struct tconn_verdict *v);
/* Moves the bytes to ret; -ENOMEM if any put failed. */
int tconn_cbor_finish(struct tconn_cbor_writer *w, struct tconn_bytes *ret,
		      struct tconn_error *err);
void tconn_cbor_discard(struct tconn_cbor_writer *w);

#endif
