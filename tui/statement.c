// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/locale.h"
#include "tui/render.h"
#include "tui/statement.h"
#include "tui/utf8.h"

static const uint8_t magic[4] = { 'T', 'C', 'S', 'T' };
#define VERSION_TEXT	1	/* nothing behind the text */
#define VERSION_DETAILS	2

struct header {
	uint8_t magic[4];
	uint16_t version;
	uint16_t kind;
	uint32_t text_len;
	uint16_t pin_min, pin_max;
};

/* Behind the text. */
struct trailer {
	char locale[TCONN_LOCALE_SIZE];
	uint16_t n_details;
};

struct detail_header {
	uint16_t key_len, value_len;
};

_Static_assert(sizeof(struct header) == TCONN_STATEMENT_HEADER, "wire form of the header");
_Static_assert(sizeof(struct trailer) == TCONN_LOCALE_SIZE + 2, "wire form of the trailer");
_Static_assert(TCONN_STATEMENT_HEADER + TCONN_TEXT_MAX + sizeof(struct trailer) <=
	       TCONN_STATEMENT_MAX, "the kernel takes every text we take");

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

/*
 * Scripts whose letters change places or shapes by rules that the renderer does
 * not have: what it drew would be wrong or could not be read. Sorted.
 */
static const struct range unshaped[] = {
	{ 0x0700, 0x08ff }, { 0x0900, 0x109f }, { 0x1700, 0x18af }, { 0x1900, 0x1aaf },
	{ 0x1b00, 0x1c7f }, { 0x1cd0, 0x1cff }, { 0xa800, 0xa8ff }, { 0xa900, 0xa95f },
	{ 0xa980, 0xaaff }, { 0xabc0, 0xabff }, { 0x10800, 0x11fff }, { 0x1e800, 0x1efff },
};

static bool in_ranges(const struct range *ranges, size_t n, int32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

#define IN(ranges, c) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

static bool is_control(int32_t c)
{
	return (c & 0xfffe) == 0xfffe || IN(controls, c);
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
static int check_characters(const char *text, size_t len, bool lines, size_t *ret_at)
{
	bool blank = true;

	for (size_t at = 0; at < len;) {
		size_t start = at;
		int32_t c = tconn_utf8_next(text, len, &at);

		if (is_control(c) || (c == '\n' && !lines))
			return fail(TCONN_STATEMENT_CONTROL, start, ret_at);
		blank = blank && is_blank(c);
	}
	return blank ? fail(TCONN_STATEMENT_EMPTY, 0, ret_at) : TCONN_STATEMENT_OK;
}

static int check_text(const char *text, size_t len, bool lines, size_t *ret_at)
{
	int r = check_utf8(text, len, ret_at);

	return r ? r : check_characters(text, len, lines, ret_at);
}

/* Calls check for the text, then for each key and value; the first error ends it. */
static int for_each_text(const struct tconn_statement *s, size_t *ret_at, void *arg,
			 int (*check)(const char *text, size_t len, bool lines, size_t *ret_at,
				      void *arg))
{
	struct tconn_detail d;
	size_t at = 0;
	int r = check(s->text, s->text_len, true, &at, arg);

	if (r)
		return fail(r, at, ret_at);
	for (uint32_t next = 0; tconn_statement_detail(s, &next, &d);) {
		uint32_t value = next - d.value_len, key = value - d.key_len;

		r = check(d.key, d.key_len, false, &at, arg);
		if (r)
			return fail(r, s->text_len + key + at, ret_at);
		r = check(d.value, d.value_len, false, &at, arg);
		if (r)
			return fail(r, s->text_len + value + at, ret_at);
	}
	return TCONN_STATEMENT_OK;
}

static int check_one_text(const char *text, size_t len, bool lines, size_t *ret_at, void *arg)
{
	(void)arg;
	return check_text(text, len, lines, ret_at);
}

/* What is at *at of the details, if all of it is there and within its limits. */
static bool next_detail(const uint8_t *details, uint32_t len, uint32_t *at,
			struct tconn_detail *ret)
{
	struct detail_header h;
	uint32_t key, value;

	if (len - *at < sizeof(h))
		return false;
	memcpy(&h, details + *at, sizeof(h));
	key = le16toh(h.key_len);
	value = le16toh(h.value_len);
	if (key == 0 || key > TCONN_DETAIL_KEY_MAX || value == 0 ||
	    value > TCONN_DETAIL_VALUE_MAX || len - *at - sizeof(h) < key + value)
		return false;
	ret->key = (const char *)details + *at + sizeof(h);
	ret->key_len = key;
	ret->value = ret->key + key;
	ret->value_len = value;
	*at += (uint32_t)sizeof(h) + key + value;
	return true;
}

bool tconn_statement_detail(const struct tconn_statement *s, uint32_t *at,
			    struct tconn_detail *ret)
{
	return *at < s->details_len && next_detail(s->details, s->details_len, at, ret);
}

bool tconn_statement_put_detail(const struct tconn_detail *detail, uint8_t *buf, uint32_t size,
				uint32_t *len)
{
	const struct detail_header h = {
		.key_len = htole16((uint16_t)detail->key_len),
		.value_len = htole16((uint16_t)detail->value_len),
	};
	uint8_t *to = buf + *len;

	if (detail->key_len == 0 || detail->key_len > TCONN_DETAIL_KEY_MAX ||
	    detail->value_len == 0 || detail->value_len > TCONN_DETAIL_VALUE_MAX ||
	    size - *len < sizeof(h) + detail->key_len + detail->value_len)
		return false;
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), detail->key, detail->key_len);
	memcpy(to + sizeof(h) + detail->key_len, detail->value, detail->value_len);
	*len += (uint32_t)sizeof(h) + detail->key_len + detail->value_len;
	return true;
}

