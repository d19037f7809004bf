// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/layout.h"
#include "tui/render.h"
#include "tui/shape.h"

enum colour {
	PAPER,
	BAND,
	BAND_EDGE,
	BAND_TEXT,
	BAND_FAINT,
	ALARM,
	ALARM_EDGE,
	CARD,
	CARD_EDGE,
	TITLE,
	INK,
	FAINT,
	RING,
	CAP,
	CAP_EDGE,
	PRIMARY,
	PRIMARY_TEXT,
	AMBER,
	AMBER_EDGE,
	HINT,
	HINT_PAPER,
	COLOURS,
};

/* 0xRRGGBB */
static const uint32_t palettes[TCONN_THEMES][COLOURS] = {
	[TCONN_THEME_LIGHT] = {
		[PAPER] = 0xe9eef1,
		[BAND] = 0x0e3a47,
		[BAND_EDGE] = 0x2f9c8f,
		[BAND_TEXT] = 0xffffff,
		[BAND_FAINT] = 0xa9c6cc,
		[ALARM] = 0xb3141c,
		[ALARM_EDGE] = 0xffc9cb,
		[CARD] = 0xffffff,
		[CARD_EDGE] = 0xc5d1d7,
		[TITLE] = 0x0f5563,
		[INK] = 0x14212b,
		[FAINT] = 0x566873,
		[RING] = 0x9db0ba,
		[CAP] = 0xffffff,
		[CAP_EDGE] = 0xaebdc5,
		[PRIMARY] = 0x12687a,
		[PRIMARY_TEXT] = 0xffffff,
		[AMBER] = 0x8a4b00,
		[AMBER_EDGE] = 0xffd79a,
		[HINT] = 0x7a4a00,
		[HINT_PAPER] = 0xffeccb,
	},
	[TCONN_THEME_DARK] = {
		[PAPER] = 0x0b1216,
		[BAND] = 0x0e3a47,
		[BAND_EDGE] = 0x2f9c8f,
		[BAND_TEXT] = 0xffffff,
		[BAND_FAINT] = 0xa9c6cc,
		[ALARM] = 0xb3141c,
		[ALARM_EDGE] = 0xffc9cb,
		[CARD] = 0x000000,
		[CARD_EDGE] = 0x5b717c,
		[TITLE] = 0x8fdde9,
		[INK] = 0xffffff,
		[FAINT] = 0xb4c5cd,
		[RING] = 0x8ba1ac,
		[CAP] = 0x1a252b,
		[CAP_EDGE] = 0x6d838e,
		[PRIMARY] = 0x8fdde9,
		[PRIMARY_TEXT] = 0x04232a,
		[AMBER] = 0x8a4b00,
		[AMBER_EDGE] = 0xffd79a,
		[HINT] = 0xffd98a,
		[HINT_PAPER] = 0x3d2a00,
	},
};

/* What every drawing step needs; the first error sticks and stops the rest. */
struct painter {
	struct tconn_font *font;
	const struct tconn_layout *l;
	const uint32_t *palette;
	int32_t em;	/* of what is being drawn: the band's, or all the rest's */
	struct tconn_brush brush;
	int error;
};

/* From the layout's places to the screen's. */
static int32_t place(const struct tconn_layout *l, int32_t x, int32_t width)
{
	return l->words->rtl ? l->screen.x1 - x - width : x;
}

static struct tconn_box place_box(const struct tconn_layout *l, struct tconn_box box)
{
	int32_t width = box.x1 - box.x0;

	box.x0 = place(l, box.x0, width);
	box.x1 = box.x0 + width;
	return box;
}

static int32_t tenths(const struct painter *p, int32_t n)
{
	return p->em * n / 10;
}

static void fill(struct painter *p, struct tconn_box box, enum colour colour)
{
	p->brush.colour = p->palette[colour];
	tconn_canvas_fill(&p->brush, place_box(p->l, box));
}

/* A shape has the screen's places already. */
static void draw_shape(struct painter *p, const struct tconn_shape *shape, enum colour colour)
{
	p->brush.colour = p->palette[colour];
	if (!p->error)
		p->error = tconn_font_fill(p->font, shape, &p->brush);
}

