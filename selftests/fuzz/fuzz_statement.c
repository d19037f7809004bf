// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a statement. What parses must encode to the same bytes, and what
 * is said to fit a screen must be drawn on it without an error.
 */
#include <stdlib.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/render.h"
#include "tui/statement.h"

#define WIDTH	480
#define HEIGHT	320

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw(const struct tconn_statement *s)
{
	static uint32_t pixels[WIDTH * HEIGHT];
	static struct tconn_font *font;
	const struct tconn_canvas canvas = { pixels, WIDTH, HEIGHT, WIDTH * 4 };
	const struct tconn_render state = { .statement = s, .entered = s->pin_max };

	if (!font && tconn_font_new(&font))
		abort();
	if (tconn_render_draw(font, &canvas, &state, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[TCONN_STATEMENT_MAX];
	struct tconn_statement s;
	size_t at = 0;

	if (tconn_statement_parse(data, size, &s, &at)) {
		if (at > size)
			abort();
		return 0;
	}
	if (tconn_statement_encode(&s, again, sizeof(again)) != (int)size ||
	    memcmp(again, data, size))
		abort();
	if (tconn_statement_check_renders(&s, WIDTH, HEIGHT, &at) == 0)
		draw(&s);
	else if (at > size)	/* one in the details counts from the text's end */
		abort();
	return 0;
}