static bool details_valid(const struct tconn_statement *s)
{
	struct tconn_detail d;
	uint32_t at = 0;

	if (s->n_details > TCONN_DETAILS_MAX)
		return false;
	for (uint16_t i = 0; i < s->n_details; i++)
		if (!next_detail(s->details, s->details_len, &at, &d))
			return false;
	return at == s->details_len;
}

static int check(const struct tconn_statement *s, size_t *ret_at)
{
	if (!fields_valid(s->kind, s->pin_min, s->pin_max) || !details_valid(s))
		return fail(TCONN_STATEMENT_MALFORMED, 0, ret_at);
	if (s->text_len == 0)
		return fail(TCONN_STATEMENT_EMPTY, 0, ret_at);
	if (s->text_len > TCONN_TEXT_MAX)
		return fail(TCONN_STATEMENT_TOO_LONG, TCONN_TEXT_MAX, ret_at);
	if (!tconn_locale_find(s->locale))
		return fail(TCONN_STATEMENT_LOCALE, 0, ret_at);
	return for_each_text(s, ret_at, NULL, check_one_text);
}

/* A tag that ends within its field, with nothing after its end. */
static bool locale_valid(const char *locale)
{
	size_t len = strnlen(locale, TCONN_LOCALE_SIZE);

	for (size_t i = len; i < TCONN_LOCALE_SIZE; i++)
		if (locale[i])
			return false;
	return len < TCONN_LOCALE_SIZE;
}

static bool parse_trailer(const uint8_t *p, size_t len, struct tconn_statement *s)
{
	struct trailer t;

	if (len < sizeof(t))
		return false;
	memcpy(&t, p, sizeof(t));
	if (!locale_valid(t.locale) || (!t.locale[0] && !t.n_details))
		return false;
	memcpy(s->locale, t.locale, sizeof(s->locale));
	s->n_details = le16toh(t.n_details);
	s->details = p + sizeof(t);
	s->details_len = (uint32_t)(len - sizeof(t));
	return true;
}

static bool parse_header(const uint8_t *p, size_t len, struct tconn_statement *s)
{
	struct header h;
	size_t behind;

	if (len < sizeof(h) || len > UINT32_MAX)
		return false;
	memcpy(&h, p, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) || le32toh(h.text_len) > len - sizeof(h))
		return false;
	*s = (struct tconn_statement){
		.kind = le16toh(h.kind),
		.pin_min = le16toh(h.pin_min),
		.pin_max = le16toh(h.pin_max),
		.text = (const char *)p + sizeof(h),
		.text_len = le32toh(h.text_len),
	};
	behind = len - sizeof(h) - s->text_len;
	switch (le16toh(h.version)) {
	case VERSION_TEXT:
		return behind == 0;
	case VERSION_DETAILS:
		return parse_trailer(p + sizeof(h) + s->text_len, behind, s);
	default:
		return false;
	}
}

