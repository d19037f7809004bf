/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call over HTTP: bearer tokens, of which the file has the hashes only.
 *
 * A line each, "NAME ROLE HASH": 1 to 32 letters, digits, '-', '_' or '.'; "read" or "operate";
 * SHA-256 of the token in hex. Empty lines and lines that begin with '#' are none. A token is 256
 * random bits (tconnctl token), so a fast hash is enough: there is nothing to guess.
 */
#ifndef SERVICED_TOKEN_H
#define SERVICED_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "route.h"

enum token_limit {
	TOKEN_NAME	= 33,		/* terminator included */
	TOKEN_COUNT	= 64,
	TOKEN_FILE_MAX	= 16384,	/* bytes */
	TOKEN_LEN_MIN	= 43,		/* characters of a token: 256 bits in base64 */
	TOKEN_LEN_MAX	= 128,
};

struct token {
	char name[TOKEN_NAME];
	enum route_role role;
	uint8_t hash[32];
};

struct tokens {
	size_t count;
	struct token token[TOKEN_COUNT];
};

/* -EINVAL with the line's number; an empty list is an error too. */
int token_parse(const char *text, size_t len, struct tokens *ret, struct tconn_error *err);
/* -EPERM: others than the owner may write to the file. */
int token_load(const char *path, struct tokens *ret, struct tconn_error *err);

/* Whose it is by an Authorization header, NULL: nobody's. Takes as long for each of the list,
 * and for none of it.
 */
const struct token *token_find(const struct tokens *list, const char *header);

#endif
