// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/layout.h"
#include "tui/render.h"
#include "tui/shape.h"

/* 0xRRGGBB */
enum {
	PAPER		= 0xe9eef1,
	BAND		= 0x0e3a47,
	BAND_EDGE	= 0x2f9c8f,
	BAND_TEXT	= 0xffffff,
	BAND_FAINT	= 0xa9c6cc,
	ALARM		= 0xb3141c,
	ALARM_EDGE	= 0xffc9cb,
	CARD		= 0xffffff,
	CARD_EDGE	= 0xc5d1d7,
	TITLE		= 0x0f5563,
	INK		= 0x14212b,
	FAINT		= 0x566873,
	RING		= 0x9db0ba,
	CAP		= 0xffffff,
	CAP_EDGE	= 0xaebdc5,
	PRIMARY		= 0x12687a,
	HINT		= 0x7a4a00,
	HINT_PAPER	= 0xffeccb,
};

/* What every drawing step needs; the first error sticks and stops the rest. */
struct painter {
	struct tconn_font *font;
	const struct tconn_layout *l;
	struct tconn_brush brush;
	int error;
};

static int32_t tenths(const struct painter *p, int32_t n)
{
	return p->l->em * n / 10;
}

static void fill(struct painter *p, struct tconn_box box, uint32_t colour)
{
	p->brush.colour = colour;
	tconn_canvas_fill(&p->brush, box);
}

static void draw_shape(struct painter *p, const struct tconn_shape *shape, uint32_t colour)
{
	p->brush.colour = colour;
	if (!p->error)
		p->error = tconn_font_fill(p->font, shape, &p->brush);
}

static void rounded(struct painter *p, struct tconn_box box, int32_t radius, uint32_t colour)
{
	struct tconn_shape shape = { 0 };

	if (tconn_box_is_empty(tconn_box_intersect(box, p->brush.clip)))
		return;
	tconn_shape_rounded(&shape, box, radius);
	draw_shape(p, &shape, colour);
}

/* A box with an edge: the edge's colour first, the inside on top of it. */
static void panel(struct painter *p, struct tconn_box box, int32_t radius, int32_t edge,
		  uint32_t edge_colour, uint32_t colour)
{
	rounded(p, box, radius, edge_colour);
	rounded(p, tconn_box_inset(box, edge), radius - edge, colour);
}

static void text_n(struct painter *p, enum tconn_face face, const char *text, size_t len,
		   uint32_t px, int32_t x, int32_t baseline, uint32_t colour)
{
	/* Nothing reaches further from its baseline than 1.5 em. */
	int32_t reach = (int32_t)px * 3 / 2;

	if (p->error || baseline + reach < p->brush.clip.y0 || baseline - reach > p->brush.clip.y1)
		return;
	p->brush.colour = colour;
	p->error = tconn_text_draw(p->font, face, text, len, px, x, baseline, &p->brush);
}

static void text(struct painter *p, enum tconn_face face, const char *s, int32_t px, int32_t x,
		 int32_t baseline, uint32_t colour)
{
	text_n(p, face, s, strlen(s), (uint32_t)px, x, baseline, colour);
}

static int32_t text_width(struct painter *p, enum tconn_face face, const char *s, int32_t px)
{
	return tconn_text_pixels(tconn_text_width(p->font, face, s, strlen(s)), (uint32_t)px);
}

/* A shield with a tick, `size` pixels high: the project's mark. Drawn on a grid
 * of 100 by 100.
 */
