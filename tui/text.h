/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of text: breaking a paragraph at a width, measuring and drawing. Text
 * is valid UTF-8 here, of up to TCONN_TEXT_MAX bytes. Widths are font units, so
 * that a layout is the same at every size; pixels come in only where something
 * is drawn.
 */
#ifndef TCONN_TEXT_H
#define TCONN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/font.h"

#define TCONN_TEXT_LINES 256	/* more never fit a screen */

struct tconn_line {
	size_t start, end;	/* bytes of the text */
	uint64_t width;		/* font units */
};

struct tconn_lines {
	struct tconn_line lines[TCONN_TEXT_LINES];
	uint32_t count;
	size_t end;		/* bytes of the text that are in the lines */
};

uint64_t tconn_text_width(struct tconn_font *font, enum tconn_face face, const char *text,
			  size_t len);

/* Font units to pixels, rounded up. */
int32_t tconn_text_pixels(uint64_t units, uint32_t px);

/*
 * Breaks at spaces and line feeds; a word wider than a line is broken between
 * characters. Stops after `most` lines (up to TCONN_TEXT_LINES), or where memory
 * runs out: then ret->end is below len.
 */
void tconn_text_wrap(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		     uint64_t width, uint32_t most, struct tconn_lines *ret);

/*
 * Draws the bytes of a line, start to end, from x on baseline y, in pixels. The
 * rest of the text is there to tell the direction of its paragraph; rtl is that
 * of a paragraph which does not tell. 0 or a negative errno.
 */
int tconn_text_draw(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		    size_t start, size_t end, bool rtl, uint32_t px, int32_t x, int32_t y,
		    const struct tconn_brush *brush);

#endif