static void rounded(struct painter *p, struct tconn_box box, int32_t radius, enum colour colour)
{
	struct tconn_shape shape = { 0 };

	box = place_box(p->l, box);
	if (tconn_box_is_empty(tconn_box_intersect(box, p->brush.clip)))
		return;
	tconn_shape_rounded(&shape, box, radius);
	draw_shape(p, &shape, colour);
}

/* A box with an edge: the edge's colour first, the inside on top of it. */
static void panel(struct painter *p, struct tconn_box box, int32_t radius, int32_t edge,
		  enum colour edge_colour, enum colour colour)
{
	rounded(p, box, radius, edge_colour);
	rounded(p, tconn_box_inset(box, edge), radius - edge, colour);
}

/* Some words in one style; px is their em in pixels. */
struct style {
	enum tconn_face face;
	int32_t px;
	enum colour colour;
	bool ltr;	/* what has no letter in it reads from left to right: 12 34 is no 34 12 */
};

/* One line of a text at x. */
static void text_line(struct painter *p, struct style style, const char *text, size_t len,
		      const struct tconn_line *line, int32_t x, int32_t baseline)
{
	/* Nothing reaches further from its baseline than 1.5 em. */
	int32_t reach = style.px * 3 / 2;

	if (p->error || baseline + reach < p->brush.clip.y0 || baseline - reach > p->brush.clip.y1)
		return;
	p->brush.colour = p->palette[style.colour];
	x = place(p->l, x, tconn_text_pixels(line->width, (uint32_t)style.px));
	p->error = tconn_text_draw(p->font, style.face, text, len, line->start, line->end,
				   p->l->words->rtl && !style.ltr, (uint32_t)style.px, x, baseline,
				   &p->brush);
}

static void text_n(struct painter *p, struct style style, const char *s, size_t len, int32_t x,
		   int32_t baseline)
{
	struct tconn_line line = { 0, len, tconn_text_width(p->font, style.face, s, len) };

	text_line(p, style, s, len, &line, x, baseline);
}

static void text(struct painter *p, struct style style, const char *s, int32_t x, int32_t baseline)
{
	text_n(p, style, s, strlen(s), x, baseline);
}

static int32_t text_width(struct painter *p, enum tconn_face face, const char *s, int32_t px)
{
	return tconn_text_pixels(tconn_text_width(p->font, face, s, strlen(s)), (uint32_t)px);
}

/* A shield with a tick, `size` pixels high: the project's mark. Drawn on a grid
 * of 100 by 100.
 */
static void draw_mark(struct painter *p, int32_t left, int32_t y, int32_t size)
{
#define G(v) ((v) * size * 64 / 100)
#define GX(v) (x * 64 + G(v))
#define GY(v) (y * 64 + G(v))
	struct tconn_shape shield = { 0 }, tick = { 0 };
	int32_t x = place(p->l, left, size);

	tconn_shape_point(&shield, GX(50), GY(0));
	tconn_shape_curve(&shield, GX(62), GY(9), GX(76), GY(14), GX(92), GY(15));
	tconn_shape_point(&shield, GX(92), GY(46));
	tconn_shape_curve(&shield, GX(92), GY(72), GX(74), GY(91), GX(50), GY(100));
	tconn_shape_curve(&shield, GX(26), GY(91), GX(8), GY(72), GX(8), GY(46));
	tconn_shape_point(&shield, GX(8), GY(15));
	tconn_shape_curve(&shield, GX(24), GY(14), GX(38), GY(9), GX(50), GY(0));
	tconn_shape_close(&shield);
	draw_shape(p, &shield, BAND_EDGE);

	tconn_shape_point(&tick, GX(26), GY(51));
	tconn_shape_point(&tick, GX(34), GY(43));
	tconn_shape_point(&tick, GX(45), GY(54));
	tconn_shape_point(&tick, GX(67), GY(31));
	tconn_shape_point(&tick, GX(75), GY(39));
	tconn_shape_point(&tick, GX(45), GY(70));
	tconn_shape_close(&tick);
	draw_shape(p, &tick, BAND_TEXT);
#undef GY
#undef GX
#undef G
}

