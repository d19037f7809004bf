/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where everything on a dialog goes. One length, the em, follows from the
 * screen's shorter side; all others are parts of it. A layout depends on the
 * statement and the screen only, never on what has been typed, so that two
 * states of one dialog differ only inside `slots` and `hint`.
 */
#ifndef TCONN_LAYOUT_H
#define TCONN_LAYOUT_H

#include "tui/canvas.h"
#include "tui/font.h"
#include "tui/statement.h"
#include "tui/text.h"

#define TCONN_LAYOUT_KEYS	4	/* most keys a legend has */

/* One entry of the legend: a key cap and what the key does. */
struct tconn_key {
	const char *cap, *action;
	bool primary;
	struct tconn_box box;		/* of the cap */
	int32_t action_x, baseline;
};

struct tconn_layout {
	int32_t em, margin;
	struct tconn_box screen, band, card, text, slots, hint;
	int32_t title_baseline;
	uint32_t text_px;		/* em of the statement */
	int32_t line_height;
	bool centred;
	struct tconn_lines lines;
	struct tconn_key keys[TCONN_LAYOUT_KEYS];
	uint32_t n_keys;
	int32_t slot_size, slot_step;	/* diameter of a ring; from one to the next */
	int32_t caption_baseline;
};

/* 0, -ERANGE (screen too small or too large), or -E2BIG (statement does not fit;
 * ret->lines.end is the byte where the screen ends).
 */
int tconn_layout_make(struct tconn_font *font, const struct tconn_statement *statement,
		      uint32_t width, uint32_t height, struct tconn_layout *ret);

#endif
