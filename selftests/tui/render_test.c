// SPDX-License-Identifier: Apache-2.0
/* render.h: the same state gives the same pixels, however it was reached. */
#include <linux/input-event-codes.h>

#include <kselftest_harness.h>

#include "kmod/uapi/tconn.h"
#include "selftests/tui/pictures.h"
#include "tui/dialog.h"

#define GOLDENS "selftests/tui/goldens.txt"
#define PADDING 64

FIXTURE(render) {
	struct tconn_font *font;
};

FIXTURE_SETUP(render)
{
	self->font = NULL;
	ASSERT_EQ(0, tconn_font_new(&self->font));
}

FIXTURE_TEARDOWN(render)
{
	self->font = tconn_font_free(self->font);
}

static size_t bytes(const struct tconn_canvas *c)
{
	return (size_t)c->pitch * c->height;
}

static bool padding_untouched(const struct tconn_canvas *c)
{
	for (uint32_t y = 0; y < c->height; y++)
		for (uint32_t x = c->width * 4; x < c->pitch; x++)
			if (((uint8_t *)c->pixels)[(size_t)y * c->pitch + x] != 0xa5)
				return false;
	return true;
}

/* The golden digest of one picture, or an empty string. */
static void golden(const char *name, struct size size, char ret[static DIGEST_HEX])
{
	FILE *f = fopen(GOLDENS, "re");
	char line[256], n[64], digest[DIGEST_HEX];
	struct size s;

	ret[0] = 0;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ux%u %64s", n, &s.width, &s.height, digest) == 4 &&
		    !strcmp(n, name) && s.width == size.width && s.height == size.height)
			strcpy(ret, digest);
	if (f)
		fclose(f);
}

/* Twice, with another pitch, and with a font that has drawn other things before. */
TEST_F(render, deterministic)
{
	for (size_t i = 0; i < n_pictures; i++) {
		_cleanup_font_ struct tconn_font *fresh = NULL;
		struct tconn_canvas a = canvas_new(sizes[2], 0), b = canvas_new(sizes[2], PADDING);
		struct tconn_render state = picture_state(&pictures[i]);
		char da[DIGEST_HEX], db[DIGEST_HEX];

		ASSERT_EQ(0, tconn_font_new(&fresh));
		ASSERT_EQ(0, tconn_render_draw(self->font, &a, &state, NULL));
		ASSERT_EQ(0, tconn_render_draw(fresh, &b, &state, NULL));
		canvas_digest(&a, da);
		canvas_digest(&b, db);
		EXPECT_STREQ(da, db);
		EXPECT_TRUE(padding_untouched(&b));
		free(a.pixels);
		free(b.pixels);
	}
}

TEST_F_TIMEOUT(render, goldens, 300)
{
	for (size_t i = 0; i < n_pictures; i++)
		for (size_t j = 0; j < n_sizes; j++) {
			struct tconn_canvas c = canvas_new(sizes[j], 0);
			struct tconn_render state = picture_state(&pictures[i]);
			char want[DIGEST_HEX], got[DIGEST_HEX];

			golden(pictures[i].name, sizes[j], want);
			EXPECT_EQ(0, tconn_render_draw(self->font, &c, &state, NULL));
			canvas_digest(&c, got);
			EXPECT_STREQ(want, got)
				TH_LOG("%s at %ux%u; see " GOLDENS, pictures[i].name,
				       sizes[j].width, sizes[j].height);
			free(c.pixels);
		}
}

TEST_F(render, pictures_differ)
{
	char digests[n_pictures][DIGEST_HEX];

	for (size_t i = 0; i < n_pictures; i++) {
		struct tconn_canvas c = canvas_new(sizes[0], 0);
		struct tconn_render state = picture_state(&pictures[i]);

		ASSERT_EQ(0, tconn_render_draw(self->font, &c, &state, NULL));
		canvas_digest(&c, digests[i]);
		free(c.pixels);
		for (size_t j = 0; j < i; j++)
			EXPECT_STRNE(digests[i], digests[j]);
	}
}