#define BOLD(p, size, colour)	((struct style){ TCONN_FACE_BOLD, tenths(p, size), colour, false })
#define PLAIN(p, size, colour)	((struct style){ TCONN_FACE_REGULAR, tenths(p, size), colour, false })

/* At the end of the band, as large as there is room for from x on. */
static void draw_phrase(struct painter *p, const char *phrase, int32_t x)
{
	const struct tconn_layout *l = p->l;
	const char *label = l->words->phrase;
	int32_t size = 11, room = l->card.x1 - x, width;

	do
		width = text_width(p, TCONN_FACE_BOLD, phrase, tenths(p, --size));
	while (width > room && size > 6);
	text(p, PLAIN(p, 7, BAND_FAINT), label,
	     l->card.x1 - text_width(p, TCONN_FACE_REGULAR, label, tenths(p, 7)), tenths(p, 12));
	text(p, BOLD(p, size, BAND_TEXT), phrase, l->card.x1 - width, tenths(p, 24));
}

static void draw_trusted_band(struct painter *p, const char *phrase)
{
	const struct tconn_layout *l = p->l;
	const struct tconn_locale *w = l->words;
	int32_t mark = tenths(p, 20), x = l->card.x0 + mark + tenths(p, 5);
	int32_t name = text_width(p, TCONN_FACE_BOLD, "tconn", p->em);

	fill(p, l->band, BAND);
	fill(p, (struct tconn_box){ 0, l->band.y1 - tenths(p, 2), l->band.x1, l->band.y1 },
	     BAND_EDGE);
	draw_mark(p, l->card.x0, tenths(p, 5), mark);
	text(p, BOLD(p, 10, BAND_TEXT), w->trusted, x, tenths(p, 14));
	text(p, PLAIN(p, 8, BAND_FAINT), w->lamp, x, tenths(p, 24));
	if (phrase)
		draw_phrase(p, phrase,
			    x + text_width(p, TCONN_FACE_BOLD, w->trusted, p->em) + p->em);
	else
		text(p, BOLD(p, 10, BAND_FAINT), "tconn", l->card.x1 - name, tenths(p, 18));
}

static void draw_warning_band(struct painter *p, enum colour colour, enum colour edge,
			      const char *title, const char *advice)
{
	const struct tconn_layout *l = p->l;

	fill(p, l->band, colour);
	fill(p, (struct tconn_box){ 0, l->band.y1 - tenths(p, 2), l->band.x1, l->band.y1 }, edge);
	text(p, BOLD(p, 9, BAND_TEXT), title, l->card.x0, tenths(p, 14));
	text(p, PLAIN(p, 7, edge), advice, l->card.x0, tenths(p, 24));
}

static void draw_band(struct painter *p, const struct tconn_render *state)
{
	if (state->untrusted)
		draw_warning_band(p, ALARM, ALARM_EDGE, "UNTRUSTED DEVELOPMENT BACKEND",
				  "Anyone may see this and type here. Enter nothing secret.");
	else if (state->developer)
		draw_warning_band(p, AMBER, AMBER_EDGE, "DEVELOPER MODE, policy not signed",
				  "For tests only. Enter nothing secret.");
	else
		draw_trusted_band(p, state->phrase);
}

/* A red frame all round, over everything else. */
static void draw_untrusted_frame(struct painter *p)
{
	struct tconn_box s = p->l->screen;
	int32_t w = tenths(p, 4);

	fill(p, (struct tconn_box){ s.x0, s.y0, s.x0 + w, s.y1 }, ALARM);
	fill(p, (struct tconn_box){ s.x1 - w, s.y0, s.x1, s.y1 }, ALARM);
	fill(p, (struct tconn_box){ s.x0, s.y1 - w, s.x1, s.y1 }, ALARM);
}

static const char *title_of(const struct tconn_locale *w, uint16_t kind)
{
	switch (kind) {
	case TCONN_KIND_PIN:
		return w->pin;
	case TCONN_KIND_NOTICE:
		return w->notice;
	default:
		return w->confirm;
	}
}

/* A line's baseline from its top. */
static int32_t baseline_of(const struct tconn_layout *l)
{
	return (int32_t)l->text_px * 21 / 20;
}

