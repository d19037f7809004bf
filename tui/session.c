// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "daemon/lib/request_proof.h"
#include "daemon/lib/sealed_pin.h"
#include "tui/dialog.h"
#include "tui/session.h"

#define HOLD_MARGIN_MS 20	/* the key went down before we learned of it, not after */

struct session {
	struct tui_backend *b;
	const struct tui_request *request;
	struct tui_reply *reply;
	int reply_fd;
	struct tconn_font *font;
	struct tui_dialog dialog;
	struct tconn_render shown;	/* the picture on the screen */
	int64_t settle_ms;		/* when that picture has been there long enough */
	int64_t deadline_ms;		/* INT64_MAX: the module keeps the time */
	enum tconn_outcome held;	/* what a key means that is still down, or NONE */
	int64_t held_ms;		/* when it has been down long enough */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int statement_failed(struct tui_reply *reply, int error, size_t at)
{
	return tui_reply_fail(reply, TCONN_TUI_STATEMENT, error, "%s (at byte %zu of the text)",
			      tconn_statement_strerror(error), at);
}

static int check_statement(const struct tui_request *request, struct tconn_statement *ret,
			   struct tui_reply *reply)
{
	size_t at = 0;
	int r = tconn_statement_parse(request->statement, request->statement_len, ret, &at);

	if (!r)
		r = tconn_statement_check_renders(ret, 0, 0, &at);
	return r ? statement_failed(reply, r, at) : 0;
}

static bool policy_names_issuer(const struct tui_backend *b)
{
	static const uint8_t none[sizeof(b->service_ca)];

	return memcmp(b->service_ca, none, sizeof(none)) != 0;
}

/* Byte for byte: of a notice that nobody vouches for, every word is this program's. */
static bool is_attention_notice(const struct tui_request *q)
{
	static const char text[] = TCONN_TUI_ATTENTION;
	const struct tconn_statement s = {
		.kind = TCONN_KIND_NOTICE, .text = text, .text_len = sizeof(text) - 1,
	};
	uint8_t own[TCONN_STATEMENT_HEADER + sizeof(text)];
	int len = tconn_statement_encode(&s, own, sizeof(own));

	return len > 0 && q->statement_len == (uint32_t)len && !memcmp(q->statement, own, (size_t)len);
}

/*
 * Whoever starts this program may hand it any request, and a key of their own to seal a PIN
 * to. Where the policy says who vouches for services, only a request that one of them signed
 * is shown.
 */
static int check_proof(struct session *s)
{
	const struct tui_request *q = s->request;
	const struct tconn_proof_of of = {
		.nonce = q->nonce, .verifier_key = q->verifier_key,
		.statement = q->statement, .statement_len = q->statement_len,
	};
	struct tconn_identity service;
	struct tconn_error err = { "" };
	int r;

	if (!policy_names_issuer(s->b) || (!q->proof_len && is_attention_notice(q)))
		return 0;
	r = tconn_proof_verify(q->proof, q->proof_len, &of, s->b->service_ca, &service, &err);
	if (r == 0)
		return 0;
	return tui_reply_fail(s->reply, TCONN_TUI_UNPROVEN, -r,
			      "the request is not of a service of this device's policy: %s",
			      err.text);
}

/* The screen's size is known now; nothing has been shown yet. */
static int check_fits(struct session *s)
{
	const struct tconn_canvas *canvas = &s->b->canvas;
	size_t at = 0;

	if (tconn_render_fits(s->font, s->dialog.statement, &s->b->gestures, canvas->width,
			      canvas->height, &at))
		return 0;
	return statement_failed(s->reply, TCONN_STATEMENT_TOO_LONG, at);
}

static int draw(struct session *s, const struct tconn_render *picture,
		const struct tconn_box *damage)
{
	int r = tconn_render_draw(s->font, &s->b->canvas, picture, damage);

	if (r)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, -r,
				      "the picture cannot be drawn: %s", strerror(-r));
	s->shown = *picture;
	return 0;
}

static void mark_shown(struct session *s)
{
	s->settle_ms = now_ms() + s->b->grace_ms;
	tui_dialog_shown(&s->dialog);
}

static struct tconn_render picture_now(const struct session *s)
{
	struct tconn_render picture = tui_dialog_picture(&s->dialog);

	picture.untrusted = s->b->untrusted;
	picture.developer = s->b->developer;
	picture.look = s->request->look;
	picture.gestures = s->b->gestures;
	picture.phrase = s->request->phrase[0] ? s->request->phrase : NULL;
	return picture;
}

static int show_first(struct session *s)
{
	struct tconn_render picture = picture_now(s);
	const struct tconn_canvas *canvas = &s->b->canvas;
	struct tconn_box live = { 0 };
	int r = tconn_render_live(s->font, &picture, canvas->width, canvas->height, &live);

	if (r)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, -r,
				      "the picture cannot be laid out: %s", strerror(-r));
	if (draw(s, &picture, NULL) || s->b->ops->activate(s->b, live, s->reply))
		return -1;
	mark_shown(s);
	return 0;
}

static int show_changes(struct session *s)
{
	struct tconn_render picture = picture_now(s);
	struct tconn_box damage = { 0 };
	int r = tconn_render_damage(s->font, &s->b->canvas, &s->shown, &picture, &damage);

	if (r)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, -r,
				      "the picture cannot be laid out: %s", strerror(-r));
	if (tconn_box_is_empty(damage))
		return 0;
	if (draw(s, &picture, &damage) || s->b->ops->show(s->b, damage, s->reply))
		return -1;
	mark_shown(s);
	return 0;
}

