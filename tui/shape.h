/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closed outlines of lines and cubic curves, for the few shapes that are not
 * text. Coordinates are 1/64 pixel, y downwards. Built on the stack; contours
 * that do not fit are a programming error and end the process.
 */
#ifndef TCONN_SHAPE_H
#define TCONN_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"

#define TCONN_SHAPE_POINTS	64
#define TCONN_SHAPE_CONTOURS	4

struct tconn_shape {
	struct {
		int32_t x, y;
		bool control;	/* of a cubic curve */
	} points[TCONN_SHAPE_POINTS];
	uint32_t ends[TCONN_SHAPE_CONTOURS];	/* one past each contour's last point */
	uint32_t n_points, n_contours;
};

void tconn_shape_point(struct tconn_shape *shape, int32_t x, int32_t y);
void tconn_shape_curve(struct tconn_shape *shape, int32_t x1, int32_t y1, int32_t x2, int32_t y2,
		       int32_t x, int32_t y);
void tconn_shape_close(struct tconn_shape *shape);

/* A box in pixels with corners of the given radius in pixels. */
void tconn_shape_rounded(struct tconn_shape *shape, struct tconn_box box, int32_t radius);

#endif