int tconn_statement_parse(const void *buf, size_t len, struct tconn_statement *ret, size_t *ret_at)
{
	struct tconn_statement s;
	int r;

	if (!parse_header(buf, len, &s))
		return fail(TCONN_STATEMENT_MALFORMED, 0, ret_at);
	r = check(&s, ret_at);
	if (!r && len > TCONN_STATEMENT_MAX)
		r = fail(TCONN_STATEMENT_TOO_LONG, s.text_len, ret_at);
	if (!r)
		*ret = s;
	return r;
}

static uint8_t *put(uint8_t *to, const void *data, size_t len)
{
	if (len > 0)
		memcpy(to, data, len);
	return to + len;
}

int tconn_statement_encode(const struct tconn_statement *s, void *buf, size_t size)
{
	const bool details = s->locale[0] || s->n_details;
	struct header h;
	struct trailer t = { .n_details = htole16(s->n_details) };
	size_t len = sizeof(h) + s->text_len + (details ? sizeof(t) + s->details_len : 0);
	uint8_t *to = buf;
	int r = check(s, NULL);

	if (r)
		return r;
	if (size < len || len > TCONN_STATEMENT_MAX)
		return TCONN_STATEMENT_TOO_LONG;
	h = (struct header){
		.version = htole16(details ? VERSION_DETAILS : VERSION_TEXT),
		.kind = htole16(s->kind),
		.text_len = htole32(s->text_len),
		.pin_min = htole16(s->pin_min),
		.pin_max = htole16(s->pin_max),
	};
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(t.locale, s->locale, sizeof(t.locale));
	to = put(to, &h, sizeof(h));
	to = put(to, s->text, s->text_len);
	if (details) {
		to = put(to, &t, sizeof(t));
		to = put(to, s->details, s->details_len);
	}
	return (int)len;
}

static int check_glyphs(const char *text, size_t len, bool lines, size_t *ret_at, void *font)
{
	for (size_t at = 0; at < len;) {
		size_t start = at;
		int32_t c = tconn_utf8_next(text, len, &at);

		if (IN(unshaped, c))
			return fail(TCONN_STATEMENT_SCRIPT, start, ret_at);
		if (!(lines && c == '\n') && !tconn_font_shows(font, (uint32_t)c))
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
	r = for_each_text(s, ret_at, font, check_glyphs);
	if (r || width == 0)
		return r;
	if (!tconn_render_fits(font, s, &(struct tconn_gestures){ 0 }, width, height, &at))
		return fail(TCONN_STATEMENT_TOO_LONG, at, ret_at);
	return TCONN_STATEMENT_OK;
}

const char *tconn_statement_strerror(int error)
{
	switch (error) {
	case TCONN_STATEMENT_OK:
		return "the statement can be shown";
	case TCONN_STATEMENT_MALFORMED:
		return "the statement is malformed: its header's size, magic, version, kind, PIN "
		       "limits or details are wrong";
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
		       "of the embedded font that are not combining";
	case TCONN_STATEMENT_SCRIPT:
		return "the statement is in a script whose letters this screen cannot join";
	case TCONN_STATEMENT_LOCALE:
		return "the statement's locale is not one of en, de, fr, he, ar";
	default:
		return "the statement is refused for a reason that has no name";
	}
}

const char *tconn_statement_error_name(int error)
{
	switch (error) {
	case TCONN_STATEMENT_OK: return "ok";
	case TCONN_STATEMENT_EMPTY: return "empty";
	case TCONN_STATEMENT_TOO_LONG: return "too-long";
	case TCONN_STATEMENT_NOT_UTF8: return "not-utf8";
	case TCONN_STATEMENT_CONTROL: return "control";
	case TCONN_STATEMENT_NO_GLYPH: return "no-glyph";
	case TCONN_STATEMENT_SCRIPT: return "unsupported-script";
	case TCONN_STATEMENT_LOCALE: return "unknown-locale";
	}
	return "malformed";
}
