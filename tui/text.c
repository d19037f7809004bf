// SPDX-License-Identifier: Apache-2.0
#include "tui/text.h"
#include "tui/utf8.h"

uint64_t tconn_text_width(struct tconn_font *font, enum tconn_face face, const char *text,
			  size_t len)
{
	uint64_t width = 0;

	for (size_t at = 0; at < len;) {
		int32_t c = tconn_utf8_next(text, len, &at);

		if (c < 0)
			break;
		width += tconn_font_advance(font, face, (uint32_t)c);
	}
	return width;
}

int32_t tconn_text_pixels(uint64_t units, uint32_t px)
{
	return (int32_t)((units * px + TCONN_FONT_UNITS - 1) / TCONN_FONT_UNITS);
}

/*
 * Takes one line from text[start] and returns where the next one starts. The
 * last place where the line could end well is remembered as we go; where there
 * is none, it ends before the character that does not fit, yet never empty.
 */
static size_t take_line(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
			size_t start, uint64_t width, struct tconn_line *ret)
{
	struct tconn_line space = { start, start, 0 };
	size_t after_space = start;
	bool in_spaces = false;
	uint64_t used = 0;

	for (size_t at = start; at < len;) {
		size_t here = at;
		int32_t c = tconn_utf8_next(text, len, &at);
		uint64_t advance;

		if (c == '\n' || c < 0) {
			*ret = (struct tconn_line){ start, here, used };
			return c < 0 ? len : at;
		}
		advance = tconn_font_advance(font, face, (uint32_t)c);
		if (c == ' ') {
			if (!in_spaces)
				space = (struct tconn_line){ start, here, used };
			after_space = at;
		} else if (used + advance > width && here > start) {
			if (space.end > start) {
				*ret = space;
				return after_space;
			}
			*ret = (struct tconn_line){ start, here, used };
			return here;
		}
		in_spaces = c == ' ';
		used += advance;
	}
	*ret = (struct tconn_line){ start, len, used };
	return len;
}

void tconn_text_wrap(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		     uint64_t width, uint32_t most, struct tconn_lines *ret)
{
	ret->count = 0;
	ret->end = 0;
	if (most > TCONN_TEXT_LINES)
		most = TCONN_TEXT_LINES;
	while (ret->count < most && ret->end < len) {
		ret->end = take_line(font, face, text, len, ret->end, width,
				     &ret->lines[ret->count]);
		ret->count++;
	}
}

int tconn_text_draw(struct tconn_font *font, enum tconn_face face, const char *text, size_t len,
		    uint32_t px, int32_t x, int32_t y, const struct tconn_brush *brush)
{
	uint64_t units = 0;

	for (size_t at = 0; at < len;) {
		int32_t c = tconn_utf8_next(text, len, &at);
		int r;

		if (c < 0)
			break;
		r = tconn_font_draw(font, face, (uint32_t)c, px,
				    x * 64 + (int32_t)(units * px * 64 / TCONN_FONT_UNITS), y,
				    brush);
		if (r)
			return r;
		units += tconn_font_advance(font, face, (uint32_t)c);
	}
	return 0;
}