/* The block of lines stands in the middle of its box, a little high. */
static void draw_statement(struct painter *p, const struct tconn_statement *s)
{
	const struct tconn_layout *l = p->l;
	int32_t room = l->text.y1 - l->text.y0 - (int32_t)l->lines.count * l->line_height;
	int32_t top = l->text.y0 + (l->centred ? room * 45 / 100 : 0);
	const struct style style = { TCONN_FACE_REGULAR, (int32_t)l->text_px, INK, false };

	for (uint32_t i = 0; i < l->lines.count; i++) {
		const struct tconn_line *line = &l->lines.lines[i];
		int32_t width = tconn_text_pixels(line->width, l->text_px);
		int32_t slack = l->text.x1 - l->text.x0 - width;
		int32_t x = l->text.x0 + (l->centred && slack > 0 ? slack / 2 : 0);

		text_line(p, style, s->text, s->text_len, line, x,
			  top + (int32_t)i * l->line_height + baseline_of(l));
	}
}

/* A hairline, then key and value beside each other. */
static void draw_details(struct painter *p, const struct tconn_statement *s)
{
	const struct tconn_layout *l = p->l;
	const struct style key = { TCONN_FACE_REGULAR, (int32_t)l->text_px, FAINT, false };
	const struct style value = { TCONN_FACE_REGULAR, (int32_t)l->text_px, INK, true };
	int32_t y = l->detail_top, hair = tenths(p, 1) > 1 ? tenths(p, 1) / 2 + 1 : 1;
	struct tconn_lines lines;
	struct tconn_detail d;

	if (s->n_details)
		fill(p, (struct tconn_box){ l->text.x0, y - l->line_height / 4, l->text.x1,
					    y - l->line_height / 4 + hair }, CARD_EDGE);
	for (uint32_t at = 0; tconn_statement_detail(s, &at, &d);) {
		text_n(p, key, d.key, d.key_len, l->text.x0, y + baseline_of(l));
		tconn_layout_value(p->font, l, &d, &lines);
		for (uint32_t i = 0; i < lines.count; i++, y += l->line_height)
			text_line(p, value, d.value, d.value_len, &lines.lines[i], l->detail_x,
				  y + baseline_of(l));
	}
}

static int32_t slots_left(const struct tconn_layout *l, uint16_t pin_max)
{
	int32_t used = l->slot_step * (pin_max - 1) + l->slot_size;

	return l->slots.x0 + (l->slots.x1 - l->slots.x0 - used) / 2;
}

static void draw_slots(struct painter *p, const struct tconn_statement *s, uint32_t entered)
{
	const struct tconn_layout *l = p->l;
	int32_t size = l->slot_size, y = (l->slots.y0 + l->slots.y1 - size) / 2;
	int32_t edge = size / 10 + 1;

	for (uint32_t i = 0; i < s->pin_max; i++) {
		int32_t x = slots_left(l, s->pin_max) + (int32_t)i * l->slot_step;
		struct tconn_box box = { x, y, x + size, y + size };

		if (i < entered)
			rounded(p, box, size / 2, INK);
		else
			panel(p, box, size / 2, edge, RING, CARD);
	}
}

static void draw_caption(struct painter *p, const struct tconn_statement *s)
{
	const struct tconn_layout *l = p->l;
	const struct style style = PLAIN(p, 8, FAINT);
	char caption[64];
	int32_t width;

	if (s->pin_min == s->pin_max)
		snprintf(caption, sizeof(caption), l->words->digits, s->pin_min);
	else
		snprintf(caption, sizeof(caption), l->words->digits_range, s->pin_min, s->pin_max);
	width = text_width(p, style.face, caption, style.px);
	text(p, style, caption, (l->text.x0 + l->text.x1 - width) / 2, l->caption_baseline);
}

static void hint_of(const struct tconn_locale *w, const struct tconn_render *state, char ret[256])
{
	const struct tconn_gestures g = tconn_gestures_or_default(&state->gestures);
	char cap[TCONN_GESTURES_WORDS];

	*ret = '\0';
	switch (state->hint) {
	case TCONN_HINT_EARLY:
		snprintf(ret, 256, "%s", w->early);
		break;
	case TCONN_HINT_SHORT:
		tconn_gesture_cap(&g.confirm, cap);
		snprintf(ret, 256, w->more, cap);
		break;
	case TCONN_HINT_FULL:
		snprintf(ret, 256, "%s", w->full);
		break;
	default:
		break;
	}
}

