// SPDX-License-Identifier: Apache-2.0
/*
 * session.h: what the session does where the module has not seen a gesture (yet), and
 * whose requests it shows.
 */
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "compose.h"
#include "daemon/lib/digest.h"
#include "selftests/lib/soft_service.h"
#include "tui/session.h"

#define WIDTH	800
#define HEIGHT	480

#define PAUSE	0	/* among keys: none waits for once */

/* A backend that plays keys and refuses the first decisions. */
struct play {
	struct tui_backend backend;
	uint32_t pixels[WIDTH * HEIGHT];
	const uint16_t *keys;
	size_t n_keys, next;
	bool polled;			/* since the last key */
	int waiting[2];			/* a pipe with a byte in it */
	int refuse;			/* that many times */
	uint8_t service_ca[32];		/* the policy's */
	bool bound, activated;
	int asked, shown, shown_when_asked[4];
	int64_t asked_ms[4];
	struct tconn_box live;
	enum tconn_outcome outcome;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct play *play_of(struct tui_backend *b)
{
	return (struct play *)b;
}

static int play_bind(struct tui_backend *b, const struct tui_request *request, uint16_t kind,
		     struct tui_reply *reply)
{
	(void)request, (void)kind, (void)reply;
	play_of(b)->bound = true;
	memcpy(b->service_ca, play_of(b)->service_ca, sizeof(b->service_ca));
	b->canvas = (struct tconn_canvas){ (void *)play_of(b)->pixels, WIDTH, HEIGHT, WIDTH * 4 };
	return 0;
}

static int play_activate(struct tui_backend *b, struct tconn_box live, struct tui_reply *reply)
{
	(void)reply;
	play_of(b)->activated = true;
	play_of(b)->live = live;
	return 0;
}

static int play_show(struct tui_backend *b, struct tconn_box damage, struct tui_reply *reply)
{
	(void)damage, (void)reply;
	play_of(b)->shown++;
	return 0;
}

static size_t play_fds(struct tui_backend *b, struct pollfd *fds)
{
	struct play *p = play_of(b);

	p->polled = true;
	if (p->next == p->n_keys || p->keys[p->next] == PAUSE)
		return 0;
	fds[0] = (struct pollfd){ .fd = p->waiting[0], .events = POLLIN };
	return 1;
}

static int play_key(struct tui_backend *b, uint16_t *ret_key, struct tui_reply *reply)
{
	struct play *p = play_of(b);

	(void)reply;
	if (p->next == p->n_keys)
		return 0;
	if (p->keys[p->next] == PAUSE) {
		p->next += p->polled;
		return 0;
	}
	p->polled = false;
	*ret_key = p->keys[p->next++];
	return 1;
}

static int play_decide(struct tui_backend *b, enum tconn_outcome outcome, struct tui_reply *reply)
{
	struct play *p = play_of(b);

	(void)reply;
	p->shown_when_asked[p->asked] = p->shown;
	p->asked_ms[p->asked++] = now_ms();
	p->outcome = outcome;
	return p->refuse-- > 0;
}

static const struct tui_backend_ops ops = {
	.bind = play_bind, .activate = play_activate, .show = play_show, .fds = play_fds,
	.key = play_key, .decide = play_decide,
};

static struct play play;

static struct tui_reply reply;

static void run_wire(struct __test_metadata *_metadata, const uint8_t *wire, size_t len,
		     struct tconn_gesture confirm, const uint16_t *keys, size_t n_keys)
{
	struct tui_request request;
	int ends[2];

	memset(&reply, 0, sizeof(reply));
	ASSERT_EQ(NULL, tui_request_parse(wire, len, &request));
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, pipe(play.waiting));
	ASSERT_EQ(1, write(play.waiting[1], "", 1));
	play.backend.ops = &ops;
	play.backend.gestures = (struct tconn_gestures){ confirm, { TCONN_GESTURE_PRESS, KEY_ESC, 0 } };
	play.keys = keys;
	play.n_keys = n_keys;
	tui_session_run(&play.backend, &request, ends[1], &reply);
	close(ends[0]);
	close(ends[1]);
	close(play.waiting[0]);
	close(play.waiting[1]);
}

static size_t ask(uint8_t wire[static COMPOSE_MAX], uint16_t kind)
{
	uint8_t statement[TCONN_STATEMENT_MAX];
	bool pin = kind == TCONN_KIND_PIN;
	size_t len = compose_statement(statement, kind, pin ? 1 : 0, pin ? 4 : 0, "Pay?", 4);

	return compose_request(wire, 30000, statement, len);
}

static void run(struct __test_metadata *_metadata, uint16_t kind, struct tconn_gesture confirm,
		const uint16_t *keys, size_t n_keys)
{
	uint8_t wire[COMPOSE_MAX];

	run_wire(_metadata, wire, ask(wire, kind), confirm, keys, n_keys);
}

#define PRESS	((struct tconn_gesture){ TCONN_GESTURE_PRESS, KEY_ENTER, 0 })
#define HOLD	((struct tconn_gesture){ TCONN_GESTURE_HOLD, KEY_ENTER, 200 })
#define DOUBLE	((struct tconn_gesture){ TCONN_GESTURE_DOUBLE, KEY_ENTER, 300 })

