// SPDX-License-Identifier: Apache-2.0
/*
 * text.h and layout.h: on every screen, whatever is accepted is all there,
 * inside its box, and nothing covers anything else.
 */
#include <kselftest_harness.h>

#include "kmod/uapi/tconn.h"
#include "selftests/tui/pictures.h"
#include "tui/layout.h"

FIXTURE(layout) {
	struct tconn_font *font;
};

FIXTURE_SETUP(layout)
{
	self->font = NULL;
	ASSERT_EQ(0, tconn_font_new(&self->font));
}

FIXTURE_TEARDOWN(layout)
{
	self->font = tconn_font_free(self->font);
}

#define EM TCONN_FONT_UNITS

/* The lines, with a bar after each, to compare as a string. */
static void wrap(struct tconn_font *font, const char *text, uint64_t width, uint32_t most,
		 char ret[static 256])
{
	struct tconn_lines lines;
	size_t at = 0;

	tconn_text_wrap(font, TCONN_FACE_REGULAR, text, strlen(text), width, most, &lines);
	for (uint32_t i = 0; i < lines.count; i++)
		at += (size_t)snprintf(ret + at, 256 - at, "%.*s|",
				       (int)(lines.lines[i].end - lines.lines[i].start),
				       text + lines.lines[i].start);
	ret[at] = 0;
}

/* An m is 0.974 em wide, an i 0.278. */
TEST_F(layout, wrap)
{
	static const struct {
		const char *text;
		uint64_t width;
		const char *lines;
	} cases[] = {
		{ "mm mm mm", 10 * EM, "mm mm mm|" },
		{ "mm mm mm", 5 * EM, "mm mm|mm|" },
		{ "mm mm mm", 2 * EM, "mm|mm|mm|" },
		{ "mmmmm", 2 * EM, "mm|mm|m|" },
		{ "i mmmmm", 2 * EM, "i|mm|mm|m|" },
		{ "mm   mm", 3 * EM, "mm|mm|" },
		{ "a\nb", 10 * EM, "a|b|" },
		{ "a\n\nb\n", 10 * EM, "a||b|" },
		{ "  a", 10 * EM, "  a|" },
		{ "m\xc2\xa0m m", 2 * EM + EM / 2, "m\xc2\xa0m|m|" },	/* no break there */
		{ "mm", EM / 2, "m|m|" },		/* at least a character a line */
		{ "\xc3\xa9\xc3\xa9", EM / 2, "\xc3\xa9|\xc3\xa9|" },
	};
	char got[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		wrap(self->font, cases[i].text, cases[i].width, TCONN_TEXT_LINES, got);
		EXPECT_STREQ(cases[i].lines, got) TH_LOG("case %zu", i);
	}
	wrap(self->font, "a\nb\nc", 10 * EM, 2, got);
	EXPECT_STREQ("a|b|", got);
}

static bool inside(struct tconn_box inner, struct tconn_box outer)
{
	return inner.x0 >= outer.x0 && inner.y0 >= outer.y0 && inner.x1 <= outer.x1 &&
	       inner.y1 <= outer.y1;
}

static void check_lines(struct __test_metadata *_metadata, const struct tconn_layout *l,
			const struct tconn_statement *s)
{
	int32_t width = l->text.x1 - l->text.x0, height = l->text.y1 - l->text.y0;

	EXPECT_EQ(s->text_len, l->lines.end);
	EXPECT_LE((int32_t)l->lines.count * l->line_height, height);
	for (uint32_t i = 0; i < l->lines.count; i++)
		EXPECT_LE(tconn_text_pixels(l->lines.lines[i].width, l->text_px), width + 1);
}

static void check_boxes(struct __test_metadata *_metadata, const struct tconn_layout *l)
{
	EXPECT_TRUE(inside(l->card, l->screen));
	EXPECT_TRUE(inside(l->text, l->card));
	EXPECT_TRUE(inside(l->slots, l->screen));
	EXPECT_TRUE(inside(l->hint, l->screen));
	EXPECT_TRUE(inside(l->slots, l->live));
	EXPECT_TRUE(inside(l->hint, l->live));
	EXPECT_LE(l->band.y1, l->title_baseline - l->em);
	EXPECT_LE(l->title_baseline, l->card.y0);
	EXPECT_LE(l->slots.y1, l->hint.y0);
	for (uint32_t i = 0; i < l->n_keys; i++) {
		EXPECT_LE(l->keys[i].box.y1, l->live.y0);
		EXPECT_TRUE(inside(l->keys[i].box, l->screen));
		EXPECT_LE(l->card.y1, l->keys[i].box.y0);
		for (uint32_t j = 0; j < i; j++)
			EXPECT_TRUE(tconn_box_is_empty(tconn_box_intersect(l->keys[i].box,
									   l->keys[j].box)));
	}
}

