// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "tui/bidi.h"
#include "tui/text.h"

static uint64_t advance_of(struct tconn_font *font, enum tconn_face face, uint32_t c)
{
	return c == TCONN_BIDI_NONE ? 0 : tconn_font_advance(font, face, c);
}

uint64_t tconn_text_width(struct tconn_font *font, enum tconn_face face, const char *text,
			  size_t len)
{
	struct tconn_bidi b;
	uint64_t width = 0;

	if (tconn_bidi_shape(text, len, false, &b))
		return 0;
	for (uint32_t i = 0; i < b.n; i++)
		width += advance_of(font, face, b.c[i]);
	return width;
}

int32_t tconn_text_pixels(uint64_t units, uint32_t px)
{
	return (int32_t)((units * px + TCONN_FONT_UNITS - 1) / TCONN_FONT_UNITS);
}

/* A line of a paragraph, in characters. */
struct cut {
	uint32_t end;
	uint64_t width;
};

/*
 * Takes one line from character start and returns where the next one starts. The
 * last place where the line could end well is remembered as we go; where there
 * is none, it ends before the character that does not fit, yet never empty.
 */
static uint32_t take_line(struct tconn_font *font, enum tconn_face face, const struct tconn_bidi *b,
			  uint32_t start, uint64_t width, struct cut *ret)
{
	struct cut space = { start, 0 };
	uint32_t after_space = start;
	bool in_spaces = false;
	uint64_t used = 0;

	for (uint32_t i = start; i < b->n; i++) {
		uint64_t advance = advance_of(font, face, b->c[i]);

		if (b->c[i] == ' ') {
			if (!in_spaces)
				space = (struct cut){ i, used };
			after_space = i + 1;
		} else if (used + advance > width && i > start) {
			if (space.end > start) {
				*ret = space;
				return after_space;
			}
			*ret = (struct cut){ i, used };
			return i;
		}
		in_spaces = b->c[i] == ' ';
		used += advance;
	}
	*ret = (struct cut){ b->n, used };
	return b->n;
}

/* The paragraph from byte start: an empty one is one empty line. */
static void wrap_paragraph(struct tconn_font *font, enum tconn_face face, const char *text,
			   size_t start, size_t end, uint64_t width, uint32_t most,
			   struct tconn_lines *ret)
{
	struct tconn_bidi b;
	uint32_t i = 0;

	if (tconn_bidi_shape(text + start, end - start, false, &b))
		return;
	do {
		uint32_t first = i;
		struct cut cut;

		i = take_line(font, face, &b, first, width, &cut);
		ret->lines[ret->count++] = (struct tconn_line){
			start + b.at[first], start + b.at[cut.end], cut.width,
		};
		ret->end = start + b.at[i];
	} while (i < b.n && ret->count < most);
}

static size_t paragraph_end(const char *text, size_t len, size_t from)
{
	const char *feed = memchr(text + from, '\n', len - from);

	return feed ? (size_t)(feed - text) : len;
}

void tconn_text_wrap(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		     uint64_t width, uint32_t most, struct tconn_lines *ret)
{
	ret->count = 0;
	ret->end = 0;
	if (most > TCONN_TEXT_LINES)
		most = TCONN_TEXT_LINES;
	while (ret->count < most && ret->end < len) {
		size_t end = paragraph_end(text, len, ret->end);
		uint32_t before = ret->count;

		wrap_paragraph(font, face, text, ret->end, end, width, most, ret);
		if (ret->count == before || ret->end < end)
			return;
		if (end < len)
			ret->end = end + 1;
	}
}

static int draw_characters(struct tconn_font *font, enum tconn_face face, const uint32_t *c,
			   uint32_t n, uint32_t px, int32_t x, int32_t y,
			   const struct tconn_brush *brush)
{
	uint64_t units = 0;

	for (uint32_t i = 0; i < n; i++) {
		int r;

		if (c[i] == TCONN_BIDI_NONE)
			continue;
		r = tconn_font_draw(font, face, c[i], px,
				    x * 64 + (int32_t)(units * px * 64 / TCONN_FONT_UNITS), y,
				    brush);
		if (r)
			return r;
		units += tconn_font_advance(font, face, c[i]);
	}
	return 0;
}

int tconn_text_draw(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		    size_t start, size_t end, bool rtl, uint32_t px, int32_t x, int32_t y,
		    const struct tconn_brush *brush)
{
	const char *feed = memrchr(text, '\n', start);
	size_t from = feed ? (size_t)(feed - text) + 1 : 0;
	uint32_t first = 0, last;
	struct tconn_bidi b;
	int r = tconn_bidi_shape(text + from, paragraph_end(text, len, from) - from, rtl, &b);

	if (r)
		return r;
	while (first < b.n && from + b.at[first] < start)
		first++;
	for (last = first; last < b.n && from + b.at[last] < end; last++)
		;
	r = tconn_bidi_order(&b, first, last);
	return r ? r : draw_characters(font, face, b.c + first, last - first, px, x, y, brush);
}
