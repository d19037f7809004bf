// SPDX-License-Identifier: Apache-2.0
/* dialog.h: what keys do, and when they are too early. */
#include <linux/input-event-codes.h>

#include <kselftest_harness.h>

#include "tui/dialog.h"

static const struct tconn_statement confirm = {
	.kind = TCONN_KIND_CONFIRM, .text = "Pay?", .text_len = 4,
};
static const struct tconn_statement notice = {
	.kind = TCONN_KIND_NOTICE, .text = "Paid", .text_len = 4,
};
static const struct tconn_statement pin = {
	.kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 6, .text = "PIN", .text_len = 3,
};

/* A dialog whose first picture has been there long enough. */
static struct tui_dialog settled(const struct tconn_statement *s)
{
	struct tui_dialog d;

	tui_dialog_init(&d, s);
	tui_dialog_shown(&d);
	tui_dialog_settled(&d);
	return d;
}

static void type(struct __test_metadata *_metadata, struct tui_dialog *d, const uint16_t *keys,
		 size_t n)
{
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(d, keys[i]));
}

TEST(confirm_and_deny)
{
	static const struct {
		uint16_t key;
		enum tconn_outcome outcome;
	} keys[] = {
		{ KEY_ENTER, TCONN_OUTCOME_CONFIRMED }, { KEY_KPENTER, TCONN_OUTCOME_CONFIRMED },
		{ KEY_ESC, TCONN_OUTCOME_DENIED },
		{ KEY_SPACE, TCONN_OUTCOME_NONE }, { KEY_Y, TCONN_OUTCOME_NONE },
		{ KEY_1, TCONN_OUTCOME_NONE }, { KEY_BACKSPACE, TCONN_OUTCOME_NONE },
		{ BTN_LEFT, TCONN_OUTCOME_NONE }, { KEY_POWER, TCONN_OUTCOME_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct tui_dialog d = settled(&confirm);

		EXPECT_EQ(keys[i].outcome, tui_dialog_key(&d, keys[i].key)) TH_LOG("case %zu", i);
		EXPECT_EQ(TCONN_HINT_NONE, d.hint);
		EXPECT_EQ(0, d.entered);
	}
}

TEST(early_enter_confirms_nothing)
{
	struct tui_dialog d;

	tui_dialog_init(&d, &confirm);
	tui_dialog_shown(&d);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_ENTER));
	EXPECT_EQ(TCONN_HINT_EARLY, d.hint);
	tui_dialog_shown(&d);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_ENTER));
	tui_dialog_settled(&d);
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, tui_dialog_key(&d, KEY_ENTER));
}

/* The grace runs again after each picture. */
TEST(new_picture_new_grace)
{
	struct tui_dialog d = settled(&confirm);

	tui_dialog_shown(&d);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_ENTER));
	EXPECT_EQ(TCONN_HINT_EARLY, d.hint);
}

TEST(esc_is_never_early)
{
	struct tui_dialog d;

	tui_dialog_init(&d, &confirm);
	EXPECT_EQ(TCONN_OUTCOME_DENIED, tui_dialog_key(&d, KEY_ESC));
	tui_dialog_init(&d, &pin);
	EXPECT_EQ(TCONN_OUTCOME_DENIED, tui_dialog_key(&d, KEY_ESC));
}

/* The module takes only CONFIRMED for a notice. */
TEST(notice_is_only_acknowledged)
{
	struct tui_dialog d = settled(&notice);

	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_ESC));
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, tui_dialog_key(&d, KEY_ENTER));
}

TEST(pin_digits)
{
	static const uint16_t keys[] = { KEY_1, KEY_9, KEY_0, KEY_KP0, KEY_KP5, KEY_NUMERIC_7 };
	struct tui_dialog d = settled(&pin);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, keys[i]));
		tui_dialog_shown(&d);
	}
	ASSERT_EQ(6, d.entered);
	EXPECT_EQ(0, memcmp(d.pin, "190057", 6));
	EXPECT_EQ(TCONN_OUTCOME_ENTERED, tui_dialog_key(&d, KEY_ENTER));
}

TEST(every_digit_key)
{
	static const uint16_t rows[][10] = {
		{ KEY_0, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9 },
		{ KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8,
		  KEY_KP9 },
		{ KEY_NUMERIC_0, KEY_NUMERIC_1, KEY_NUMERIC_2, KEY_NUMERIC_3, KEY_NUMERIC_4,
		  KEY_NUMERIC_5, KEY_NUMERIC_6, KEY_NUMERIC_7, KEY_NUMERIC_8, KEY_NUMERIC_9 },
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
		for (size_t i = 0; i < 10; i++) {
			struct tui_dialog d = settled(&pin);

			tui_dialog_key(&d, rows[r][i]);
			EXPECT_EQ(1, d.entered);
			EXPECT_EQ((char)('0' + i), d.pin[0]);
		}
}

TEST(pin_limits)
{
	static const uint16_t three[] = { KEY_1, KEY_2, KEY_3 };
	struct tui_dialog d = settled(&pin);

	type(_metadata, &d, three, 3);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_ENTER));
	EXPECT_EQ(TCONN_HINT_SHORT, d.hint);
	type(_metadata, &d, three, 3);
	EXPECT_EQ(TCONN_HINT_NONE, d.hint);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_4));
	EXPECT_EQ(TCONN_HINT_FULL, d.hint);
	ASSERT_EQ(6, d.entered);
	EXPECT_EQ(0, memcmp(d.pin, "123123", 6));
}

TEST(backspace)
{
	static const uint16_t keys[] = { KEY_1, KEY_2, KEY_BACKSPACE, KEY_3 };
	struct tui_dialog d = settled(&pin);

	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_BACKSPACE));
	EXPECT_EQ(0, d.entered);
	type(_metadata, &d, keys, 4);
	ASSERT_EQ(2, d.entered);
	EXPECT_EQ(0, memcmp(d.pin, "13\0", 3));
}

/* Keys meant for somebody else do not end up in a PIN. */
TEST(early_digits_are_dropped)
{
	struct tui_dialog d;

	tui_dialog_init(&d, &pin);
	tui_dialog_shown(&d);
	EXPECT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&d, KEY_5));
	EXPECT_EQ(0, d.entered);
	EXPECT_EQ(TCONN_HINT_EARLY, d.hint);
}

TEST(wipe)
{
	static const uint16_t keys[] = { KEY_1, KEY_2, KEY_3, KEY_4 };
	static const char zero[TCONN_PIN_MAX];
	struct tui_dialog d = settled(&pin);

	type(_metadata, &d, keys, 4);
	tui_dialog_wipe(&d);
	EXPECT_EQ(0, d.entered);
	EXPECT_EQ(0, memcmp(zero, d.pin, sizeof(zero)));
}

TEST_HARNESS_MAIN