TEST_F(layout, nothing_overlaps)
{
	struct tconn_layout l;
	int fits = 0;

	for (uint32_t w = 320; w <= 2600; w += 226)
		for (uint32_t h = 240; h <= 2200; h += 97)
			for (size_t i = 0; i < n_pictures; i++) {
				const struct tconn_statement *s = &pictures[i].statement;
				int r = tconn_layout_make(self->font, s, &pictures[i].gestures,
							  (enum tconn_scale)((w + h) % TCONN_SCALES),
							  w, h, &l);

				ASSERT_TRUE(r == 0 || r == -E2BIG);
				if (r)
					continue;
				fits++;
				check_lines(_metadata, &l, s);
				check_boxes(_metadata, &l);
				ASSERT_TRUE(_metadata->passed)
					TH_LOG("%s on %ux%u", pictures[i].name, w, h);
			}
	EXPECT_GT(fits, 4000);
}

/* The screens that people have show every picture of the set. */
TEST_F(layout, usual_screens)
{
	struct tconn_layout l;

	for (size_t i = 0; i < n_pictures; i++)
		for (size_t j = 0; j < n_sizes; j++)
			EXPECT_EQ(0, tconn_layout_make(self->font, &pictures[i].statement,
						       &pictures[i].gestures, TCONN_SCALE_LARGEST,
						       sizes[j].width, sizes[j].height, &l));
}

static bool same_inside(const struct tconn_canvas *a, const struct tconn_canvas *b,
			struct tconn_box box)
{
	for (int32_t y = box.y0; y < box.y1; y++) {
		size_t at = (size_t)y * a->pitch + (size_t)box.x0 * 4;

		if (memcmp((char *)a->pixels + at, (char *)b->pixels + at,
			   (size_t)(box.x1 - box.x0) * 4))
			return false;
	}
	return true;
}

/* Phrase, digits and hints change nothing there: the service cannot know them. */
TEST_F(layout, nothing_moves_between_band_and_live_strip)
{
	for (size_t i = 0; i < n_pictures; i++) {
		struct tconn_render state = picture_state(&pictures[i]), other = state;
		struct tconn_canvas a = canvas_new(sizes[2], 0), b = canvas_new(sizes[2], 0);
		struct tconn_layout l;

		if (state.untrusted)
			continue;
		other.phrase = "another phrase";
		other.hint = TCONN_HINT_FULL;
		other.entered = state.statement->pin_max;
		ASSERT_EQ(0, tconn_layout_make(self->font, state.statement, &state.gestures,
					       state.look.scale, a.width, a.height, &l));
		ASSERT_EQ(0, tconn_render_draw(self->font, &a, &state, NULL));
		ASSERT_EQ(0, tconn_render_draw(self->font, &b, &other, NULL));
		EXPECT_TRUE(same_inside(&a, &b, (struct tconn_box){ 0, l.band.y1, 800, l.live.y0 }))
			TH_LOG("%s", pictures[i].name);
		EXPECT_FALSE(same_inside(&a, &b, (struct tconn_box){ 0, 0, 800, 480 }));
		free(a.pixels);
		free(b.pixels);
	}
}

/* The band leaves the rest of the screen to the question, at every scale. */
TEST_F(layout, shares)
{
	struct tconn_layout l;

	for (size_t i = 0; i < n_pictures; i++)
		for (size_t j = 0; j < n_sizes; j++) {
			const int32_t w = (int32_t)sizes[j].width, h = (int32_t)sizes[j].height;

			ASSERT_EQ(0, tconn_layout_make(self->font, &pictures[i].statement,
						       &pictures[i].gestures, pictures[i].look.scale,
						       sizes[j].width, sizes[j].height, &l));
			EXPECT_EQ((w < h ? w : h) / 24 * 32 / 10, l.band.y1);
			EXPECT_GT((l.live.y0 - l.band.y1) * 100, h * 55)
				TH_LOG("%s on %dx%d", pictures[i].name, w, h);
		}
}

/* True where the row of pixels from the card's right edge on has one colour. */
static bool blank_right(const struct tconn_canvas *c, const struct tconn_layout *l, int32_t y)
{
	const uint32_t *row = (const uint32_t *)((const char *)c->pixels + (size_t)y * c->pitch);
	/* The untrusted frame is as wide as this. */
	int32_t end = (int32_t)c->width - l->em * 4 / 10;

	for (int32_t x = l->card.x1; x < end; x++)
		if (row[x] != row[end - 1])
			return false;
	return true;
}

/* The longest banner and every hint can be read to their end. */
TEST_F(layout, texts_fit_their_width)
{
	struct tconn_render state = picture_state(&pictures[0]);
	struct tconn_layout l;

	state.untrusted = true;
	for (uint32_t w = 320; w <= 1280; w += 80)
		for (state.hint = 0; state.hint < TCONN_HINTS; state.hint++) {
			struct tconn_canvas c = canvas_new((struct size){ w, w * 2 }, 0);

			ASSERT_EQ(0, tconn_layout_make(self->font, state.statement, &state.gestures,
						       TCONN_SCALE_NORMAL, w, w * 2, &l));
			ASSERT_EQ(0, tconn_render_draw(self->font, &c, &state, NULL));
			for (int32_t y = l.band.y0; y < l.band.y1; y++)
				EXPECT_TRUE(blank_right(&c, &l, y))
					TH_LOG("banner on %ux%u", w, w * 2);
			for (int32_t y = l.hint.y0; y < l.hint.y1; y++)
				EXPECT_TRUE(blank_right(&c, &l, y))
					TH_LOG("hint %d on %ux%u", state.hint, w, w * 2);
			free(c.pixels);
		}
}

TEST_HARNESS_MAIN
