// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/render.h"
#include "tui/statement.h"
#include "tui/utf8.h"

static const uint8_t magic[4] = { 'T', 'C', 'S', 'T' };
#define STATEMENT_VERSION 1

struct header {
	uint8_t magic[4];
	uint16_t version;
	uint16_t kind;
	uint32_t text_len;
	uint16_t pin_min, pin_max;
};

_Static_assert(sizeof(struct header) == TCONN_STATEMENT_HEADER, "wire form of the header");
_Static_assert(TCONN_STATEMENT_HEADER + TCONN_TEXT_MAX <= TCONN_STATEMENT_MAX,
	       "the kernel takes every statement we take");

struct range {
	int32_t first, last;
};

/*
 * Characters that show nothing and change how others are read: C0 and C1
 * controls, bidirectional marks, embeddings, overrides and isolates, joiners,
 * zero-width and other invisible format characters, line separators,
 * variation selectors, tags and noncharacters. Sorted.
 */
static const struct range controls[] = {
	{ 0x0000, 0x0009 }, { 0x000b, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
	{ 0x034f, 0x034f }, { 0x0600, 0x0605 }, { 0x061c, 0x061c }, { 0x06dd, 0x06dd },
	{ 0x070f, 0x070f }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xfdd0, 0xfdef }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0x110bd, 0x110bd }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool is_control(int32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (c >= controls[i].first && c <= controls[i].last)
			return true;
	return false;
}

/* A text of nothing but spaces asks nothing. U+2028 and the like are controls. */
static bool is_blank(int32_t c)
{
	return c == '\n' || c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x202f || c == 0x205f || c == 0x2800 || c == 0x3000;
}

static int fail(int error, size_t at, size_t *ret_at)
{
	if (ret_at)
		*ret_at = at;
	return error;
}

static bool fields_valid(uint16_t kind, uint16_t pin_min, uint16_t pin_max)
{
	switch (kind) {
	case TCONN_KIND_CONFIRM:
	case TCONN_KIND_NOTICE:
		return pin_min == 0 && pin_max == 0;
	case TCONN_KIND_PIN:
		return pin_min >= 1 && pin_min <= pin_max && pin_max <= TCONN_PIN_MAX;
	default:
		return false;
	}
}

static int check_utf8(const char *text, size_t len, size_t *ret_at)
{
	for (size_t at = 0; at < len;)
		if (tconn_utf8_next(text, len, &at) < 0)
			return fail(TCONN_STATEMENT_NOT_UTF8, at, ret_at);
	return TCONN_STATEMENT_OK;
}

/* After check_utf8: every sequence is a character. */
static int check_characters(const char *text, size_t len, size_t *ret_at)
{
	bool blank = true;

	for (size_t at = 0; at < len;) {
		size_t start = at;
		int32_t c = tconn_utf8_next(text, len, &at);

		if (is_control(c))
			return fail(TCONN_STATEMENT_CONTROL, start, ret_at);
		blank = blank && is_blank(c);
	}
	return blank ? fail(TCONN_STATEMENT_EMPTY, 0, ret_at) : TCONN_STATEMENT_OK;
}

static int check(const struct tconn_statement *s, size_t *ret_at)
{
	int r;

	if (!fields_valid(s->kind, s->pin_min, s->pin_max))
		return fail(TCONN_STATEMENT_MALFORMED, 0, ret_at);
	if (s->text_len == 0)
		return fail(TCONN_STATEMENT_EMPTY, 0, ret_at);
	if (s->text_len > TCONN_TEXT_MAX)
		return fail(TCONN_STATEMENT_TOO_LONG, TCONN_TEXT_MAX, ret_at);
	r = check_utf8(s->text, s->text_len, ret_at);
	if (r)
		return r;
	return check_characters(s->text, s->text_len, ret_at);
}