/*
 * Asks the module. Where it saw no gesture: a press came too early, and the dialog says
 * so. A hold may become one, so it is asked again; of a double press the other half may
 * come. Their picture stays as it is, for a change would void what was begun.
 */
static int decide(struct session *s, enum tconn_outcome *outcome)
{
	const struct tconn_gesture *gesture =
		*outcome == TCONN_OUTCOME_DENIED ? &s->b->gestures.deny : &s->b->gestures.confirm;
	int r;

	tconn_render_word(&s->shown, s->b->picture);
	r = s->b->ops->decide(s->b, *outcome, s->reply);
	if (r <= 0)
		return r;
	if (gesture->type == TCONN_GESTURE_HOLD && !s->held) {
		s->held = *outcome;
		s->held_ms = now_ms() + gesture->ms + HOLD_MARGIN_MS;
	} else if (gesture->type == TCONN_GESTURE_PRESS) {
		tui_dialog_refused(&s->dialog);
	}
	*outcome = TCONN_OUTCOME_NONE;
	return 0;
}

/* Handles every key that waits, up to a decision. */
static int take_keys(struct session *s, enum tconn_outcome *outcome)
{
	uint16_t key;
	int r = 0;

	while (*outcome == TCONN_OUTCOME_NONE) {
		r = s->b->ops->key(s->b, &key, s->reply);
		if (r <= 0)
			break;
		s->held = TCONN_OUTCOME_NONE;
		*outcome = tui_dialog_key(&s->dialog, key);
		r = *outcome ? decide(s, outcome) : 0;
		if (r == 0 && *outcome == TCONN_OUTCOME_NONE)
			r = show_changes(s);
		if (r < 0)
			break;
	}
	explicit_bzero(&key, sizeof(key));
	return r < 0 ? -1 : 0;
}

static int poll_timeout(const struct session *s)
{
	int64_t until = s->deadline_ms, left;

	if (!s->dialog.ready && s->settle_ms < until)
		until = s->settle_ms;
	if (s->held && s->held_ms < until)
		until = s->held_ms;
	if (until == INT64_MAX)
		return -1;
	left = until - now_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Waits once. The dialog settles only when its time has come and poll() saw no
 * key waiting: keys queued while this process did not run are early keys.
 */
static int wait_once(struct session *s)
{
	struct pollfd fds[TUI_BACKEND_FDS + 1];
	size_t n = s->b->ops->fds(s->b, fds);
	int r;

	fds[n] = (struct pollfd){ .fd = s->reply_fd };
	r = poll(fds, n + 1, poll_timeout(s));
	if (r < 0 && errno != EINTR)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, errno, "poll: %s",
				      strerror(errno));
	if (r > 0 && fds[n].revents)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, EPIPE,
				      "whoever asked is gone: the question was taken back");
	if (now_ms() >= s->deadline_ms)
		return tui_reply_fail(s->reply, TCONN_TUI_UNTRUSTED, ETIMEDOUT,
				      "nobody answered in time on the development backend");
	if (r == 0 && !s->dialog.ready && now_ms() >= s->settle_ms)
		tui_dialog_settled(&s->dialog);
	return 0;
}

/* A key that was held long enough by now decides; if it is up, nothing was meant. */
static int take_hold(struct session *s, enum tconn_outcome *outcome)
{
	int r;

	if (!s->held || now_ms() < s->held_ms)
		return 0;
	*outcome = s->held;
	r = decide(s, outcome);
	s->held = TCONN_OUTCOME_NONE;
	return r;
}

/* The digits leave this process only for whoever holds the other half of the key. */
static int hand_over(struct session *s, enum tconn_outcome outcome)
{
	const struct tui_request *q = s->request;
	const struct tconn_pin_binding to = {
		.nonce = q->nonce, .statement = q->statement, .statement_len = q->statement_len,
		.record = &s->reply->record,
	};
	struct tconn_pin pin = { .len = (uint8_t)s->dialog.entered };
	int r;

	if (outcome != TCONN_OUTCOME_ENTERED || s->b->untrusted)
		return 0;
	memcpy(pin.digits, s->dialog.pin, pin.len);
	r = tconn_pin_seal(&pin, q->verifier_key, &to, s->reply->answer);
	tconn_pin_wipe(&pin);
	if (r)
		return tui_reply_fail(s->reply, TCONN_TUI_FAILED, -r,
				      "the PIN could not be sealed to the service's key: %s",
				      strerror(-r));
	s->reply->answer_len = sizeof(s->reply->answer);
	return 0;
}

static int converse(struct session *s)
{
	enum tconn_outcome outcome = TCONN_OUTCOME_NONE;

	if (check_proof(s) || check_fits(s) || show_first(s))
		return -1;
	while (outcome == TCONN_OUTCOME_NONE)
		if (wait_once(s) || take_keys(s, &outcome) || take_hold(s, &outcome))
			return -1;
	return hand_over(s, outcome);
}

void tui_session_run(struct tui_backend *b, const struct tui_request *request, int reply_fd,
		     struct tui_reply *reply)
{
	_cleanup_font_ struct tconn_font *font = NULL;
	struct session s = { .b = b, .request = request, .reply = reply, .reply_fd = reply_fd };
	struct tconn_statement statement;

	if (check_statement(request, &statement, reply))
		return;
	if (tconn_font_new(&font)) {
		tui_reply_fail(reply, TCONN_TUI_FAILED, ENOMEM, "no memory for the font");
		return;
	}
	s.font = font;
	tui_dialog_init(&s.dialog, &statement);
	s.deadline_ms = b->untrusted ? now_ms() + request->timeout_ms : INT64_MAX;
	if (b->ops->bind(b, request, statement.kind, reply) == 0)
		(void)converse(&s);
	tui_dialog_wipe(&s.dialog);
}
