// SPDX-License-Identifier: Apache-2.0
/* What tconn-notice draws: on any screen, of any words, and nowhere else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <kselftest_harness.h>

#include "daemon/notice/picture.h"
#include "tui/render.h"

#define GUARD	0xa5
#define GUARDS	4096	/* bytes on either side */

FIXTURE(notice)
{
	struct tconn_font *font;
	uint8_t *memory;
	struct tconn_canvas canvas;
};

FIXTURE_SETUP(notice)
{
	self->memory = NULL;
	ASSERT_EQ(0, tconn_font_new(&self->font));
}

FIXTURE_TEARDOWN(notice)
{
	free(self->memory);
	tconn_font_free(self->font);
}

static void make_canvas(FIXTURE_DATA(notice) *self, uint32_t width, uint32_t height)
{
	size_t size = (size_t)width * height * 4;

	free(self->memory);
	self->memory = malloc(size + 2 * GUARDS);
	memset(self->memory, GUARD, size + 2 * GUARDS);
	self->canvas = (struct tconn_canvas){ self->memory + GUARDS, width, height, width * 4 };
}

static bool guards_hold(FIXTURE_DATA(notice) *self)
{
	size_t size = (size_t)self->canvas.pitch * self->canvas.height;

	for (size_t i = 0; i < GUARDS; i++)
		if (self->memory[i] != GUARD || self->memory[GUARDS + size + i] != GUARD)
			return false;
	return true;
}

/* The picture of these words at 640 by 480; the caller frees it. */
static uint8_t *picture_of(struct __test_metadata *_metadata, FIXTURE_DATA(notice) *self,
			   const char *why)
{
	size_t size = (size_t)640 * 480 * 4;
	uint8_t *copy = malloc(size);

	make_canvas(self, 640, 480);
	EXPECT_EQ(0, picture_draw(self->font, &self->canvas, why));
	memcpy(copy, self->canvas.pixels, size);
	return copy;
}

TEST_F(notice, fits_any_screen_whatever_the_reason)
{
	static const uint32_t sizes[][2] = { { 320, 240 }, { 240 * 8, 240 }, { 320, 2000 },
					     { 1280, 800 } };
	char why[4 * PICTURE_WHY_MAX];

	memset(why, 'W', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	for (size_t i = 0; i < 4; i++) {
		make_canvas(self, sizes[i][0], sizes[i][1]);
		EXPECT_EQ(0, picture_draw(self->font, &self->canvas, why));
		EXPECT_TRUE(guards_hold(self));
		EXPECT_EQ(0, picture_draw(self->font, &self->canvas, ""));
		EXPECT_TRUE(guards_hold(self));
	}
}

TEST_F(notice, refuses_what_is_no_screen)
{
	make_canvas(self, TCONN_RENDER_MIN_WIDTH - 1, 480);
	EXPECT_EQ(-ERANGE, picture_draw(self->font, &self->canvas, "why"));
	make_canvas(self, 640, TCONN_RENDER_MIN_HEIGHT - 1);
	EXPECT_EQ(-ERANGE, picture_draw(self->font, &self->canvas, "why"));
}

TEST_F(notice, shows_the_reason)
{
	uint8_t *one = picture_of(_metadata, self, "one");
	uint8_t *other = picture_of(_metadata, self, "other");

	EXPECT_NE(0, memcmp(one, other, (size_t)640 * 480 * 4));
	free(one);
	free(other);
}

/* Bytes that are no text, or text that turns round what stands beside it. */
TEST_F(notice, shows_other_bytes_as_question_marks)
{
	uint8_t *bytes = picture_of(_metadata, self, "a\n\x7f\xff\xe2\x80\xaez");
	uint8_t *marks = picture_of(_metadata, self, "a??????z");

	EXPECT_EQ(0, memcmp(bytes, marks, (size_t)640 * 480 * 4));
	free(bytes);
	free(marks);
}

TEST_HARNESS_MAIN
