// SPDX-License-Identifier: Apache-2.0
/* statement.h: what is refused, where, and with which of the errors. */
#include <kselftest_harness.h>

#include "selftests/tui/compose.h"

static int parse_text(const char *text, size_t len, size_t *ret_at)
{
	uint8_t buf[TCONN_STATEMENT_MAX + 4096];
	struct tconn_statement s;

	return tconn_statement_parse(buf, compose_statement(buf, TCONN_KIND_CONFIRM, 0, 0, text, len),
				     &s, ret_at);
}

static int check_text(const char *text, size_t len, uint32_t width, uint32_t height,
		      size_t *ret_at)
{
	struct tconn_statement s = {
		.kind = TCONN_KIND_CONFIRM, .text = text, .text_len = (uint32_t)len,
	};

	return tconn_statement_check_renders(&s, width, height, ret_at);
}

TEST(round_trip)
{
	static const struct tconn_statement in[] = {
		{ .kind = TCONN_KIND_CONFIRM, .text = "Pay?\nNow", .text_len = 8 },
		{ .kind = TCONN_KIND_NOTICE, .text = "\xc3\xa9", .text_len = 2 },
		{ .kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 12, .text = "P", .text_len = 1 },
	};
	uint8_t buf[TCONN_STATEMENT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		struct tconn_statement out;
		int len = tconn_statement_encode(&in[i], buf, sizeof(buf));

		ASSERT_EQ((int)(TCONN_STATEMENT_HEADER + in[i].text_len), len);
		ASSERT_EQ(0, tconn_statement_parse(buf, (size_t)len, &out, NULL));
		EXPECT_EQ(in[i].kind, out.kind);
		EXPECT_EQ(in[i].pin_min, out.pin_min);
		EXPECT_EQ(in[i].pin_max, out.pin_max);
		ASSERT_EQ(in[i].text_len, out.text_len);
		EXPECT_EQ(0, memcmp(in[i].text, out.text, out.text_len));
	}
}

/* The wire form byte by byte, so that nobody changes it by accident. */
TEST(wire_form)
{
	static const uint8_t want[] = {
		'T', 'C', 'S', 'T', 1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 8, 0, 'P', 'I', 'N',
	};
	const struct tconn_statement s = {
		.kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 8, .text = "PIN", .text_len = 3,
	};
	uint8_t buf[64];

	ASSERT_EQ((int)sizeof(want), tconn_statement_encode(&s, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
}

TEST(encode_refuses)
{
	struct tconn_statement s = { .kind = TCONN_KIND_CONFIRM, .text = "abc", .text_len = 3 };
	uint8_t buf[TCONN_STATEMENT_HEADER + 3];

	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, tconn_statement_encode(&s, buf, sizeof(buf) - 1));
	EXPECT_EQ((int)sizeof(buf), tconn_statement_encode(&s, buf, sizeof(buf)));
	s.pin_max = 1;
	EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_encode(&s, buf, sizeof(buf)));
	s.pin_max = 0;
	s.text_len = 0;
	EXPECT_EQ(TCONN_STATEMENT_EMPTY, tconn_statement_encode(&s, buf, sizeof(buf)));
	s.text = "a\tb";
	s.text_len = 3;
	EXPECT_EQ(TCONN_STATEMENT_CONTROL, tconn_statement_encode(&s, buf, sizeof(buf)));
}

/* Every header byte but the text's matters, and so does every length. */
TEST(malformed_header)
{
	uint8_t good[TCONN_STATEMENT_MAX], buf[TCONN_STATEMENT_MAX];
	size_t len = compose_statement(good, TCONN_KIND_PIN, 4, 8, "PIN", 3);
	struct tconn_statement s = { .kind = 77 };

	ASSERT_EQ(0, tconn_statement_parse(good, len, &s, NULL));
	s.kind = 77;
	for (size_t cut = 0; cut < len; cut++)
		EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(good, cut, &s, NULL));
	EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(good, len + 1, &s, NULL));
	for (size_t i = 0; i < TCONN_STATEMENT_HEADER; i++) {
		memcpy(buf, good, len);
		buf[i] ^= 0x80;
		EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(buf, len, &s, NULL))
			TH_LOG("byte %zu", i);
	}
	EXPECT_EQ(77, s.kind) TH_LOG("the result was touched on failure");
}

