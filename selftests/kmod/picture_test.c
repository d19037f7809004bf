// SPDX-License-Identifier: Apache-2.0
/*
 * What was seen is what is signed: an app that is on the policy, and yet shows another
 * text than the one it was given, gets a record that is authentic and confirmed, and whose
 * frame digest gives it away to whoever draws the true statement.
 */
#include <kselftest_harness.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "client.h"
#include "guest.h"
#include "tui/render.h"

#define TRUE_TEXT	"Pay 1,200.00 EUR to ACME Ltd?"
#define FALSE_TEXT	"Pay 1.00 EUR to ACME Ltd?"

struct question {
	uint8_t wire[TCONN_STATEMENT_MAX];
	size_t len;
	struct tconn_statement statement;
};

static int ask(struct question *q, uint16_t kind, const char *text)
{
	const struct tconn_statement s = {
		.kind = kind, .text = text, .text_len = (uint32_t)strlen(text),
		.pin_min = kind == TCONN_KIND_PIN ? 4 : 0,
		.pin_max = kind == TCONN_KIND_PIN ? 8 : 0,
	};
	int n = tconn_statement_encode(&s, q->wire, sizeof(q->wire));

	if (n < 0)
		return n;
	q->len = (size_t)n;
	return tconn_statement_parse(q->wire, q->len, &q->statement, NULL);
}

FIXTURE(picture) {
	struct guest guest;
	struct client client;
	struct tconn_font *font;
	struct question asked, shown;
	struct tconn_record record;
};

FIXTURE_SETUP(picture)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, tconn_font_new(&self->font));
}

FIXTURE_TEARDOWN(picture)
{
	tconn_font_free(self->font);
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static int draw(FIXTURE_DATA(picture) *self, uint32_t *pixels, const struct question *q,
		uint32_t entered)
{
	const struct tconn_bind *b = &self->client.bind;
	const struct tconn_canvas canvas = { (void *)pixels, b->width, b->height, b->pitch };
	const struct tconn_render picture = { .statement = &q->statement, .entered = entered };

	return tconn_render_draw(self->font, &canvas, &picture, NULL);
}

/* The dialog, as the TUI holds it, with a person who presses Enter. */
static int hold(FIXTURE_DATA(picture) *self)
{
	struct client *c = &self->client;
	struct tconn_box live = { 0 };
	int ret;

	c->kind = self->asked.statement.kind;
	c->statement = self->asked.wire;
	c->statement_len = self->asked.len;
	ret = client_bind(c);
	if (!ret)
		ret = draw(self, c->canvas, &self->shown, 0);
	if (!ret)
		ret = tconn_render_live(self->font,
					&(struct tconn_render){ .statement = &self->shown.statement },
					c->bind.width, c->bind.height, &live);
	if (ret)
		return ret;
	c->live = (struct tconn_rect){
		(uint32_t)live.x0, (uint32_t)live.y0, (uint32_t)(live.x1 - live.x0),
		(uint32_t)(live.y1 - live.y0),
	};
	ret = client_activate(c);
	if (!ret && c->kind == TCONN_KIND_PIN)
		ret = draw(self, c->canvas, &self->shown, 5) ||
		      client_present(c, c->live.x, c->live.y, c->live.width, c->live.height);
	return ret ? ret : client_confirm(c, &self->record);
}

/* As a verifier does: from the statement it sent and what the record says of the screen. */
static bool shows_what_was_asked(FIXTURE_DATA(picture) *self)
{
	const struct tconn_record *r = &self->record;
	uint32_t *pixels = calloc(r->width * 4, r->height);
	uint8_t digest[32];
	SHA256_CTX hash;
	bool same;

	if (!pixels || draw(self, pixels, &self->asked, 0))
		return false;
	for (uint32_t y = r->live.y; y < r->live.y + r->live.height; y++)
		memset(pixels + (size_t)y * r->width + r->live.x, 0, r->live.width * 4);
	SHA256_Init(&hash);
	SHA256_Update(&hash, pixels + (size_t)r->attested.y * r->width,
		      (size_t)r->attested.width * r->attested.height * 4);
	SHA256_Final(digest, &hash);
	same = !memcmp(digest, r->frame_digest, sizeof(digest));
	free(pixels);
	return same;
}

TEST_F(picture, of_what_was_asked)
{
	ASSERT_EQ(0, ask(&self->asked, TCONN_KIND_CONFIRM, TRUE_TEXT));
	ASSERT_EQ(0, ask(&self->shown, TCONN_KIND_CONFIRM, TRUE_TEXT));
	ASSERT_EQ(0, hold(self));
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, self->record.outcome);
	EXPECT_TRUE(shows_what_was_asked(self));
}

TEST_F(picture, of_something_else_is_confirmed_and_known)
{
	ASSERT_EQ(0, ask(&self->asked, TCONN_KIND_CONFIRM, TRUE_TEXT));
	ASSERT_EQ(0, ask(&self->shown, TCONN_KIND_CONFIRM, FALSE_TEXT));
	ASSERT_EQ(0, hold(self));
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, self->record.outcome);
	EXPECT_FALSE(shows_what_was_asked(self));
}

/* The digest does not depend on how many digits were typed. */
TEST_F(picture, of_a_pin)
{
	ASSERT_EQ(0, ask(&self->asked, TCONN_KIND_PIN, TRUE_TEXT));
	ASSERT_EQ(0, ask(&self->shown, TCONN_KIND_PIN, TRUE_TEXT));
	ASSERT_EQ(0, hold(self));
	EXPECT_EQ(TCONN_OUTCOME_ENTERED, self->record.outcome);
	EXPECT_TRUE(shows_what_was_asked(self));
}

TEST_F(picture, of_a_pin_for_something_else_is_known)
{
	ASSERT_EQ(0, ask(&self->asked, TCONN_KIND_PIN, TRUE_TEXT));
	ASSERT_EQ(0, ask(&self->shown, TCONN_KIND_PIN, FALSE_TEXT));
	ASSERT_EQ(0, hold(self));
	EXPECT_FALSE(shows_what_was_asked(self));
}

TEST_HARNESS_MAIN