int tconn_statement_parse(const void *buf, size_t len, struct tconn_statement *ret, size_t *ret_at)
{
	struct tconn_statement s;
	struct header h;
	int r;

	if (len < sizeof(h))
		return fail(TCONN_STATEMENT_MALFORMED, 0, ret_at);
	memcpy(&h, buf, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) || le16toh(h.version) != STATEMENT_VERSION ||
	    le32toh(h.text_len) != len - sizeof(h))
		return fail(TCONN_STATEMENT_MALFORMED, 0, ret_at);
	s = (struct tconn_statement){
		.kind = le16toh(h.kind),
		.pin_min = le16toh(h.pin_min),
		.pin_max = le16toh(h.pin_max),
		.text = (const char *)buf + sizeof(h),
		.text_len = le32toh(h.text_len),
	};
	r = check(&s, ret_at);
	if (!r)
		*ret = s;
	return r;
}

int tconn_statement_encode(const struct tconn_statement *s, void *buf, size_t size)
{
	struct header h;
	int r = check(s, NULL);

	if (r)
		return r;
	if (size < sizeof(h) + s->text_len)
		return TCONN_STATEMENT_TOO_LONG;
	h = (struct header){
		.version = htole16(STATEMENT_VERSION),
		.kind = htole16(s->kind),
		.text_len = htole32(s->text_len),
		.pin_min = htole16(s->pin_min),
		.pin_max = htole16(s->pin_max),
	};
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(buf, &h, sizeof(h));
	memcpy((char *)buf + sizeof(h), s->text, s->text_len);
	return (int)(sizeof(h) + s->text_len);
}

static int check_glyphs(struct tconn_font *font, const struct tconn_statement *s, size_t *ret_at)
{
	for (size_t at = 0; at < s->text_len;) {
		size_t start = at;
		int32_t c = tconn_utf8_next(s->text, s->text_len, &at);

		if (c < 0)
			return fail(TCONN_STATEMENT_NOT_UTF8, start, ret_at);
		if (c != '\n' && !tconn_font_shows(font, (uint32_t)c))
			return fail(TCONN_STATEMENT_NO_GLYPH, start, ret_at);
	}
	return TCONN_STATEMENT_OK;
}

int tconn_statement_check_renders(const struct tconn_statement *s, uint32_t width, uint32_t height,
				  size_t *ret_at)
{
	_cleanup_font_ struct tconn_font *font = NULL;
	size_t at = 0;
	int r;

	r = check(s, ret_at);
	if (r)
		return r;
	/* Without memory for the font no character can be shown: refuse. */
	if (tconn_font_new(&font) < 0)
		return fail(TCONN_STATEMENT_NO_GLYPH, 0, ret_at);
	r = check_glyphs(font, s, ret_at);
	if (r || width == 0)
		return r;
	if (!tconn_render_fits(font, s, width, height, &at))
		return fail(TCONN_STATEMENT_TOO_LONG, at, ret_at);
	return TCONN_STATEMENT_OK;
}

const char *tconn_statement_strerror(int error)
{
	switch (error) {
	case TCONN_STATEMENT_OK:
		return "the statement can be shown";
	case TCONN_STATEMENT_MALFORMED:
		return "the statement is malformed: its header's size, magic, version, kind or PIN "
		       "limits are wrong";
	case TCONN_STATEMENT_EMPTY:
		return "the statement has no text that could be read";
	case TCONN_STATEMENT_TOO_LONG:
		return "the statement is too long: at most 6144 bytes, and what fits one screen";
	case TCONN_STATEMENT_NOT_UTF8:
		return "the statement is not valid UTF-8";
	case TCONN_STATEMENT_CONTROL:
		return "the statement has a control, invisible or text-direction character; only "
		       "line feeds are allowed";
	case TCONN_STATEMENT_NO_GLYPH:
		return "the statement has a character that this screen cannot show: use characters "
		       "of the embedded font that are written left to right and not combining";
	default:
		return "the statement is refused for a reason that has no name";
	}
}