static void draw_mark(struct painter *p, int32_t x, int32_t y, int32_t size)
{
#define G(v) ((v) * size * 64 / 100)
#define GX(v) (x * 64 + G(v))
#define GY(v) (y * 64 + G(v))
	struct tconn_shape shield = { 0 }, tick = { 0 };

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

static void draw_trusted_band(struct painter *p)
{
	const struct tconn_layout *l = p->l;
	int32_t mark = tenths(p, 20), x = l->card.x0 + mark + tenths(p, 5);
	int32_t name = text_width(p, TCONN_FACE_BOLD, "tconn", l->em);

	fill(p, l->band, BAND);
	fill(p, (struct tconn_box){ 0, l->band.y1 - tenths(p, 2), l->band.x1, l->band.y1 },
	     BAND_EDGE);
	draw_mark(p, l->card.x0, tenths(p, 5), mark);
	text(p, TCONN_FACE_BOLD, "Trusted screen", l->em, x, tenths(p, 14), BAND_TEXT);
	text(p, TCONN_FACE_REGULAR, "The lamp must be lit.", tenths(p, 8), x, tenths(p, 24),
	     BAND_FAINT);
	text(p, TCONN_FACE_BOLD, "tconn", l->em, l->card.x1 - name, tenths(p, 18), BAND_FAINT);
}

static void draw_untrusted_band(struct painter *p)
{
	const struct tconn_layout *l = p->l;

	fill(p, l->band, ALARM);
	fill(p, (struct tconn_box){ 0, l->band.y1 - tenths(p, 2), l->band.x1, l->band.y1 },
	     ALARM_EDGE);
	text(p, TCONN_FACE_BOLD, "UNTRUSTED DEVELOPMENT BACKEND", tenths(p, 9), l->card.x0,
	     tenths(p, 14), BAND_TEXT);
	text(p, TCONN_FACE_REGULAR, "Anyone may see this and type here. Enter nothing secret.",
	     tenths(p, 7), l->card.x0, tenths(p, 24), ALARM_EDGE);
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

static const char *title_of(uint16_t kind)
{
	switch (kind) {
	case TCONN_KIND_PIN:
		return "Enter your PIN";
	case TCONN_KIND_NOTICE:
		return "Please read";
	default:
		return "Please confirm";
	}
}

/* The block of lines stands in the middle of its box, a little high. */
static void draw_statement(struct painter *p, const struct tconn_statement *s)
{
	const struct tconn_layout *l = p->l;
	int32_t room = l->text.y1 - l->text.y0 - (int32_t)l->lines.count * l->line_height;
	int32_t top = l->text.y0 + (l->centred ? room * 45 / 100 : 0);
	int32_t px = (int32_t)l->text_px;

	for (uint32_t i = 0; i < l->lines.count; i++) {
		const struct tconn_line *line = &l->lines.lines[i];
		int32_t baseline = top + (int32_t)i * l->line_height + px * 21 / 20;
		int32_t width = tconn_text_pixels(line->width, l->text_px);
		int32_t slack = l->text.x1 - l->text.x0 - width;
		int32_t x = l->text.x0 + (l->centred && slack > 0 ? slack / 2 : 0);

		text_n(p, TCONN_FACE_REGULAR, s->text + line->start, line->end - line->start,
		       l->text_px, x, baseline, INK);
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
	int32_t px = tenths(p, 8);
	char caption[32];
	int32_t width;

	if (s->pin_min == s->pin_max)
		snprintf(caption, sizeof(caption), "%u digit%s", s->pin_min,
			 s->pin_min == 1 ? "" : "s");
	else
		snprintf(caption, sizeof(caption), "%u to %u digits", s->pin_min, s->pin_max);
	width = text_width(p, TCONN_FACE_REGULAR, caption, px);
	text(p, TCONN_FACE_REGULAR, caption, px, (l->text.x0 + l->text.x1 - width) / 2,
	     l->caption_baseline, FAINT);
}

static const char *const hints[TCONN_HINTS] = {
	[TCONN_HINT_NONE] = "",
	[TCONN_HINT_EARLY] = "Too early. Please read, then press again.",
	[TCONN_HINT_SHORT] = "More digits are needed before Enter.",
	[TCONN_HINT_FULL] = "No more digits fit. Backspace deletes one.",
};

static void draw_hint(struct painter *p, enum tconn_hint hint)
{
	const struct tconn_layout *l = p->l;
	int32_t px = tenths(p, 8);
	int32_t width = text_width(p, TCONN_FACE_BOLD, hints[hint], px);
	struct tconn_box box = l->hint;

	if (hint == TCONN_HINT_NONE)
		return;
	box.x1 = box.x0 + width + tenths(p, 14);
	rounded(p, box, tenths(p, 4), HINT_PAPER);
	text(p, TCONN_FACE_BOLD, hints[hint], px, box.x0 + tenths(p, 7), box.y0 + tenths(p, 11),
	     HINT);
}

static void draw_key(struct painter *p, const struct tconn_key *key)
{
	int32_t px = tenths(p, 9), edge = tenths(p, 1) > 1 ? tenths(p, 1) : 1;
	int32_t cap = text_width(p, TCONN_FACE_BOLD, key->cap, px);
	int32_t x = (key->box.x0 + key->box.x1 - cap) / 2;

	panel(p, key->box, tenths(p, 3), edge, key->primary ? PRIMARY : CAP_EDGE,
	      key->primary ? PRIMARY : CAP);
	text(p, TCONN_FACE_BOLD, key->cap, px, x, key->baseline, key->primary ? BAND_TEXT : INK);
	text(p, TCONN_FACE_REGULAR, key->action, px, key->action_x, key->baseline, INK);
}

static void draw_dialog(struct painter *p, const struct tconn_render *state)
{
	const struct tconn_layout *l = p->l;
	const struct tconn_statement *s = state->statement;
	int32_t hair = tenths(p, 1) > 1 ? tenths(p, 1) / 2 + 1 : 1;

	fill(p, l->screen, PAPER);
	if (state->untrusted)
		draw_untrusted_band(p);
	else
		draw_trusted_band(p);
	text(p, TCONN_FACE_BOLD, title_of(s->kind), l->em, l->card.x0, l->title_baseline, TITLE);
	panel(p, l->card, tenths(p, 5), hair, CARD_EDGE, CARD);
	draw_statement(p, s);
	if (s->kind == TCONN_KIND_PIN) {
		draw_slots(p, s, state->entered);
		draw_caption(p, s);
	}
	draw_hint(p, state->hint);
	for (uint32_t i = 0; i < l->n_keys; i++)
		draw_key(p, &l->keys[i]);
	if (state->untrusted)
		draw_untrusted_frame(p);
}

static bool state_valid(const struct tconn_render *state)
{
	return (unsigned int)state->hint < TCONN_HINTS &&
	       state->entered <= state->statement->pin_max;
}

static bool box_inside(struct tconn_box box, const struct tconn_canvas *canvas)
{
	return box.x0 >= 0 && box.y0 >= 0 && box.x1 <= (int32_t)canvas->width &&
	       box.y1 <= (int32_t)canvas->height;
}

bool tconn_render_fits(struct tconn_font *font, const struct tconn_statement *statement,
		       uint32_t width, uint32_t height, size_t *ret_at)
{
	struct tconn_layout l;
	int r = tconn_layout_make(font, statement, width, height, &l);

	if (r && ret_at)
		*ret_at = l.lines.end;
	return r == 0;
}

int tconn_render_draw(struct tconn_font *font, const struct tconn_canvas *canvas,
		      const struct tconn_render *state, const struct tconn_box *damage)
{
	struct tconn_layout l;
	struct painter p = { .font = font, .l = &l };
	int r;

	if (!state_valid(state))
		return -EINVAL;
	r = tconn_layout_make(font, state->statement, canvas->width, canvas->height, &l);
	if (r)
		return r;
	if (canvas->pitch / 4 < canvas->width || (damage && !box_inside(*damage, canvas)))
		return -ERANGE;
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
	r = tconn_layout_make(font, to->statement, canvas->width, canvas->height, &l);
	if (r)
		return r;
	if (from->untrusted != to->untrusted)
		damage = l.screen;
	if (from->entered != to->entered)
		damage = tconn_box_union(damage, l.slots);
	if (from->hint != to->hint)
		damage = tconn_box_union(damage, l.hint);
	*ret = damage;
	return 0;
}
