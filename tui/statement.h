/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement: what the service asks the device holder, as bytes that travel
 * unchanged from the service to the kernel, which hashes them. Used by the
 * service (before it asks), by tconnd (before it takes the screen) and by the
 * TUI (before it shows), so that all three refuse the same things.
 *
 * Wire form, little-endian, no padding (16 bytes, then the text):
 *	magic	4	"TCST"
 *	version	2	1
 *	kind	2	enum tconn_kind of <uapi/tconn.h>
 *	text_len 4	bytes of text that follow, 1..TCONN_TEXT_MAX
 *	pin_min	2	digits, 1..pin_max for a PIN, else 0
 *	pin_max	2	digits, up to TCONN_PIN_MAX for a PIN, else 0
 *	text		UTF-8, no terminator; '\n' starts a new line, no other
 *			control characters
 */
#ifndef TCONN_STATEMENT_H
#define TCONN_STATEMENT_H

#include <stddef.h>
#include <stdint.h>

#define TCONN_STATEMENT_HEADER	16
#define TCONN_TEXT_MAX		6144	/* bytes, as Android's ConfirmationUI */
#define TCONN_PIN_MAX		12	/* digits */

enum tconn_statement_error {
	TCONN_STATEMENT_OK		= 0,
	TCONN_STATEMENT_MALFORMED	= -1,	/* header: size, magic, version, kind, PIN limits */
	TCONN_STATEMENT_EMPTY		= -2,
	TCONN_STATEMENT_TOO_LONG	= -3,	/* over TCONN_TEXT_MAX bytes, or over one screen */
	TCONN_STATEMENT_NOT_UTF8	= -4,	/* overlong, surrogate and truncated forms included */
	TCONN_STATEMENT_CONTROL		= -5,	/* control or bidirectional override character */
	TCONN_STATEMENT_NO_GLYPH	= -6,	/* a character the embedded font lacks */
};

struct tconn_statement {
	uint16_t kind;
	uint16_t pin_min, pin_max;
	const char *text;	/* borrowed from the buffer, not terminated */
	uint32_t text_len;
};

/* Length first, then every field, then the text's UTF-8 and characters.
 * ret_at (may be NULL) gets the byte offset in the text of the first offence.
 */
int tconn_statement_parse(const void *buf, size_t len, struct tconn_statement *ret, size_t *ret_at);

/* Writes the wire form; returns bytes written or a negative error as above. */
int tconn_statement_encode(const struct tconn_statement *s, void *buf, size_t size);

/* Every character has a glyph in the embedded font (render.h), and the text
 * fits one screen of width x height pixels. Width 0: glyphs only.
 */
int tconn_statement_check_renders(const struct tconn_statement *s, uint32_t width, uint32_t height,
				  size_t *ret_at);

const char *tconn_statement_strerror(int error);

#endif