/* What damage leaves out is the same in both pictures, and it is not all. */
static void check_damage(struct __test_metadata *_metadata, struct tconn_font *font,
			 struct size size, const struct tconn_render *from,
			 const struct tconn_render *to)
{
	struct tconn_canvas once = canvas_new(size, PADDING), steps = canvas_new(size, PADDING);
	struct tconn_box d = { 0 };

	ASSERT_EQ(0, tconn_render_draw(font, &steps, from, NULL));
	ASSERT_EQ(0, tconn_render_damage(font, &steps, from, to, &d));
	if (!tconn_box_is_empty(d))
		ASSERT_EQ(0, tconn_render_draw(font, &steps, to, &d));
	ASSERT_EQ(0, tconn_render_draw(font, &once, to, NULL));
	EXPECT_EQ(0, memcmp(once.pixels, steps.pixels, bytes(&once)))
		TH_LOG("%ux%u, %u digits hint %d to %u digits hint %d", size.width, size.height,
		       from->entered, from->hint, to->entered, to->hint);
	EXPECT_LT((uint64_t)(d.x1 - d.x0) * (uint64_t)(d.y1 - d.y0) * 3,
		  (uint64_t)size.width * size.height);
	free(once.pixels);
	free(steps.pixels);
}

TEST_F_TIMEOUT(render, damage, 300)
{
	const struct tconn_statement pin = {
		.kind = TCONN_KIND_PIN, .pin_min = 2, .pin_max = 4, .text = "PIN", .text_len = 3,
	};

	for (size_t size = 2; size < 5; size++)
		for (uint32_t from = 0; from < 5 * TCONN_HINTS; from += 3)
			for (uint32_t to = 0; to < 5 * TCONN_HINTS; to++) {
				const struct tconn_render a = {
					.statement = &pin, .entered = from % 5, .hint = from / 5,
					.untrusted = size == 4,
				}, b = {
					.statement = &pin, .entered = to % 5, .hint = to / 5,
					.untrusted = size == 4,
				};

				check_damage(_metadata, self->font, sizes[size], &a, &b);
			}
}

TEST_F(render, no_damage_without_change)
{
	struct tconn_render state = picture_state(&pictures[0]);
	struct tconn_canvas c = canvas_new(sizes[2], 0);
	struct tconn_box d = { 1, 2, 3, 4 };

	ASSERT_EQ(0, tconn_render_damage(self->font, &c, &state, &state, &d));
	EXPECT_TRUE(tconn_box_is_empty(d));
	free(c.pixels);
}

/* A picture pieced together from tiles of any size is the picture. */
TEST_F(render, tiles)
{
	for (size_t i = 0; i < n_pictures; i++) {
		struct tconn_canvas once = canvas_new(sizes[4], 0), tiled = canvas_new(sizes[4], 0);
		struct tconn_render state = picture_state(&pictures[i]);

		ASSERT_EQ(0, tconn_render_draw(self->font, &once, &state, NULL));
		for (int32_t y = 0; y < (int32_t)tiled.height; y += 97)
			for (int32_t x = 0; x < (int32_t)tiled.width; x += 61) {
				struct tconn_box tile = tconn_box_intersect(
					(struct tconn_box){ x, y, x + 61, y + 97 },
					(struct tconn_box){ 0, 0, (int32_t)tiled.width,
							    (int32_t)tiled.height });

				ASSERT_EQ(0, tconn_render_draw(self->font, &tiled, &state, &tile));
			}
		EXPECT_EQ(0, memcmp(once.pixels, tiled.pixels, bytes(&once)))
			TH_LOG("%s", pictures[i].name);
		free(once.pixels);
		free(tiled.pixels);
	}
}

/* Types count times the same key into a PIN dialog and digests the picture. */
static void digest_typed(struct __test_metadata *_metadata, struct tconn_font *font, uint16_t key,
			 int count, char ret[static DIGEST_HEX])
{
	const struct tconn_statement pin = {
		.kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 8, .text = "PIN", .text_len = 3,
	};
	struct tconn_canvas c = canvas_new(sizes[2], 0);
	struct tconn_render state;
	struct tui_dialog dialog;

	tui_dialog_init(&dialog, &pin);
	tui_dialog_settled(&dialog);
	for (int i = 0; i < count; i++)
		ASSERT_EQ(TCONN_OUTCOME_NONE, tui_dialog_key(&dialog, key));
	state = tui_dialog_picture(&dialog);
	ASSERT_EQ((uint32_t)count, state.entered);
	ASSERT_EQ(0, tconn_render_draw(font, &c, &state, NULL));
	canvas_digest(&c, ret);
	free(c.pixels);
}

TEST_F(render, digits_do_not_show)
{
	char ones[DIGEST_HEX], nines[DIGEST_HEX], three[DIGEST_HEX];

	digest_typed(_metadata, self->font, KEY_1, 4, ones);
	digest_typed(_metadata, self->font, KEY_KP9, 4, nines);
	digest_typed(_metadata, self->font, KEY_1, 3, three);
	EXPECT_STREQ(ones, nines);
	EXPECT_STRNE(ones, three);
}

