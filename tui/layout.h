/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything on a dialog goes. One length, the em, follows from the
 * screen's shorter side and the look's scale; all others are parts of it. A
 * layout depends on the statement, the look, the policy's gestures and the screen
 * only, never on what has been typed, so that two states of one dialog differ only inside `slots`
 * and `hint`.
 *
 * All places are those of a dialog from left to right. One from right to left is
 * its mirror image, which the renderer makes as it draws.
 */
#ifndef TCONN_LAYOUT_H
#define TCONN_LAYOUT_H

#include "tui/canvas.h"
#include "tui/font.h"
#include "tui/gestures.h"
#include "tui/locale.h"
#include "tui/look.h"
#include "tui/statement.h"
#include "tui/text.h"

#define TCONN_LAYOUT_KEYS	4	/* most keys a legend has */

/* One entry of the legend: a key cap and what the key does. */
struct tconn_key {
	char cap[TCONN_GESTURES_WORDS], action[TCONN_GESTURES_WORDS];
	bool primary;
	struct tconn_box box;		/* of the cap */
	int32_t action_x, baseline;
};

struct tconn_layout {
	const struct tconn_locale *words;
	int32_t em, plain, margin;	/* plain: an em at the normal scale, which the band has */
	struct tconn_box screen, band, card, text, slots, hint;
	struct tconn_box live;		/* the strip that what is typed may change */
	int32_t title_baseline;
	uint32_t text_px;		/* em of the statement */
	int32_t line_height;
	bool centred;
	struct tconn_lines lines;
	struct tconn_key keys[TCONN_LAYOUT_KEYS];
	uint32_t n_keys;
	int32_t slot_size, slot_step;	/* diameter of a ring; from one to the next */
	int32_t caption_baseline;
	/* Details: keys at text.x0, values at detail_x, from y detail_top on. */
	int32_t detail_x, detail_top;
	uint32_t detail_lines[TCONN_DETAILS_MAX];	/* of each value */
};

/*
 * With the scale asked for, or the largest below it that has room. 0, -ERANGE
 * (screen too small or too large), or -E2BIG (statement does not fit;
 * ret->lines.end is the byte where the screen ends).
 */
int tconn_layout_make(struct tconn_font *font, const struct tconn_statement *statement,
		      const struct tconn_gestures *gestures, enum tconn_scale scale,
		      uint32_t width, uint32_t height, struct tconn_layout *ret);

/* Height of the band, which depends on the screen alone. */
int32_t tconn_layout_band(uint32_t width, uint32_t height);

/* How many lines the value takes, at text_px; their places are in *ret. */
uint32_t tconn_layout_value(struct tconn_font *font, const struct tconn_layout *l,
			    const struct tconn_detail *detail, struct tconn_lines *ret);

#endif
