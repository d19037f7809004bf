/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in foreign bytes. Every take checks what is left before it moves.
 */
#ifndef TCONN_LOG_CURSOR_H
#define TCONN_LOG_CURSOR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

struct tconn_cursor {
	const uint8_t *start, *at, *end;
};

static inline struct tconn_cursor tconn_cursor_at(const uint8_t *data, size_t len)
{
	/* An empty log has no memory, and NULL + 0 is not defined. */
	return (struct tconn_cursor){ .start = data, .at = data, .end = len ? data + len : data };
}

static inline size_t tconn_cursor_left(const struct tconn_cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline size_t tconn_cursor_offset(const struct tconn_cursor *c)
{
	return (size_t)(c->at - c->start);
}

static inline bool tconn_cursor_take(struct tconn_cursor *c, size_t len, const uint8_t **ret)
{
	if (len > tconn_cursor_left(c))
		return false;
	*ret = c->at;
	c->at += len;
	return true;
}

/* Little-endian. */
static inline bool tconn_cursor_u16(struct tconn_cursor *c, uint16_t *ret)
{
	const uint8_t *p;

	if (!tconn_cursor_take(c, 2, &p))
		return false;
	*ret = (uint16_t)(p[0] | p[1] << 8);
	return true;
}

static inline bool tconn_cursor_u32(struct tconn_cursor *c, uint32_t *ret)
{
	const uint8_t *p;

	if (!tconn_cursor_take(c, 4, &p))
		return false;
	*ret = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return true;
}

/* A length and that many bytes. */
static inline bool tconn_cursor_counted(struct tconn_cursor *c, const uint8_t **ret,
					uint32_t *ret_len)
{
	return tconn_cursor_u32(c, ret_len) && tconn_cursor_take(c, *ret_len, ret);
}

/* What is wrong with event number index, which starts at offset; -EBADMSG. */
static inline int tconn_log_bad(struct tconn_error *err, const char *log, size_t index,
				size_t offset, const char *what)
{
	return tconn_fail(err, -EBADMSG, "%s, event %zu at byte %zu: %s", log, index, offset, what);
}

/* Shared limits: -EBADMSG if the log is longer than one we read. */
static inline int tconn_log_check_size(struct tconn_error *err, const char *log, size_t len,
				       size_t max)
{
	if (len > max)
		return tconn_fail(err, -EBADMSG, "%s of %zu bytes is over the limit of %zu", log,
				  len, max);
	return 0;
}

#endif