TEST(malformed_fields)
{
	static const struct {
		uint16_t kind, min, max;
	} bad[] = {
		{ 0, 0, 0 }, { 4, 0, 0 }, { TCONN_KIND_CONFIRM, 0, 4 }, { TCONN_KIND_CONFIRM, 4, 4 },
		{ TCONN_KIND_NOTICE, 1, 0 }, { TCONN_KIND_PIN, 0, 4 }, { TCONN_KIND_PIN, 5, 4 },
		{ TCONN_KIND_PIN, 0, 0 }, { TCONN_KIND_PIN, 4, TCONN_PIN_MAX + 1 },
	};
	uint8_t buf[TCONN_STATEMENT_MAX];
	struct tconn_statement s;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t len = compose_statement(buf, bad[i].kind, bad[i].min, bad[i].max, "x", 1);

		EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(buf, len, &s, NULL))
			TH_LOG("case %zu", i);
	}
}

TEST(empty)
{
	EXPECT_EQ(TCONN_STATEMENT_EMPTY, parse_text("", 0, NULL));
	EXPECT_EQ(TCONN_STATEMENT_EMPTY, parse_text(" \n ", 3, NULL));
	EXPECT_EQ(TCONN_STATEMENT_EMPTY, parse_text("\xc2\xa0\xe3\x80\x80", 5, NULL));
}

TEST(too_long)
{
	char text[TCONN_TEXT_MAX + 1];
	size_t at = 0;

	memset(text, 'a', sizeof(text));
	EXPECT_EQ(0, parse_text(text, TCONN_TEXT_MAX, NULL));
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, parse_text(text, TCONN_TEXT_MAX + 1, &at));
	EXPECT_EQ((size_t)TCONN_TEXT_MAX, at);
}

struct bad_text {
	const char *text;
	size_t at;
};

TEST(not_utf8)
{
	static const struct bad_text bad[] = {
		{ "a\x80", 1 },				/* continuation without a lead */
		{ "ab\xc3", 2 },			/* truncated at the end */
		{ "\xc3" "a", 0 },			/* truncated by another character */
		{ "\xe2\x82", 0 }, { "\xf0\x9f\x98", 0 },
		{ "\xc0\xaf", 0 }, { "\xc1\xbf", 0 },	/* overlong, two bytes */
		{ "\xe0\x80\xaf", 0 }, { "\xe0\x9f\xbf", 0 },
		{ "\xf0\x80\x80\xaf", 0 }, { "\xf0\x8f\xbf\xbf", 0 },
		{ "x\xed\xa0\x80", 1 }, { "\xed\xbf\xbf", 0 },	/* surrogates */
		{ "\xf4\x90\x80\x80", 0 },		/* over U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", 0 }, { "\xff", 0 }, { "\xfe", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t at = 999;

		EXPECT_EQ(TCONN_STATEMENT_NOT_UTF8, parse_text(bad[i].text, strlen(bad[i].text), &at))
			TH_LOG("case %zu", i);
		EXPECT_EQ(bad[i].at, at) TH_LOG("case %zu", i);
	}
}

TEST(utf8_edges)
{
	/* U+0080 is a control, so U+00A1; U+07FF, U+0800, U+D7FF, U+E000, U+10000, U+10FFFD. */
	static const char text[] = "\xc2\xa1\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
				   "\xf0\x90\x80\x80\xf4\x8f\xbf\xbd";

	EXPECT_EQ(0, parse_text(text, sizeof(text) - 1, NULL));
}

TEST(control)
{
	static const struct bad_text bad[] = {
		{ "a\tb", 1 }, { "a\rb", 1 }, { "\x1b[2J", 0 }, { "a\x7f", 1 },
		{ "\xc2\x85", 0 }, { "ab\xc2\x9b", 2 },		/* C1 */
		{ "\xe2\x80\xae" "a", 0 },			/* U+202E right-to-left override */
		{ "a\xe2\x80\xaa", 1 }, { "a\xe2\x81\xa6", 1 }, { "a\xe2\x81\xa9", 1 },
		{ "a\xe2\x80\x8e", 1 }, { "a\xe2\x80\x8f", 1 }, { "a\xd8\x9c", 1 },	/* marks */
		{ "a\xe2\x80\x8b", 1 }, { "a\xe2\x80\x8d", 1 },	/* zero width */
		{ "a\xef\xbb\xbf", 1 }, { "a\xc2\xad", 1 },	/* BOM, soft hyphen */
		{ "a\xe2\x80\xa8" "b", 1 }, { "a\xe2\x80\xa9" "b", 1 },	/* line separators */
		{ "a\xef\xb8\x8f", 1 }, { "a\xf3\xa0\x81\xa1", 1 },	/* selectors, tags */
		{ "a\xef\xbf\xbf", 1 }, { "a\xf0\x9f\xbf\xbe", 1 },	/* noncharacters */
	};
	size_t at = 999;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(TCONN_STATEMENT_CONTROL, parse_text(bad[i].text, strlen(bad[i].text), &at))
			TH_LOG("case %zu", i);
		EXPECT_EQ(bad[i].at, at) TH_LOG("case %zu", i);
	}
	EXPECT_EQ(TCONN_STATEMENT_CONTROL, parse_text("a\0b", 3, &at));
	EXPECT_EQ(0, parse_text("a\nb", 3, NULL));
}