/* As whoever has the record draws it. */
TEST(legend_is_of_the_policys_gestures)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER };
	static uint32_t pixels[WIDTH * HEIGHT];
	const struct tconn_canvas canvas = { (void *)pixels, WIDTH, HEIGHT, WIDTH * 4 };
	const struct tconn_statement s = { .kind = TCONN_KIND_CONFIRM, .text = "Pay?", .text_len = 4 };
	struct tconn_render state = { .statement = &s };
	_cleanup_font_ struct tconn_font *font = NULL;

	run(_metadata, TCONN_KIND_CONFIRM, HOLD, keys, ARRAY_SIZE(keys));
	ASSERT_EQ(1, play.asked);
	EXPECT_EQ(2, play.backend.picture[0]);
	ASSERT_EQ(0, tconn_font_new(&font));
	ASSERT_EQ(0, tconn_render_draw(font, &canvas, &state, NULL));
	EXPECT_NE(0, memcmp(pixels, play.pixels, sizeof(pixels)));
	state.gestures = play.backend.gestures;
	ASSERT_EQ(0, tconn_render_draw(font, &canvas, &state, NULL));
	EXPECT_EQ(0, memcmp(pixels, play.pixels, sizeof(pixels)));
}

TEST(a_press_that_did_not_count_is_said_to_be_early)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER, PAUSE, KEY_ENTER };

	play.refuse = 1;
	run(_metadata, TCONN_KIND_CONFIRM, PRESS, keys, ARRAY_SIZE(keys));
	EXPECT_EQ(2, play.asked);
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, play.outcome);
	EXPECT_EQ(0, play.shown_when_asked[0]);
	EXPECT_EQ(1, play.shown_when_asked[1]);
}

TEST(a_hold_is_asked_for_again_under_the_same_picture)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER };

	play.refuse = 1;
	run(_metadata, TCONN_KIND_CONFIRM, HOLD, keys, ARRAY_SIZE(keys));
	EXPECT_EQ(2, play.asked);
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, play.outcome);
	EXPECT_EQ(0, play.shown);
	EXPECT_LE(200, play.asked_ms[1] - play.asked_ms[0]);
}

TEST(a_hold_that_ends_early_is_forgotten)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER, PAUSE, KEY_ENTER };

	play.refuse = 3;
	run(_metadata, TCONN_KIND_CONFIRM, HOLD, keys, ARRAY_SIZE(keys));
	EXPECT_EQ(4, play.asked);
	EXPECT_EQ(0, play.shown);
}

TEST(half_a_double_press_changes_no_picture)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER, KEY_ENTER };

	play.refuse = 1;
	run(_metadata, TCONN_KIND_CONFIRM, DOUBLE, keys, ARRAY_SIZE(keys));
	EXPECT_EQ(2, play.asked);
	EXPECT_EQ(0, play.shown);
}

TEST(denied_meanwhile_is_denied)
{
	static const uint16_t keys[] = { PAUSE, KEY_ENTER, KEY_ESC };

	play.refuse = 1;
	run(_metadata, TCONN_KIND_CONFIRM, PRESS, keys, ARRAY_SIZE(keys));
	EXPECT_EQ(TCONN_OUTCOME_DENIED, play.outcome);
}

TEST(only_a_pin_has_live_pixels)
{
	static const uint16_t keys[] = { PAUSE, KEY_ESC };

	run(_metadata, TCONN_KIND_CONFIRM, PRESS, keys, ARRAY_SIZE(keys));
	EXPECT_TRUE(tconn_box_is_empty(play.live));
	play.next = 0;
	run(_metadata, TCONN_KIND_PIN, PRESS, keys, ARRAY_SIZE(keys));
	EXPECT_FALSE(tconn_box_is_empty(play.live));
}

/* -- whose request it is */

static const uint16_t yes[] = { PAUSE, KEY_ENTER };

FIXTURE(asker) {
	struct soft_party issuer, service;
	uint8_t wire[COMPOSE_MAX];
	size_t len;
};

FIXTURE_VARIANT(asker) {
	uint16_t kind;
};

FIXTURE_VARIANT_ADD(asker, of_a_confirmation) { TCONN_KIND_CONFIRM };
FIXTURE_VARIANT_ADD(asker, of_a_pin) { TCONN_KIND_PIN };
FIXTURE_VARIANT_ADD(asker, of_a_notice) { TCONN_KIND_NOTICE };

FIXTURE_SETUP(asker)
{
	soft_issuer(&self->issuer, "Issuer");
	soft_service(&self->service, &self->issuer);
	tconn_sha256(self->issuer.cert, self->issuer.cert_len, play.service_ca);
	self->len = ask(self->wire, variant->kind);
}

FIXTURE_TEARDOWN(asker)
{
	soft_free(&self->issuer);
	soft_free(&self->service);
}