/* As large as there is room for. */
static void draw_hint(struct painter *p, const struct tconn_render *state)
{
	const struct tconn_layout *l = p->l;
	char words[256];
	int32_t room = l->hint.x1 - l->hint.x0 - tenths(p, 14), size = 9, width;
	struct tconn_box box = l->hint;

	if (state->hint == TCONN_HINT_NONE)
		return;
	hint_of(l->words, state, words);
	do
		width = text_width(p, TCONN_FACE_BOLD, words, tenths(p, --size));
	while (width > room && size > 4);
	box.x1 = box.x0 + width + tenths(p, 14);
	rounded(p, box, tenths(p, 4), HINT_PAPER);
	text(p, BOLD(p, size, HINT), words, box.x0 + tenths(p, 7), box.y0 + tenths(p, 11));
}

static void draw_key(struct painter *p, const struct tconn_key *key)
{
	const struct style bold = {
		TCONN_FACE_BOLD, tenths(p, 9), key->primary ? PRIMARY_TEXT : INK, true,
	};
	int32_t edge = tenths(p, 1) > 1 ? tenths(p, 1) : 1;
	int32_t cap = text_width(p, bold.face, key->cap, bold.px);
	int32_t x = (key->box.x0 + key->box.x1 - cap) / 2;

	panel(p, key->box, tenths(p, 3), edge, key->primary ? PRIMARY : CAP_EDGE,
	      key->primary ? PRIMARY : CAP);
	text(p, bold, key->cap, x, key->baseline);
	text(p, PLAIN(p, 9, INK), key->action, key->action_x, key->baseline);
}

/* Between band and live strip: what never changes. */
static void draw_question(struct painter *p, const struct tconn_statement *s)
{
	const struct tconn_layout *l = p->l;
	int32_t hair = tenths(p, 1) > 1 ? tenths(p, 1) / 2 + 1 : 1;

	text(p, BOLD(p, 10, TITLE), title_of(l->words, s->kind), l->card.x0, l->title_baseline);
	panel(p, l->card, tenths(p, 5), hair, CARD_EDGE, CARD);
	draw_statement(p, s);
	draw_details(p, s);
	if (s->kind == TCONN_KIND_PIN)
		draw_caption(p, s);
	for (uint32_t i = 0; i < l->n_keys; i++)
		draw_key(p, &l->keys[i]);
}

static void draw_dialog(struct painter *p, const struct tconn_render *state)
{
	const struct tconn_statement *s = state->statement;

	fill(p, p->l->screen, PAPER);
	p->em = p->l->plain;
	draw_band(p, state);
	p->em = p->l->em;
	draw_question(p, s);
	if (s->kind == TCONN_KIND_PIN)
		draw_slots(p, s, state->entered);
	draw_hint(p, state);
	if (state->untrusted)
		draw_untrusted_frame(p);
}

static bool state_valid(const struct tconn_render *state)
{
	return (unsigned int)state->hint < TCONN_HINTS &&
	       (unsigned int)state->look.scale < TCONN_SCALES &&
	       (unsigned int)state->look.theme < TCONN_THEMES &&
	       tconn_gestures_valid(&state->gestures) &&
	       state->entered <= state->statement->pin_max;
}

static bool box_inside(struct tconn_box box, const struct tconn_canvas *canvas)
{
	return box.x0 >= 0 && box.y0 >= 0 && box.x1 <= (int32_t)canvas->width &&
	       box.y1 <= (int32_t)canvas->height;
}

/* Bytes of the word; those behind are zero. */
enum { WORD_FORM, WORD_SCALE, WORD_THEME, WORD_HINT, WORD_DEVELOPER, WORD_END };
#define FORM_ENTER_ESC 1
#define FORM 2

_Static_assert(TCONN_PICTURE_BYTES == TCONN_PICTURE_SIZE, "the record has room for the word");

