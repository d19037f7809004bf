/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two faces every picture is drawn with. Their bytes are embedded in the
 * program, so they are measured with it, and neither a file nor a setting of
 * the REE can change a glyph. Outlines are never hinted and all arithmetic is
 * integer, so the same character gives the same pixels on every machine.
 */
#ifndef TCONN_FONT_H
#define TCONN_FONT_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"

enum tconn_face {
	TCONN_FACE_REGULAR,
	TCONN_FACE_BOLD,
	TCONN_FACES,
};

#define TCONN_FONT_UNITS 2048	/* font units an em, the same in both faces */

struct tconn_font;

/* 0, -ENOMEM, or -EINVAL where the embedded bytes are no fonts of TCONN_FONT_UNITS. */
int tconn_font_new(struct tconn_font **ret);
/* Accepts NULL; returns NULL. */
struct tconn_font *tconn_font_free(struct tconn_font *font);

static inline void tconn_font_freep(struct tconn_font **font)
{
	*font = tconn_font_free(*font);
}
#define _cleanup_font_ __attribute__((cleanup(tconn_font_freep)))

/*
 * Whether a character of a statement can be shown so that nobody misreads it:
 * it has a glyph in the regular face, with ink (or it is a plain space), that
 * stays in its own cell (no combining marks, no overlays), and is neither for
 * private use nor a ready-made form of another character. Of what is written
 * right to left, Hebrew and Arabic letters, digits and punctuation are shown.
 */
bool tconn_font_shows(struct tconn_font *font, uint32_t c);

/* Whether the face has a glyph for it. */
bool tconn_font_has(struct tconn_font *font, enum tconn_face face, uint32_t c);

/* In font units. */
uint32_t tconn_font_advance(struct tconn_font *font, enum tconn_face face, uint32_t c);

/* Draws one glyph of px pixels an em, its origin at x (1/64 pixel) on baseline
 * y (pixels). 0, or -ENOMEM, or -EINVAL.
 */
int tconn_font_draw(struct tconn_font *font, enum tconn_face face, uint32_t c, uint32_t px,
		    int32_t x, int32_t y, const struct tconn_brush *brush);

/* The same rasteriser for shapes: coordinates in 1/64 pixel, y downwards. */
struct tconn_shape;
int tconn_font_fill(struct tconn_font *font, const struct tconn_shape *shape,
		    const struct tconn_brush *brush);

#endif