/* What the service signs; its own key in the request unless somebody puts in another. */
static size_t prove(FIXTURE_DATA(asker) *self, const struct soft_party *issuer)
{
	const struct tconn_tui_request *h = (const void *)self->wire;
	const struct tconn_proof_of of = {
		h->nonce, h->verifier_key, self->wire + sizeof(*h), self->len - sizeof(*h),
	};
	uint8_t proof[TCONN_PROOF_MAX];

	return compose_proof(self->wire, self->len, proof,
			     soft_prove(&self->service, issuer, &of, proof));
}

static void run_asker(struct __test_metadata *_metadata, FIXTURE_DATA(asker) *self,
		      uint16_t kind, size_t len)
{
	static const uint16_t no[] = { PAUSE, KEY_ESC };

	run_wire(_metadata, self->wire, len, PRESS, kind == TCONN_KIND_PIN ? no : yes, 2);
}

#define EXPECT_UNPROVEN(why) do { \
	EXPECT_EQ(TCONN_TUI_UNPROVEN, reply.status) TH_LOG("%s", reply.message); \
	EXPECT_NE(NULL, strstr(reply.message, "is not of a service of this device's policy")); \
	EXPECT_NE(NULL, strstr(reply.message, why)) TH_LOG("%s", reply.message); \
	EXPECT_FALSE(play.activated); \
	EXPECT_EQ(0, play.asked); \
	EXPECT_EQ(0, play.pixels[0]); \
} while (0)

TEST_F(asker, that_proves_itself_is_heard)
{
	run_asker(_metadata, self, variant->kind, prove(self, &self->issuer));
	EXPECT_EQ(0, reply.status) TH_LOG("%s", reply.message);
	EXPECT_TRUE(play.activated);
	EXPECT_EQ(1, play.asked);
}

TEST_F(asker, without_a_proof_is_refused)
{
	run_asker(_metadata, self, variant->kind, self->len);
	EXPECT_UNPROVEN("no proof");
}

/* tconnd, taken over: a true request, but the PIN is to be sealed for somebody else. */
TEST_F(asker, with_another_key_in_the_request_is_refused)
{
	size_t len = prove(self, &self->issuer);

	self->wire[offsetof(struct tconn_tui_request, verifier_key)] ^= 1;
	run_asker(_metadata, self, variant->kind, len);
	EXPECT_UNPROVEN("for another key");
}

TEST_F(asker, with_another_nonce_is_refused)
{
	size_t len = prove(self, &self->issuer);

	self->wire[offsetof(struct tconn_tui_request, nonce)] ^= 1;
	run_asker(_metadata, self, variant->kind, len);
	EXPECT_UNPROVEN("for another nonce");
}

TEST_F(asker, with_another_statement_is_refused)
{
	size_t len = prove(self, &self->issuer);

	self->wire[self->len - 1] = '!';
	run_asker(_metadata, self, variant->kind, len);
	EXPECT_UNPROVEN("for another statement");
}

TEST_F(asker, whom_another_issuer_vouches_for_is_refused)
{
	size_t len = prove(self, &self->issuer);

	play.service_ca[0] ^= 1;
	run_asker(_metadata, self, variant->kind, len);
	EXPECT_UNPROVEN("another issuer");
}

TEST_F(asker, is_not_looked_at_where_the_policy_names_nobody)
{
	memset(play.service_ca, 0, sizeof(play.service_ca));
	run_asker(_metadata, self, variant->kind, self->len);
	EXPECT_EQ(0, reply.status) TH_LOG("%s", reply.message);
	EXPECT_EQ(1, play.asked);
}

/* -- the notice that tconnd asks for when the attention key was pressed */

static size_t ask_text(uint8_t wire[static COMPOSE_MAX], uint16_t kind, const char *text)
{
	uint8_t statement[TCONN_STATEMENT_MAX];
	size_t len = compose_statement(statement, kind, 0, 0, text, strlen(text));

	return compose_request(wire, 30000, statement, len);
}

TEST(attention_notice_needs_no_proof)
{
	uint8_t wire[COMPOSE_MAX];

	memset(play.service_ca, 0xca, sizeof(play.service_ca));
	run_wire(_metadata, wire, ask_text(wire, TCONN_KIND_NOTICE, TCONN_TUI_ATTENTION), PRESS,
		 yes, 2);
	EXPECT_EQ(0, reply.status) TH_LOG("%s", reply.message);
	EXPECT_EQ(1, play.asked);
}

TEST(attention_notice_with_a_word_more_is_refused)
{
	uint8_t wire[COMPOSE_MAX];

	memset(play.service_ca, 0xca, sizeof(play.service_ca));
	run_wire(_metadata, wire, ask_text(wire, TCONN_KIND_NOTICE, TCONN_TUI_ATTENTION "!"),
		 PRESS, yes, 2);
	EXPECT_UNPROVEN("no proof");
}

TEST(attention_text_as_a_question_is_refused)
{
	uint8_t wire[COMPOSE_MAX];

	memset(play.service_ca, 0xca, sizeof(play.service_ca));
	run_wire(_metadata, wire, ask_text(wire, TCONN_KIND_CONFIRM, TCONN_TUI_ATTENTION), PRESS,
		 yes, 2);
	EXPECT_UNPROVEN("no proof");
}

TEST_HARNESS_MAIN