void tconn_render_word(const struct tconn_render *state, uint8_t ret[TCONN_PICTURE_BYTES])
{
	memset(ret, 0, TCONN_PICTURE_BYTES);
	ret[WORD_FORM] = FORM;
	ret[WORD_SCALE] = (uint8_t)state->look.scale;
	ret[WORD_THEME] = (uint8_t)state->look.theme;
	if (state->statement->kind != TCONN_KIND_PIN)
		ret[WORD_HINT] = (uint8_t)state->hint;
	ret[WORD_DEVELOPER] = state->developer;
}

bool tconn_render_of_word(const uint8_t word[TCONN_PICTURE_BYTES], struct tconn_render *ret)
{
	if ((word[WORD_FORM] != FORM && word[WORD_FORM] != FORM_ENTER_ESC) || word[WORD_SCALE] >= TCONN_SCALES ||
	    word[WORD_THEME] >= TCONN_THEMES || word[WORD_HINT] >= TCONN_HINTS ||
	    word[WORD_DEVELOPER] > 1)
		return false;
	for (int i = WORD_END; i < TCONN_PICTURE_BYTES; i++)
		if (word[i])
			return false;
	ret->look = (struct tconn_look){ word[WORD_SCALE], word[WORD_THEME] };
	ret->hint = word[WORD_HINT];
	ret->developer = word[WORD_DEVELOPER];
	if (word[WORD_FORM] == FORM_ENTER_ESC)
		ret->gestures = (struct tconn_gestures){ 0 };
	return true;
}

uint32_t tconn_render_band(uint32_t width, uint32_t height)
{
	return (uint32_t)tconn_layout_band(width, height);
}

bool tconn_render_fits(struct tconn_font *font, const struct tconn_statement *statement,
		       const struct tconn_gestures *gestures, uint32_t width, uint32_t height,
		       size_t *ret_at)
{
	struct tconn_layout l;
	int r = tconn_layout_make(font, statement, gestures, TCONN_SCALE_NORMAL, width, height, &l);

	if (r && ret_at)
		*ret_at = l.lines.end;
	return r == 0;
}

static int make_layout(struct tconn_font *font, const struct tconn_render *state, uint32_t width,
		       uint32_t height, struct tconn_layout *ret)
{
	return tconn_layout_make(font, state->statement, &state->gestures, state->look.scale, width,
				 height, ret);
}

int tconn_render_live(struct tconn_font *font, const struct tconn_render *state, uint32_t width,
		      uint32_t height, struct tconn_box *ret)
{
	struct tconn_layout l;
	int r = make_layout(font, state, width, height, &l);

	if (r)
		return r;
	*ret = state->statement->kind == TCONN_KIND_PIN ? l.live : (struct tconn_box){ 0 };
	return 0;
}

int tconn_render_draw(struct tconn_font *font, const struct tconn_canvas *canvas,
		      const struct tconn_render *state, const struct tconn_box *damage)
{
	struct tconn_layout l;
	struct painter p = { .font = font, .l = &l };
	int r;

	if (!state_valid(state))
		return -EINVAL;
	r = make_layout(font, state, canvas->width, canvas->height, &l);
	if (r)
		return r;
	if (canvas->pitch / 4 < canvas->width || (damage && !box_inside(*damage, canvas)))
		return -ERANGE;
	p.palette = palettes[state->look.theme];
	p.brush = (struct tconn_brush){
		.canvas = canvas,
		.clip = damage ? *damage : l.screen,
	};
	draw_dialog(&p, state);
	return p.error;
}

int tconn_render_damage(struct tconn_font *font, const struct tconn_canvas *canvas,
			const struct tconn_render *from, const struct tconn_render *to,
			struct tconn_box *ret)
{
	struct tconn_box damage = { 0 };
	struct tconn_layout l;
	int r;

	if (!state_valid(from) || !state_valid(to))
		return -EINVAL;
	r = make_layout(font, to, canvas->width, canvas->height, &l);
	if (r)
		return r;
	if (from->untrusted != to->untrusted || from->developer != to->developer)
		damage = l.screen;
	if (from->entered != to->entered)
		damage = tconn_box_union(damage, place_box(&l, l.slots));
	if (from->hint != to->hint)
		damage = tconn_box_union(damage, place_box(&l, l.hint));
	*ret = damage;
	return 0;
}
