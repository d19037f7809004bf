// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/layout.h"
#include "tui/render.h"

#define EM_MIN		12	/* pixels */
#define TEXT_MIN	10	/* pixels an em: below this nobody reads */
#define COLUMN		44	/* ems: lines longer than this are hard to read */

/* Sizes a statement may have, in tenths of an em, best first. */
static const int32_t text_sizes[] = { 20, 16, 13, 10, 8, 7 };

/* Per hundred of the plain size: of frame and statement, at each scale. */
static const int32_t frame_scales[TCONN_SCALES] = { 100, 120, 140 };
static const int32_t text_scales[TCONN_SCALES] = { 100, 150, 200 };

static int32_t tenths(int32_t em, int32_t n)
{
	return em * n / 10;
}

static void add_key(struct tconn_layout *l, const char *cap, const char *action, bool primary)
{
	struct tconn_key *key = &l->keys[l->n_keys++];

	*key = (struct tconn_key){ .primary = primary };
	snprintf(key->cap, sizeof(key->cap), "%s", cap);
	snprintf(key->action, sizeof(key->action), "%s", action);
}

static void add_answer(struct tconn_layout *l, const struct tconn_gesture *g, const char *does,
		       bool primary)
{
	struct tconn_key *key = &l->keys[l->n_keys++];

	*key = (struct tconn_key){ .primary = primary };
	tconn_gesture_cap(g, key->cap);
	tconn_gesture_action(g, l->words, does, key->action);
}

static void choose_keys(struct tconn_layout *l, uint16_t kind, const struct tconn_gestures *gestures)
{
	const struct tconn_gestures g = tconn_gestures_or_default(gestures);
	const struct tconn_locale *w = l->words;

	switch (kind) {
	case TCONN_KIND_PIN:
		add_key(l, "0\xe2\x80\x93" "9", w->do_digits, false);
		add_key(l, "Backspace", w->do_delete, false);
		add_answer(l, &g.confirm, w->do_send, true);
		add_answer(l, &g.deny, w->do_cancel, false);
		break;
	case TCONN_KIND_NOTICE:
		add_answer(l, &g.confirm, w->do_read, true);
		break;
	default:
		add_answer(l, &g.confirm, w->do_confirm, true);
		add_answer(l, &g.deny, w->do_deny, false);
		break;
	}
}

static int32_t text_pixels(struct tconn_font *font, enum tconn_face face, const char *text,
			   int32_t px)
{
	return tconn_text_pixels(tconn_text_width(font, face, text, strlen(text)), (uint32_t)px);
}

/*
 * Flows the legend from left to right, with a new row where a key does not
 * fit, as if the first row were at y = 0. Returns the height.
 */
static int32_t flow_keys(struct tconn_font *font, struct tconn_layout *l)
{
	int32_t em = l->em, height = tenths(em, 19), x = l->card.x0, y = 0;
	int32_t px = tenths(em, 9);

	for (uint32_t i = 0; i < l->n_keys; i++) {
		struct tconn_key *key = &l->keys[i];
		int32_t cap = text_pixels(font, TCONN_FACE_BOLD, key->cap, px) + tenths(em, 12);
		int32_t all = cap + tenths(em, 5) +
			      text_pixels(font, TCONN_FACE_REGULAR, key->action, px);

		if (x > l->card.x0 && x + all > l->card.x1) {
			x = l->card.x0;
			y += height + tenths(em, 5);
		}
		key->box = (struct tconn_box){ x, y, x + cap, y + height };
		key->action_x = x + cap + tenths(em, 5);
		key->baseline = y + tenths(em, 12);
		x += all + tenths(em, 16);
	}
	return y + height;
}

static void move_keys(struct tconn_layout *l, int32_t by)
{
	for (uint32_t i = 0; i < l->n_keys; i++) {
		l->keys[i].box.y0 += by;
		l->keys[i].box.y1 += by;
		l->keys[i].baseline += by;
	}
}

static int32_t plain_em(uint32_t width, uint32_t height)
{
	int32_t em = (int32_t)(width < height ? width : height) / 24;

	return em < EM_MIN ? EM_MIN : em;
}

int32_t tconn_layout_band(uint32_t width, uint32_t height)
{
	return tenths(plain_em(width, height), 32);
}

/* From the bottom up: what moves, then the keys, then the card. */
static void place_frame(struct tconn_font *font, struct tconn_layout *l, bool pin)
{
	int32_t em = l->em, width = l->screen.x1, height = l->screen.y1;
	int32_t column = width - 2 * l->margin, legend;

	if (column > COLUMN * em)
		column = COLUMN * em;
	l->band = (struct tconn_box){ 0, 0, width, tenths(l->plain, 32) };
	l->title_baseline = l->band.y1 + tenths(em, 19);
	l->card = (struct tconn_box){ (width - column) / 2, l->band.y1 + tenths(em, 26),
				      (width - column) / 2 + column, 0 };
	l->hint = (struct tconn_box){ l->card.x0, height - tenths(em, 23),
				      l->card.x1, height - tenths(em, 6) };
	l->slots = (struct tconn_box){ l->card.x0, l->hint.y0 - tenths(em, pin ? 18 : 0),
				       l->card.x1, l->hint.y0 };
	l->live = (struct tconn_box){ 0, l->slots.y0 - tenths(em, 2), width, height };
	legend = flow_keys(font, l);
	move_keys(l, l->live.y0 - tenths(em, 4) - legend);
	l->card.y1 = l->live.y0 - tenths(em, 11) - legend;
}