TEST(no_glyph)
{
	static const struct bad_text bad[] = {
		{ "a\xe4\xb8\xad", 1 },			/* U+4E2D: not in the font */
		{ "\xf0\x9f\x92\xb0", 0 },		/* emoji */
		{ "12\xcc\xb6" "0", 2 },		/* combining strike through */
		{ "a\xcc\x88", 1 },			/* combining diaeresis */
		{ "a\xcc\x95", 1 },			/* combining, beside its letter */
		{ "\xd7\xb0", 0 }, { "a\xd9\x8b", 1 },	/* Yiddish, an Arabic vowel sign */
		{ "\xef\xba\x8d", 0 },			/* Arabic, ready-made form */
		{ "a\xee\xbc\x80", 1 },			/* private use U+EF00, in the font */
		{ "a\xe2\xa0\x80", 1 },			/* braille blank: a glyph without ink */
		{ "a\xef\xbf\xbc", 1 },			/* object replacement */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t len = strlen(bad[i].text), at = 999;

		EXPECT_EQ(0, parse_text(bad[i].text, len, NULL)) TH_LOG("case %zu", i);
		EXPECT_EQ(TCONN_STATEMENT_NO_GLYPH, check_text(bad[i].text, len, 0, 0, &at))
			TH_LOG("case %zu", i);
		EXPECT_EQ(bad[i].at, at) TH_LOG("case %zu", i);
	}
}

TEST(unsupported_script)
{
	static const struct bad_text bad[] = {
		{ "a\xe0\xa4\x95", 1 },		/* Devanagari */
		{ "\xe0\xb8\x81", 0 },			/* Thai */
		{ "\xe1\x80\x80", 0 },			/* Myanmar */
		{ "\xdf\x8a", 0 },			/* N'Ko, in the font */
		{ "\xe0\xba\x81", 0 },			/* Lao, in the font */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t at = 999;

		EXPECT_EQ(TCONN_STATEMENT_SCRIPT,
			  check_text(bad[i].text, strlen(bad[i].text), 0, 0, &at))
			TH_LOG("case %zu", i);
		EXPECT_EQ(bad[i].at, at) TH_LOG("case %zu", i);
	}
}

static const struct tconn_detail amount = {
	.key = "Amount", .key_len = 6, .value = "1 EUR", .value_len = 5,
};

TEST(details)
{
	uint8_t details[64], buf[TCONN_STATEMENT_MAX];
	struct tconn_statement in = {
		.kind = TCONN_KIND_CONFIRM, .text = "Pay?", .text_len = 4, .locale = "de",
		.n_details = 2, .details = details,
	}, out;
	struct tconn_detail d;
	uint32_t at = 0;
	int len;

	ASSERT_TRUE(tconn_statement_put_detail(&amount, details, sizeof(details), &in.details_len));
	ASSERT_TRUE(tconn_statement_put_detail(&amount, details, sizeof(details), &in.details_len));
	len = tconn_statement_encode(&in, buf, sizeof(buf));
	ASSERT_EQ(16 + 4 + 10 + 2 * (4 + 11), len);
	ASSERT_EQ(0, tconn_statement_parse(buf, (size_t)len, &out, NULL));
	EXPECT_STREQ("de", out.locale);
	ASSERT_TRUE(tconn_statement_detail(&out, &at, &d));
	EXPECT_EQ(0, strncmp("Amount", d.key, d.key_len));
	ASSERT_TRUE(tconn_statement_detail(&out, &at, &d));
	EXPECT_EQ(0, strncmp("1 EUR", d.value, d.value_len));
	EXPECT_FALSE(tconn_statement_detail(&out, &at, &d));
	/* Any cut, and anything behind it, is malformed. */
	for (int cut = 0; cut < len; cut++)
		EXPECT_NE(0, tconn_statement_parse(buf, (size_t)cut, &out, NULL));
	EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(buf, (size_t)len + 1, &out, NULL));
}

