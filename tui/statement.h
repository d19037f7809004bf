/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement: what the service asks the device holder, as bytes that travel
 * unchanged from the service to the kernel, which hashes them. Used by the
 * service (before it asks), by tconnd (before it takes the screen) and by the
 * TUI (before it shows), so that all three refuse the same things.
 *
 * Wire form, little-endian, no padding (16 bytes, then the text):
 *	magic	4	"TCST"
 *	version	2	1, or 2 where there is a locale or a detail
 *	kind	2	enum tconn_kind of <uapi/tconn.h>
 *	text_len 4	bytes of text that follow, 1..TCONN_TEXT_MAX
 *	pin_min	2	digits, 1..pin_max for a PIN, else 0
 *	pin_max	2	digits, up to TCONN_PIN_MAX for a PIN, else 0
 *	text		UTF-8, no terminator; '\n' starts a new line, no other
 *			control characters
 * Version 2 goes on behind the text:
 *	locale	8	a tag of locale.h, zero-padded; all zero: none
 *	details	2	how many follow, up to TCONN_DETAILS_MAX
 *	then each detail:
 *	key_len	2	bytes, 1..TCONN_DETAIL_KEY_MAX
 *	value_len 2	bytes, 1..TCONN_DETAIL_VALUE_MAX
 *	key, value	UTF-8 without line feeds or other control characters
 * There is one way to write a statement: version 2 without both is malformed.
 */
#ifndef TCONN_STATEMENT_H
#define TCONN_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCONN_STATEMENT_HEADER	16
#define TCONN_TEXT_MAX		6144	/* bytes, as Android's ConfirmationUI */
#define TCONN_PIN_MAX		12	/* digits */
#define TCONN_LOCALE_SIZE	8	/* bytes, terminator included */
#define TCONN_DETAILS_MAX	16
#define TCONN_DETAIL_KEY_MAX	64	/* bytes */
#define TCONN_DETAIL_VALUE_MAX	256	/* bytes */

enum tconn_statement_error {
	TCONN_STATEMENT_OK		= 0,
	TCONN_STATEMENT_MALFORMED	= -1,	/* header: size, magic, version, kind, PIN limits */
	TCONN_STATEMENT_EMPTY		= -2,
	TCONN_STATEMENT_TOO_LONG	= -3,	/* over TCONN_TEXT_MAX bytes, or over one screen */
	TCONN_STATEMENT_NOT_UTF8	= -4,	/* overlong, surrogate and truncated forms included */
	TCONN_STATEMENT_CONTROL		= -5,	/* control or bidirectional override character */
	TCONN_STATEMENT_NO_GLYPH	= -6,	/* a character the embedded font lacks */
	TCONN_STATEMENT_SCRIPT		= -7,	/* of a script that the renderer cannot shape */
	TCONN_STATEMENT_LOCALE		= -8,	/* a tag that locale.h does not have */
};

struct tconn_statement {
	uint16_t kind;
	uint16_t pin_min, pin_max;
	const char *text;	/* borrowed from the buffer, not terminated */
	uint32_t text_len;
	char locale[TCONN_LOCALE_SIZE];	/* "": none */
	uint16_t n_details;
	const uint8_t *details;	/* borrowed, in wire form */
	uint32_t details_len;	/* bytes */
};

/* One line of the card: what it is about, and what it says. */
struct tconn_detail {
	const char *key, *value;	/* borrowed, not terminated */
	uint32_t key_len, value_len;
};

/*
 * Walks the details of a statement that was parsed: *at starts at 0 and moves
 * on. False at the end.
 */
bool tconn_statement_detail(const struct tconn_statement *s, uint32_t *at,
			    struct tconn_detail *ret);

/* Appends one in wire form to buf, *len of size bytes. False: no room, or a key or
 * value that is empty or over its limit.
 */
bool tconn_statement_put_detail(const struct tconn_detail *detail, uint8_t *buf, uint32_t size,
				uint32_t *len);

/* Length first, then every field, then the text's UTF-8 and characters, then
 * those of the details. ret_at (may be NULL) gets the byte offset in the text of
 * the first offence; one in the details counts from the text's end.
 */
int tconn_statement_parse(const void *buf, size_t len, struct tconn_statement *ret, size_t *ret_at);

/* Writes the wire form; returns bytes written or a negative error as above. */
int tconn_statement_encode(const struct tconn_statement *s, void *buf, size_t size);

/* Every character has a glyph in the embedded font (render.h), the locale is
 * known, and all of it fits one screen of width x height pixels. Width 0: no look
 * at the size.
 */
int tconn_statement_check_renders(const struct tconn_statement *s, uint32_t width, uint32_t height,
				  size_t *ret_at);

const char *tconn_statement_strerror(int error);

/* As a program would call it: "too-long", "not-utf8", "no-glyph", ... */
const char *tconn_statement_error_name(int error);

#endif
