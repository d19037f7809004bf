// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "tui/canvas.h"

static int32_t min(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int32_t max(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

struct tconn_box tconn_box_intersect(struct tconn_box a, struct tconn_box b)
{
	return (struct tconn_box){
		max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1),
	};
}

struct tconn_box tconn_box_union(struct tconn_box a, struct tconn_box b)
{
	if (tconn_box_is_empty(a))
		return b;
	if (tconn_box_is_empty(b))
		return a;
	return (struct tconn_box){
		min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1),
	};
}

bool tconn_box_is_empty(struct tconn_box box)
{
	return box.x0 >= box.x1 || box.y0 >= box.y1;
}

struct tconn_box tconn_box_inset(struct tconn_box box, int32_t by)
{
	return (struct tconn_box){ box.x0 + by, box.y0 + by, box.x1 - by, box.y1 - by };
}

static uint32_t *row(const struct tconn_canvas *canvas, int32_t y)
{
	return (uint32_t *)((char *)canvas->pixels + (size_t)y * canvas->pitch);
}

void tconn_canvas_fill(const struct tconn_brush *brush, struct tconn_box box)
{
	uint32_t pixel = 0xff000000u | brush->colour;

	box = tconn_box_intersect(box, brush->clip);
	for (int32_t y = box.y0; y < box.y1; y++) {
		uint32_t *p = row(brush->canvas, y);

		for (int32_t x = box.x0; x < box.x1; x++)
			p[x] = pixel;
	}
}

/* One channel: a of 255 parts of the new colour, rounded. */
static uint32_t mix(uint32_t from, uint32_t to, uint32_t shift, uint32_t a)
{
	uint32_t f = (from >> shift) & 0xff, t = (to >> shift) & 0xff;

	return ((f * (255 - a) + t * a + 127) / 255) << shift;
}

void tconn_canvas_span(const struct tconn_brush *brush, int32_t x, int32_t y, uint32_t len,
		       uint8_t coverage)
{
	struct tconn_box box = tconn_box_intersect(
		(struct tconn_box){ x, y, x + (int32_t)len, y + 1 }, brush->clip);
	uint32_t *p;

	if (tconn_box_is_empty(box))
		return;
	p = row(brush->canvas, y);
	for (int32_t i = box.x0; i < box.x1; i++)
		p[i] = 0xff000000u | mix(p[i], brush->colour, 16, coverage) |
		       mix(p[i], brush->colour, 8, coverage) |
		       mix(p[i], brush->colour, 0, coverage);
}
