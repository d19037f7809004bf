// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tui/render.h"
#include "digest.h"

static bool rect_is(const struct tconn_rect *r, struct tconn_box box)
{
	return r->x == (uint32_t)box.x0 && r->y == (uint32_t)box.y0 &&
	       r->width == (uint32_t)(box.x1 - box.x0) && r->height == (uint32_t)(box.y1 - box.y0);
}

/* All of the screen but a part of the band; the live strip is the layout's. */
static int check_rects(struct tconn_font *font, const struct tconn_render *state,
		       const struct tconn_record *r, struct tconn_error *err)
{
	const struct tconn_rect *a = &r->attested;
	struct tconn_box live;

	if (a->x != 0 || a->width != r->width || a->y > tconn_render_band(r->width, r->height) ||
	    a->height != r->height - a->y)
		return tconn_fail(err, -EKEYREJECTED,
				  "less of the screen is attested than all below the band");
	if (tconn_render_live(font, state, r->width, r->height, &live))
		return tconn_fail(err, -E2BIG, "the statement does not fit a screen of %ux%u",
				  r->width, r->height);
	if (!rect_is(&r->live, live))
		return tconn_fail(err, -EKEYREJECTED,
				  "what the record leaves out is not where the digits stand");
	return 0;
}

/* Screen and statement can be drawn: fills state, which borrows statement and s. */
static int prepare(const uint8_t *statement, size_t len, const struct tconn_record *r,
		   struct tconn_statement *s, struct tconn_render *state, struct tconn_error *err)
{
	if (tconn_statement_parse(statement, len, s, NULL))
		return tconn_fail(err, -EBADMSG, "the statement is malformed");
	if (!r->width || !r->height || r->width > TCONN_FRAME_PIXELS_MAX / r->height)
		return tconn_fail(err, -E2BIG, "a screen of %ux%u is not drawn again", r->width,
				  r->height);
	*state = (struct tconn_render){ .statement = s, .gestures = { r->confirm, r->deny } };
	if (!tconn_gestures_valid(&state->gestures))
		return tconn_fail(err, -EKEYREJECTED, "there are no such gestures as the record names");
	if (!tconn_render_of_word(r->picture, state))
		return tconn_fail(err, -EKEYREJECTED, "there is no such look as the record names");
	return 0;
}

static int draw(const uint8_t *statement, size_t len, const struct tconn_record *r, bool whole,
		struct tconn_canvas *ret, struct tconn_error *err)
{
	_cleanup_font_ struct tconn_font *font = NULL;
	struct tconn_canvas c = { NULL, r->width, r->height, r->width * 4 };
	struct tconn_box below = { 0, (int32_t)r->attested.y, (int32_t)r->width,
				   (int32_t)r->height };
	struct tconn_statement s;
	struct tconn_render state;
	int error = prepare(statement, len, r, &s, &state, err);

	if (error)
		return error;
	if (tconn_font_new(&font))
		return tconn_fail(err, -ENOMEM, "out of memory");
	error = check_rects(font, &state, r, err);
	if (error)
		return error;
	c.pixels = calloc(c.height, c.pitch);
	if (!c.pixels)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (tconn_render_draw(font, &c, &state, whole ? NULL : &below)) {
		free(c.pixels);
		return tconn_fail(err, -E2BIG, "the statement cannot be drawn on %ux%u", r->width,
				  r->height);
	}
	*ret = c;
	return 0;
}

static void blank(const struct tconn_canvas *c, const struct tconn_rect *r)
{
	for (uint32_t y = r->y; y < r->y + r->height; y++)
		memset((char *)c->pixels + (size_t)y * c->pitch + r->x * 4u, 0, r->width * 4u);
}

int tconn_frame_digest(const uint8_t *statement, size_t len, const struct tconn_record *record,
		       uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_canvas c;
	int error = draw(statement, len, record, false, &c, err);

	if (error)
		return error;
	/* Within the screen: it is what the layout says. */
	blank(&c, &record->live);
	tconn_sha256((char *)c.pixels + (size_t)record->attested.y * c.pitch,
		     (size_t)record->attested.height * c.pitch, ret);
	free(c.pixels);
	return 0;
}

int tconn_frame_check(const uint8_t *statement, size_t len, const struct tconn_record *record,
		      struct tconn_error *err)
{
	uint8_t digest[32];
	int error = tconn_frame_digest(statement, len, record, digest, err);

	if (error)
		return error;
	if (memcmp(digest, record->frame_digest, sizeof(digest)) != 0)
		return tconn_fail(err, -EKEYREJECTED,
				  "the screen showed something else than this statement");
	return 0;
}

bool tconn_frame_says_developer(const struct tconn_record *record)
{
	struct tconn_render state = { 0 };

	return tconn_render_of_word(record->picture, &state) && state.developer;
}

int tconn_frame_draw(const uint8_t *statement, size_t len, const struct tconn_record *record,
		     struct tconn_canvas *ret, struct tconn_error *err)
{
	return draw(statement, len, record, true, ret, err);
}
