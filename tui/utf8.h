/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict UTF-8 (RFC 3629): overlong forms, surrogates, truncated sequences and
 * anything over U+10FFFF are no characters here.
 */
#ifndef TCONN_UTF8_H
#define TCONN_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the character at text[*at], moves *at behind it and returns it, or
 * returns -1 and leaves *at on the offending sequence. *at must be below len.
 */
int32_t tconn_utf8_next(const char *text, size_t len, size_t *at);

#endif
