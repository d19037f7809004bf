// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/layout.h"
#include "tui/render.h"

#define EM_MIN		12	/* pixels */
#define TEXT_MIN	10	/* pixels an em: below this nobody reads */
#define COLUMN		44	/* ems: lines longer than this are hard to read */

/* Sizes a statement may have, in tenths of an em, best first. */
static const int32_t text_sizes[] = { 20, 16, 13, 10, 8, 7 };

static const struct tconn_key confirm_keys[] = {
	{ .cap = "Enter", .action = "confirm", .primary = true },
	{ .cap = "Esc", .action = "deny" },
};

static const struct tconn_key pin_keys[] = {
	{ .cap = "0\xe2\x80\x93" "9", .action = "digits" },
	{ .cap = "Backspace", .action = "delete" },
	{ .cap = "Enter", .action = "send", .primary = true },
	{ .cap = "Esc", .action = "cancel" },
};

static const struct tconn_key notice_keys[] = {
	{ .cap = "Enter", .action = "I have read this", .primary = true },
};

static int32_t tenths(int32_t em, int32_t n)
{
	return em * n / 10;
}

static void choose_keys(struct tconn_layout *l, uint16_t kind)
{
	switch (kind) {
	case TCONN_KIND_PIN:
		memcpy(l->keys, pin_keys, sizeof(pin_keys));
		l->n_keys = sizeof(pin_keys) / sizeof(pin_keys[0]);
		break;
	case TCONN_KIND_NOTICE:
		memcpy(l->keys, notice_keys, sizeof(notice_keys));
		l->n_keys = sizeof(notice_keys) / sizeof(notice_keys[0]);
		break;
	default:
		memcpy(l->keys, confirm_keys, sizeof(confirm_keys));
		l->n_keys = sizeof(confirm_keys) / sizeof(confirm_keys[0]);
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

/* Everything but the inside of the card. */
static void place_frame(struct tconn_font *font, struct tconn_layout *l)
{
	int32_t em = l->em, width = l->screen.x1, height = l->screen.y1;
	int32_t column = width - 2 * l->margin, legend, bottom;

	if (column > COLUMN * em)
		column = COLUMN * em;
	l->band = (struct tconn_box){ 0, 0, width, tenths(em, 32) };
	l->title_baseline = l->band.y1 + tenths(em, 19);
	l->card = (struct tconn_box){ (width - column) / 2, l->band.y1 + tenths(em, 26),
				      (width - column) / 2 + column, 0 };
	legend = flow_keys(font, l);
	move_keys(l, height - tenths(em, 12) - legend);
	bottom = height - tenths(em, 12) - legend;
	l->hint = (struct tconn_box){ l->card.x0, bottom - tenths(em, 24),
				      l->card.x1, bottom - tenths(em, 7) };
	l->card.y1 = l->hint.y0 - tenths(em, 5);
}

/* The rings share the card's width; their caption stands below them. */
static void place_slots(struct tconn_layout *l, uint16_t pin_max)
{
	int32_t em = l->em;

	l->text = tconn_box_inset(l->card, tenths(em, 10));
	l->slots = (struct tconn_box){ l->text.x0, l->text.y1, l->text.x1, l->text.y1 };
	if (pin_max == 0)
		return;
	l->caption_baseline = l->text.y1 - tenths(em, 1);
	l->slots.y1 = l->text.y1 - tenths(em, 12);
	l->slots.y0 = l->slots.y1 - tenths(em, 14);
	l->text.y1 = l->slots.y0 - tenths(em, 8);
	l->slot_step = (l->slots.x1 - l->slots.x0) / pin_max;
	if (l->slot_step > 2 * em)
		l->slot_step = 2 * em;
	l->slot_size = l->slot_step * 7 / 10;
	if (l->slot_size > tenths(em, 12))
		l->slot_size = tenths(em, 12);
}

/* True where the statement fits the text box at px pixels an em. */
static bool try_size(struct tconn_font *font, struct tconn_layout *l,
		     const struct tconn_statement *s, int32_t px)
{
	int32_t width = l->text.x1 - l->text.x0, height = l->text.y1 - l->text.y0;

	l->text_px = (uint32_t)px;
	l->line_height = px * 27 / 20;
	l->lines.count = 0;
	l->lines.end = 0;
	if (width < 4 * px || height < l->line_height)
		return false;
	tconn_text_wrap(font, TCONN_FACE_REGULAR, s->text, s->text_len,
			(uint64_t)width * TCONN_FONT_UNITS / (uint32_t)px,
			(uint32_t)(height / l->line_height), &l->lines);
	return l->lines.end == s->text_len;
}

/* A short sentence stands in the middle; anything that has its own lines keeps
 * them one below the other at the left.
 */
static bool reads_centred(const struct tconn_layout *l, const struct tconn_statement *s)
{
	return l->lines.count <= 5 && !memchr(s->text, '\n', s->text_len);
}

int tconn_layout_make(struct tconn_font *font, const struct tconn_statement *statement,
		      uint32_t width, uint32_t height, struct tconn_layout *ret)
{
	struct tconn_layout *l = ret;
	int32_t px;

	memset(l, 0, sizeof(*l));
	if (width < TCONN_RENDER_MIN_WIDTH || height < TCONN_RENDER_MIN_HEIGHT ||
	    width > TCONN_RENDER_MAX || height > TCONN_RENDER_MAX)
		return -ERANGE;
	l->screen = (struct tconn_box){ 0, 0, (int32_t)width, (int32_t)height };
	l->em = (int32_t)(width < height ? width : height) / 24;
	if (l->em < EM_MIN)
		l->em = EM_MIN;
	l->margin = tenths(l->em, 16);
	choose_keys(l, statement->kind);
	place_frame(font, l);
	place_slots(l, statement->pin_max);
	for (size_t i = 0; i < sizeof(text_sizes) / sizeof(text_sizes[0]); i++) {
		px = tenths(l->em, text_sizes[i]);
		if (px < TEXT_MIN)
			px = TEXT_MIN;
		if (try_size(font, l, statement, px)) {
			l->centred = reads_centred(l, statement);
			return 0;
		}
	}
	return -E2BIG;
}
