// SPDX-License-Identifier: Apache-2.0
/* bidi.h: what is drawn, from left to right. */
#include <kselftest_harness.h>

#include "tui/bidi.h"
#include "tui/font.h"

static struct tconn_bidi b;

static void expect_line(struct __test_metadata *_metadata, const char *text, bool rtl,
			const uint32_t *want, size_t n)
{
	ASSERT_EQ(0, tconn_bidi_shape(text, strlen(text), rtl, &b));
	ASSERT_EQ(0, tconn_bidi_order(&b, 0, b.n));
	ASSERT_EQ(n, b.n) TH_LOG("%s", text);
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(want[i], b.c[i]) TH_LOG("%s", text);
}

#define EXPECT_LINE(text, rtl, ...) do {						\
	const uint32_t want[] = { __VA_ARGS__ };					\
	expect_line(_metadata, text, rtl, want, sizeof(want) / sizeof(want[0]));	\
} while (0)

TEST(order)
{
	EXPECT_LINE("ab", false, 'a', 'b');
	EXPECT_LINE("ab", true, 'a', 'b');
	EXPECT_LINE("אב", false, 0x5d1, 0x5d0);
	EXPECT_LINE("אב 12", false, '1', '2', ' ', 0x5d1, 0x5d0);
	/* Words of both: the first strong character tells. */
	EXPECT_LINE("a אב", true, 'a', ' ', 0x5d1, 0x5d0);
	EXPECT_LINE("א ab", false, 'a', 'b', ' ', 0x5d0);
	/* Nothing strong: the dialog tells. */
	EXPECT_LINE("1 2", false, '1', ' ', '2');
	EXPECT_LINE("1 2", true, '2', ' ', '1');
	/* Brackets are mirrored, and stay around what they were around. */
	EXPECT_LINE("א(ב)", false, '(', 0x5d1, ')', 0x5d0);
}

TEST(arabic_is_joined)
{
	/* Beh in its four forms. */
	EXPECT_LINE("ب", false, 0xfe8f);
	EXPECT_LINE("ببب", false, 0xfe90, 0xfe92, 0xfe91);
	/* Lam and alef are one glyph. */
	EXPECT_LINE("لا", false, 0xfefb, TCONN_BIDI_NONE);
}

static bool all_there(struct tconn_font *font)
{
	for (uint32_t i = 0; i < b.n; i++)
		for (enum tconn_face face = 0; face < TCONN_FACES; face++)
			if (b.c[i] != TCONN_BIDI_NONE && !tconn_font_has(font, face, b.c[i]))
				return false;
	return true;
}

/* Every letter that a statement may hold has a glyph in all the forms it gets. */
TEST(every_form_has_a_glyph)
{
	_cleanup_font_ struct tconn_font *font = NULL;
	static const char *const patterns[] = { "%s", "ب%s", "%sب", "ب%sب" };
	int letters = 0;

	ASSERT_EQ(0, tconn_font_new(&font));
	for (uint32_t c = 0x590; c < 0x700; c++) {
		const char letter[] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)), 0 };

		if (!tconn_font_shows(font, c))
			continue;
		letters++;
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
			char text[16];

			snprintf(text, sizeof(text), patterns[i], letter);
			ASSERT_EQ(0, tconn_bidi_shape(text, strlen(text), true, &b));
			EXPECT_TRUE(all_there(font)) TH_LOG("U+%04x in %s", c, text);
		}
	}
	EXPECT_GT(letters, 90);
}

TEST_HARNESS_MAIN