/* The record's word for it: form 2 leaves the gestures as they are, form 1 knew none. */
TEST_F(render, word_says_how_it_was_drawn)
{
	const struct picture *held = &pictures[n_pictures - 1];
	struct tconn_render state = picture_state(held), back = { .gestures = held->gestures };
	uint8_t word[TCONN_PICTURE_BYTES];

	tconn_render_word(&state, word);
	EXPECT_EQ(2, word[0]);
	EXPECT_TRUE(tconn_render_of_word(word, &back));
	EXPECT_EQ(0, memcmp(&held->gestures, &back.gestures, sizeof(back.gestures)));
	word[0] = 1;
	EXPECT_TRUE(tconn_render_of_word(word, &back));
	EXPECT_EQ(TCONN_GESTURE_NONE, back.gestures.confirm.type);
	for (int form = 0; form < 256; form++) {
		word[0] = (uint8_t)form;
		EXPECT_EQ(form == 1 || form == 2, tconn_render_of_word(word, &back));
	}
}

TEST_F(render, gestures_in_words)
{
	static const struct {
		struct tconn_gesture gesture;
		const char *locale, *cap, *action;
	} t[] = {
		{ { TCONN_GESTURE_PRESS, KEY_ENTER, 0 }, "en", "Enter", "do" },
		{ { TCONN_GESTURE_HOLD, KEY_ESC, 2000 }, "en", "Esc", "hold 2 s: do" },
		{ { TCONN_GESTURE_HOLD, KEY_F1, 1401 }, "de", "F1", "1,5 s halten: do" },
		{ { TCONN_GESTURE_HOLD, KEY_F10, 100 }, "en", "F10", "hold 0.1 s: do" },
		{ { TCONN_GESTURE_DOUBLE, KEY_F12, 300 }, "fr", "F12", "appuyer deux fois: do" },
		{ { TCONN_GESTURE_PRESS, KEY_CNT - 1, 0 }, "en", "Key 767", "do" },
		{ { TCONN_GESTURE_PRESS, KEY_Q, 0 }, "en", "Key 16", "do" },
	};
	char words[TCONN_GESTURES_WORDS];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		tconn_gesture_cap(&t[i].gesture, words);
		EXPECT_STREQ(t[i].cap, words);
		tconn_gesture_action(&t[i].gesture, tconn_locale_find(t[i].locale), "do", words);
		EXPECT_STREQ(t[i].action, words);
	}
}

TEST_F(render, refuses)
{
	struct tconn_render state = picture_state(&pictures[5]);
	struct tconn_canvas c = canvas_new(sizes[2], 0);
	struct tconn_box outside = { 0, 0, 801, 480 }, d;

	EXPECT_EQ(-ERANGE, tconn_render_draw(self->font, &c, &state, &outside));
	c.pitch = c.width * 4 - 4;
	EXPECT_EQ(-ERANGE, tconn_render_draw(self->font, &c, &state, NULL));
	c.pitch = c.width * 4;
	state.entered = 9;
	EXPECT_EQ(-EINVAL, tconn_render_draw(self->font, &c, &state, NULL));
	EXPECT_EQ(-EINVAL, tconn_render_damage(self->font, &c, &state, &state, &d));
	state.entered = 0;
	state.hint = TCONN_HINTS;
	EXPECT_EQ(-EINVAL, tconn_render_draw(self->font, &c, &state, NULL));
	state.hint = TCONN_HINT_NONE;
	state.gestures.confirm.type = TCONN_GESTURE_DOUBLE + 1;
	EXPECT_EQ(-EINVAL, tconn_render_draw(self->font, &c, &state, NULL));
	state.gestures.confirm = (struct tconn_gesture){ TCONN_GESTURE_HOLD, KEY_ENTER, 5001 };
	EXPECT_EQ(-EINVAL, tconn_render_draw(self->font, &c, &state, NULL));
	state.gestures.confirm = (struct tconn_gesture){ TCONN_GESTURE_PRESS, KEY_CNT, 0 };
	EXPECT_EQ(-EINVAL, tconn_render_draw(self->font, &c, &state, NULL));
	state.gestures = (struct tconn_gestures){ 0 };
	c.width = 300;
	EXPECT_EQ(-ERANGE, tconn_render_draw(self->font, &c, &state, NULL));
	free(c.pixels);
}

TEST_HARNESS_MAIN
