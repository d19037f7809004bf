/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An XRGB8888 buffer and the two ways to put colour on it: a box, and a run of
 * pixels with coverage. The unused byte is always 0xff, because the frame
 * digest covers it.
 */
#ifndef TCONN_CANVAS_H
#define TCONN_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

struct tconn_canvas {
	void *pixels;
	uint32_t width, height;	/* pixels */
	uint32_t pitch;		/* bytes a row, at least width * 4 */
};

/* Pixels x0 <= x < x1, y0 <= y < y1; empty where x0 >= x1 or y0 >= y1. */
struct tconn_box {
	int32_t x0, y0, x1, y1;
};

struct tconn_box tconn_box_intersect(struct tconn_box a, struct tconn_box b);
struct tconn_box tconn_box_union(struct tconn_box a, struct tconn_box b);
bool tconn_box_is_empty(struct tconn_box box);
struct tconn_box tconn_box_inset(struct tconn_box box, int32_t by);

/* Where and with what to draw; clip must lie inside the canvas. */
struct tconn_brush {
	const struct tconn_canvas *canvas;
	struct tconn_box clip;
	uint32_t colour;	/* 0xRRGGBB */
};

void tconn_canvas_fill(const struct tconn_brush *brush, struct tconn_box box);

/* Blends len pixels from (x, y) with coverage 0..255. */
void tconn_canvas_span(const struct tconn_brush *brush, int32_t x, int32_t y, uint32_t len,
		       uint8_t coverage);

#endif