/* An offence in a detail is told by its place behind the text. */
TEST(details_are_checked_like_the_text)
{
	uint8_t details[64];
	struct tconn_statement s = {
		.kind = TCONN_KIND_CONFIRM, .text = "Pay?", .text_len = 4, .n_details = 1,
		.details = details,
	};
	static const struct {
		const char *key, *value;
		int error;
		size_t at;
	} cases[] = {
		{ "k", "v\nw", TCONN_STATEMENT_CONTROL, 4 + 4 + 1 + 1 },
		{ "\xff", "v", TCONN_STATEMENT_NOT_UTF8, 4 + 4 },
		{ "k", " ", TCONN_STATEMENT_EMPTY, 4 + 4 + 1 },
		{ "k", "a\xe4\xb8\xad", TCONN_STATEMENT_NO_GLYPH, 4 + 4 + 1 + 1 },
		{ "\xe0\xb8\x81", "v", TCONN_STATEMENT_SCRIPT, 4 + 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tconn_detail d = {
			cases[i].key, cases[i].value, (uint32_t)strlen(cases[i].key),
			(uint32_t)strlen(cases[i].value),
		};
		size_t at = 0;

		s.details_len = 0;
		ASSERT_TRUE(tconn_statement_put_detail(&d, details, sizeof(details), &s.details_len));
		EXPECT_EQ(cases[i].error, tconn_statement_check_renders(&s, 0, 0, &at))
			TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].at, at) TH_LOG("case %zu", i);
	}
}

TEST(locale)
{
	uint8_t buf[64];
	struct tconn_statement s = {
		.kind = TCONN_KIND_CONFIRM, .text = "Pay?", .text_len = 4, .locale = "xx",
	};

	EXPECT_EQ(TCONN_STATEMENT_LOCALE, tconn_statement_encode(&s, buf, sizeof(buf)));
	strcpy(s.locale, "he");
	ASSERT_EQ(30, tconn_statement_encode(&s, buf, sizeof(buf)));
	/* Bytes behind the tag's end; then no tag and no details, which is version 1. */
	buf[24] = 'x';
	EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(buf, 30, &s, NULL));
	memset(buf + 20, 0, 8);
	EXPECT_EQ(TCONN_STATEMENT_MALFORMED, tconn_statement_parse(buf, 30, &s, NULL));
}

TEST(shows_what_is_written_right_to_left)
{
	static const char text[] = "שלום עולם; هل تريد دفع ١٢٠ يورو؟ پرداخت چک گرفته ی";

	EXPECT_EQ(0, check_text(text, sizeof(text) - 1, 0, 0, NULL));
}

TEST(shows_what_europe_writes)
{
	static const char text[] = "Zażółć gęślą jaźń – Přílíš žluťoučký kůň – Ünïcödé ß – Ελλάδα – "
				   "Київ – Việt Nam – 20 € £ ¥ – «…» “x” → ✓ ½ ×";

	EXPECT_EQ(0, check_text(text, sizeof(text) - 1, 0, 0, NULL));
}

/* Whatever check_renders is given, it is the whole of the check. */
TEST(check_renders_checks_the_text)
{
	EXPECT_EQ(TCONN_STATEMENT_NOT_UTF8, check_text("\xff", 1, 800, 480, NULL));
	EXPECT_EQ(TCONN_STATEMENT_CONTROL, check_text("\xe2\x80\xae" "a", 4, 800, 480, NULL));
	EXPECT_EQ(TCONN_STATEMENT_EMPTY, check_text("", 0, 800, 480, NULL));
}

TEST(one_screen)
{
	char text[TCONN_TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 8 == 7 ? ' ' : 'm';
	EXPECT_EQ(0, check_text(text, 100, 800, 480, NULL));
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, check_text(text, sizeof(text), 800, 480, &at));
	EXPECT_GT(at, 100);
	EXPECT_LT(at, sizeof(text));
	EXPECT_EQ(0, check_text(text, at, 800, 480, NULL)) TH_LOG("it said it fits up to there");
	memset(text, '\n', 400);
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, check_text(text, 408, 800, 480, NULL));
}

TEST(screen_too_small_or_absurd)
{
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, check_text("a", 1, 100, 100, NULL));
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, check_text("a", 1, 800, 0, NULL));
	EXPECT_EQ(TCONN_STATEMENT_TOO_LONG, check_text("a", 1, UINT32_MAX, UINT32_MAX, NULL));
	EXPECT_EQ(0, check_text("a", 1, 320, 240, NULL));
}

TEST(messages_differ)
{
	for (int a = TCONN_STATEMENT_LOCALE; a <= TCONN_STATEMENT_OK; a++) {
		ASSERT_NE(NULL, tconn_statement_strerror(a));
		for (int b = a + 1; b <= TCONN_STATEMENT_OK; b++)
			EXPECT_STRNE(tconn_statement_strerror(a), tconn_statement_strerror(b));
	}
}

TEST_HARNESS_MAIN