/* The rings stand below the keys, their caption at the foot of the card. */
static void place_card(struct tconn_layout *l, uint16_t pin_max)
{
	int32_t em = l->em;

	l->text = tconn_box_inset(l->card, tenths(em, 10));
	if (pin_max == 0)
		return;
	l->caption_baseline = l->text.y1 - tenths(em, 1);
	l->text.y1 -= tenths(em, 14);
	l->slot_step = (l->slots.x1 - l->slots.x0) / pin_max;
	if (l->slot_step > 2 * em)
		l->slot_step = 2 * em;
	l->slot_size = l->slot_step * 7 / 10;
	if (l->slot_size > tenths(em, 12))
		l->slot_size = tenths(em, 12);
}

static uint64_t units(int32_t pixels, uint32_t px)
{
	return (uint64_t)pixels * TCONN_FONT_UNITS / px;
}

uint32_t tconn_layout_value(struct tconn_font *font, const struct tconn_layout *l,
			    const struct tconn_detail *detail, struct tconn_lines *ret)
{
	tconn_text_wrap(font, TCONN_FACE_REGULAR, detail->value, detail->value_len,
			units(l->text.x1 - l->detail_x, l->text_px), TCONN_TEXT_LINES, ret);
	return ret->end == detail->value_len ? ret->count : TCONN_TEXT_LINES;
}

/* The column of values begins behind the longest key; keys are never broken. */
static bool place_values(struct tconn_font *font, struct tconn_layout *l,
			 const struct tconn_statement *s)
{
	int32_t width = l->text.x1 - l->text.x0, longest = 0;
	struct tconn_detail d;

	for (uint32_t at = 0; tconn_statement_detail(s, &at, &d);) {
		int32_t w = tconn_text_pixels(tconn_text_width(font, TCONN_FACE_REGULAR, d.key,
							       d.key_len), l->text_px);

		longest = w > longest ? w : longest;
	}
	l->detail_x = l->text.x0 + longest + (int32_t)l->text_px;
	return longest <= width / 2 && l->text.x1 - l->detail_x >= 4 * (int32_t)l->text_px;
}

/* Lines that all details take, or more than any screen has. */
static uint32_t count_detail_lines(struct tconn_font *font, struct tconn_layout *l,
				   const struct tconn_statement *s)
{
	struct tconn_lines lines;
	struct tconn_detail d;
	uint32_t all = 0, at = 0;

	for (uint32_t i = 0; tconn_statement_detail(s, &at, &d); i++) {
		l->detail_lines[i] = tconn_layout_value(font, l, &d, &lines);
		all += l->detail_lines[i];
	}
	return all;
}

/* True where the statement fits the text box at px pixels an em. */
static bool try_size(struct tconn_font *font, struct tconn_layout *l,
		     const struct tconn_statement *s, int32_t px)
{
	int32_t width = l->text.x1 - l->text.x0, height = l->text.y1 - l->text.y0, room;
	int32_t gap;

	l->text_px = (uint32_t)px;
	l->line_height = px * 27 / 20;
	gap = s->n_details ? l->line_height / 2 : 0;
	l->lines.count = 0;
	l->lines.end = 0;
	if (width < 4 * px || height < l->line_height + gap)
		return false;
	room = (height - gap) / l->line_height;
	if (s->n_details) {
		if (!place_values(font, l, s))
			return false;
		room -= (int32_t)count_detail_lines(font, l, s);
		if (room <= 0)
			return false;
	}
	tconn_text_wrap(font, TCONN_FACE_REGULAR, s->text, s->text_len,
			units(width, l->text_px), (uint32_t)room, &l->lines);
	l->detail_top = l->text.y0 + (int32_t)l->lines.count * l->line_height + gap;
	return l->lines.end == s->text_len;
}

/* A short sentence stands in the middle; anything that has its own lines keeps
 * them one below the other at the left.
 */
static bool reads_centred(const struct tconn_layout *l, const struct tconn_statement *s)
{
	return l->lines.count <= 5 && !s->n_details && !memchr(s->text, '\n', s->text_len);
}

static bool try_scale(struct tconn_font *font, struct tconn_layout *l,
		      const struct tconn_statement *s, const struct tconn_gestures *gestures,
		      enum tconn_scale scale)
{
	l->em = l->plain * frame_scales[scale] / 100;
	l->margin = tenths(l->em, 16);
	l->n_keys = 0;
	choose_keys(l, s->kind, gestures);
	place_frame(font, l, s->pin_max > 0);
	place_card(l, s->pin_max);
	for (size_t i = 0; i < sizeof(text_sizes) / sizeof(text_sizes[0]); i++) {
		int32_t px = tenths(l->plain, text_sizes[i]) * text_scales[scale] / 100;

		if (try_size(font, l, s, px < TEXT_MIN ? TEXT_MIN : px)) {
			l->centred = reads_centred(l, s);
			return true;
		}
	}
	return false;
}

int tconn_layout_make(struct tconn_font *font, const struct tconn_statement *statement,
		      const struct tconn_gestures *gestures, enum tconn_scale scale,
		      uint32_t width, uint32_t height, struct tconn_layout *ret)
{
	struct tconn_layout *l = ret;

	memset(l, 0, sizeof(*l));
	if (width < TCONN_RENDER_MIN_WIDTH || height < TCONN_RENDER_MIN_HEIGHT ||
	    width > TCONN_RENDER_MAX || height > TCONN_RENDER_MAX)
		return -ERANGE;
	l->words = tconn_locale_of(statement);
	l->screen = (struct tconn_box){ 0, 0, (int32_t)width, (int32_t)height };
	l->plain = plain_em(width, height);
	for (int i = (int)scale; i >= 0; i--)
		if (try_scale(font, l, statement, gestures, (enum tconn_scale)i))
			return 0;
	return -E2BIG;
}
