// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "tui/shape.h"

static void add(struct tconn_shape *shape, int32_t x, int32_t y, bool control)
{
	if (shape->n_points >= TCONN_SHAPE_POINTS)
		abort();
	shape->points[shape->n_points].x = x;
	shape->points[shape->n_points].y = y;
	shape->points[shape->n_points].control = control;
	shape->n_points++;
}

void tconn_shape_point(struct tconn_shape *shape, int32_t x, int32_t y)
{
	add(shape, x, y, false);
}

void tconn_shape_curve(struct tconn_shape *shape, int32_t x1, int32_t y1, int32_t x2, int32_t y2,
		       int32_t x, int32_t y)
{
	add(shape, x1, y1, true);
	add(shape, x2, y2, true);
	add(shape, x, y, false);
}

void tconn_shape_close(struct tconn_shape *shape)
{
	if (shape->n_contours >= TCONN_SHAPE_CONTOURS)
		abort();
	shape->ends[shape->n_contours++] = shape->n_points;
}

void tconn_shape_rounded(struct tconn_shape *shape, struct tconn_box box, int32_t radius)
{
	int32_t l = box.x0 * 64, t = box.y0 * 64, r = box.x1 * 64, b = box.y1 * 64;
	int32_t q = radius * 64;
	/* A quarter circle as a cubic: handles of 0.5523 radii, so 0.4477 from the corner. */
	int32_t k = q * 4477 / 10000;

	tconn_shape_point(shape, l + q, t);
	tconn_shape_point(shape, r - q, t);
	tconn_shape_curve(shape, r - k, t, r, t + k, r, t + q);
	tconn_shape_point(shape, r, b - q);
	tconn_shape_curve(shape, r, b - k, r - k, b, r - q, b);
	tconn_shape_point(shape, l + q, b);
	tconn_shape_curve(shape, l + k, b, l, b - k, l, b - q);
	tconn_shape_point(shape, l, t + q);
	tconn_shape_curve(shape, l, t + k, l + k, t, l + q, t);
	tconn_shape_close(shape);
}
