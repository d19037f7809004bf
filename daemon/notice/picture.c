// SPDX-License-Identifier: Apache-2.0
#include "picture.h"

#include <errno.h>
#include <string.h>

#include "tui/render.h"
#include "tui/text.h"

#define PAPER	0x16181d
#define BAR	0xd08a1c
#define TITLE	0xffffff
#define TEXT	0xd5d8de

static const char title[] = "This device does not start";
static const char advice[] = "Nothing of it was started, and nobody can work with it now. Ask its owner, "
			     "and tell them the words above.";

/* The first error sticks; y is where the next paragraph starts. */
struct page {
	struct tconn_font *font;
	struct tconn_brush brush;
	uint32_t em;
	int32_t left, width, y;
	int error;
};

static void fill(struct page *p, struct tconn_box box, uint32_t colour)
{
	p->brush.colour = colour;
	tconn_canvas_fill(&p->brush, tconn_box_intersect(box, p->brush.clip));
}

/* What does not fit below is left out: a reason is a line or two. */
static void paragraph(struct page *p, enum tconn_face face, uint32_t px, uint32_t colour,
		      const char *text)
{
	const size_t len = strlen(text);
	const int32_t step = (int32_t)px * 3 / 2;
	struct tconn_lines lines;

	tconn_text_wrap(p->font, face, text, len, (uint64_t)p->width * TCONN_FONT_UNITS / px,
			TCONN_TEXT_LINES, &lines);
	p->brush.colour = colour;
	for (uint32_t i = 0; i < lines.count && !p->error; i++) {
		if (p->y + step > p->brush.clip.y1)
			return;
		p->error = tconn_text_draw(p->font, face, text, len, lines.lines[i].start,
					   lines.lines[i].end, false, px, p->left,
					   p->y + (int32_t)px, &p->brush);
		p->y += step;
	}
	p->y += step / 2;
}

static void printable(const char *why, char ret[PICTURE_WHY_MAX + 1])
{
	size_t len = strnlen(why, PICTURE_WHY_MAX);

	for (size_t i = 0; i < len; i++)
		ret[i] = why[i] >= ' ' && why[i] <= '~' ? why[i] : '?';
	ret[len] = '\0';
}

int picture_draw(struct tconn_font *font, const struct tconn_canvas *canvas, const char *why)
{
	struct page p = { .font = font, .brush.canvas = canvas };
	char text[PICTURE_WHY_MAX + 1];
	uint32_t side = canvas->width < canvas->height ? canvas->width : canvas->height;

	if (canvas->width < TCONN_RENDER_MIN_WIDTH || canvas->height < TCONN_RENDER_MIN_HEIGHT ||
	    canvas->width > TCONN_RENDER_MAX || canvas->height > TCONN_RENDER_MAX)
		return -ERANGE;
	printable(why, text);
	p.brush.clip = (struct tconn_box){ 0, 0, (int32_t)canvas->width, (int32_t)canvas->height };
	p.em = side / 24;
	p.left = 2 * (int32_t)p.em;
	p.width = (int32_t)canvas->width - 2 * p.left;
	p.y = (int32_t)canvas->height / 4;
	fill(&p, p.brush.clip, PAPER);
	fill(&p, (struct tconn_box){ 0, 0, (int32_t)canvas->width, (int32_t)p.em / 2 }, BAR);
	paragraph(&p, TCONN_FACE_BOLD, p.em * 3 / 2, TITLE, title);
	paragraph(&p, TCONN_FACE_REGULAR, p.em, BAR, text);
	paragraph(&p, TCONN_FACE_REGULAR, p.em, TEXT, advice);
	return p.error;
}
