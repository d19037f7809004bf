// SPDX-License-Identifier: Apache-2.0
#include "service.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/cbor_util.h"
#include "../lib/half.h"
#include "../lib/say.h"
#include "../lib/words.h"
#include "ask.h"
#include "outbox.h"
#include "phrase.h"

#define MOVE_MS	2000	/* for the service to give up the old connection */

static void message_wipe(struct tconn_message *m)
{
	if (m->answer.data)
		OPENSSL_cleanse(m->answer.data, m->answer.len);
	tconn_message_free(m);
}

#define _cleanup_message_ __attribute__((cleanup(message_wipe)))

/* A service whose machine vanished without a word is noticed within two minutes. */
static void keep_alive(int fd)
{
	const int on = 1, idle = 30, interval = 30, count = 3;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int check_name(struct service *s, const struct tconn_channel *c, struct tconn_error *err)
{
	struct tconn_identity peer;
	int r = tconn_peer_identity(c, s->party.trust, TCONN_ROLE_SERVICE, &peer, err);

	if (r < 0)
		return r;
	if (strcmp(peer.name, s->expected.name) != 0)
		return tconn_fail(err, -EKEYREJECTED,
				  "this is urn:tconn:service:%s, not urn:tconn:service:%s",
				  peer.name, s->expected.name);
	tconn_say("service: connected to urn:tconn:service:%s", peer.name);
	return 0;
}

static int attest(struct service *s, struct tconn_channel *c, struct tconn_error *err)
{
	struct tconn_attestation *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = tconn_attest_device(c, &s->party, &s->expected, a, err);
	tconn_say_verdict("service", &a->peer);
	tconn_say_verdict("device", &a->own);
	state_attested(s->state, a, r == 0);
	free(a);
	return r;
}

/* Quote and logs taken after the answer exists, and over it. */
static int cover(struct service *s, struct tconn_channel *c, const struct tconn_message *request,
		 struct tconn_message *answer, struct tconn_error *err)
{
	struct tconn_party party = s->party;
	uint8_t digest[32];
	int r;

	party.peer_holds = request->held;
	tconn_answer_digest(answer, request->statement.data, request->statement.len, digest);
	r = tconn_attest_collect(c, &party, TCONN_ROLE_DEVICE, request->nonce, digest,
				 &answer->evidence, err);
	OPENSSL_cleanse(digest, sizeof(digest));
	return r < 0 ? tconn_fail_in(err, -EIO, "evidence for the answer") : 0;
}

static int take_receipt(struct service *s, struct tconn_channel *c,
			const struct tconn_message *request, const struct tconn_message *answer,
			struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	char path[4096];
	int r;

	r = tconn_message_receive(c, TCONN_MSG_RECEIPT, TCONN_MESSAGE_MAX, s->party.message_ms, &m,
				  err);
	if (r < 0)
		return r;
	if (m.id != request->id)
		return tconn_fail(err, -EPROTO, "a receipt for another request");
	r = keep_receipt(&s->keep, request, answer, &m.receipt, path, sizeof(path), err);
	if (r < 0)
		return tconn_fail_in(err, r, "receipt");
	state_receipt(s->state);
	tconn_say("request %llu: receipt kept in %s", (unsigned long long)request->id, path);
	return 0;
}

static void say_answer(const struct tconn_message *a)
{
	struct tconn_record r;

	if (a->record.len == sizeof(r)) {
		memcpy(&r, a->record.data, sizeof(r));
		tconn_say("request %llu: %s: %s (cause %s)", (unsigned long long)a->id,
			  tconn_tui_status_name(a->status), tconn_outcome_name(r.outcome),
			  tconn_cause_name(r.cause));
	} else {
		tconn_say("request %llu: %s: %s", (unsigned long long)a->id,
			  tconn_tui_status_name(a->status), a->text);
	}
}

static int ask(struct service *s, struct tconn_channel *c, const struct tconn_message *request,
	       struct tconn_message *answer, struct tconn_error *err)
{
	const struct ask how = {
		.program = s->state->settings->tui,
		.args = s->state->settings->tui_args,
		.phrase = state_phrase_shown(s->state),
		.stop_fd = s->state->stop_fd,
		.peer_fd = tconn_channel_fd(c),
	};
	int r;

	state_asking(s->state, true);
	r = ask_person(&how, request, answer, err);
	state_asking(s->state, false);
	if (r == 0)
		say_answer(answer);
	return r;
}

/* Our half of the receipt; an answer without a record has none. */
static int sign(struct service *s, const struct tconn_message *request,
		struct tconn_message *answer, struct tconn_error *err)
{
	const struct tconn_half half = {
		.id = answer->id, .status = answer->status, .nonce = request->nonce,
		.statement = request->statement, .record = answer->record,
		.answer = answer->answer,
	};
	int r;

	if (!answer->record.len)
		return 0;
	r = tconn_half_sign(&half, s->party.tpm, &answer->signature, err);
	if (r)
		return r;
	return tconn_bytes_copy(&answer->signer, s->credentials->data_cert.data,
				    s->credentials->data_cert.len, err);
}

static int serve_request(struct service *s, struct tconn_channel *c,
			 const struct tconn_message *request, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message answer = { .type = TCONN_MSG_ANSWER };
	int r;

	tconn_say("request %llu: a statement of %zu bytes", (unsigned long long)request->id,
		  request->statement.len);
	answer.id = request->id;
	/* Until its record is covered, which has to be the last one. */
	state_take_screen(s->state);
	r = ask(s, c, request, &answer, err);
	if (r == 0)
		r = sign(s, request, &answer, err);
	if (r == 0)
		r = cover(s, c, request, &answer, err);
	state_give_screen(s->state);
	if (r == 0)
		r = tconn_message_send(c, &answer, err);
	if (answer.answer.data)
		OPENSSL_cleanse(answer.answer.data, answer.answer.len);
	return r < 0 ? r : take_receipt(s, c, request, &answer, err);
}

/* The service wants to know how we are now. What we know of it stays as it is. */
static int attest_again(struct service *s, struct tconn_channel *c,
			const struct tconn_message *request, struct tconn_error *err)
{
	struct tconn_attestation *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = tconn_reattest_device(c, &s->party, request, a, err);
	if (a->own.count) {
		tconn_say_verdict("device", &a->own);
		state_reattested(s->state, &a->own, r == 0);
	}
	free(a);
	return r;
}

/* The service's data: nobody gets to see it before it was checked. */
static int take_item(struct service *s, struct tconn_channel *c, const struct tconn_message *item,
		     struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_TAKEN, .id = item->id };
	struct tconn_intake_item got;
	struct tconn_error why = { "" };
	int r = s->intake.dir ?
		tconn_intake_take(&s->intake, &s->expected, NULL, &item->label, &item->item, &got, &why) :
		tconn_fail(&why, -EOPNOTSUPP, "this device takes no items");

	if (r) {
		tconn_say("service: refused (%s): %s", tconn_label_fault(r), why.text);
		m.code = (uint32_t)-r;
		snprintf(m.text, sizeof(m.text), "%s", why.text);
	} else {
		tconn_say("service: item %s kept in %s", got.name, got.path);
	}
	return tconn_message_send(c, &m, err);
}

static int hear_taken(struct service *s, struct tconn_channel *c, uint64_t id, const char *name,
		      struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r = tconn_message_receive(c, TCONN_MSG_TAKEN, TCONN_MESSAGE_MAX, s->party.message_ms, &m,
				      err);

	if (r == 0 && m.id != id)
		r = tconn_fail(err, -EPROTO, "TAKEN about another item");
	if (r == 0)
		outbox_done(s->state->settings->outbox, name, -(int)m.code, m.text);
	return r;
}

/* The next one of the outbox, or word that there is none. */
static int give_item(struct service *s, struct tconn_channel *c, struct tconn_error *err)
{
	struct tconn_message m = { .type = TCONN_MSG_ITEM };	/* what it holds is item's */
	struct outbox_item item = { .name = "" };
	struct tconn_error why;
	int r;

	if (s->state->settings->outbox && outbox_next(s->state->settings->outbox, &item, &why))
		tconn_say("outbox: %s", why.text);
	if (item.name[0]) {
		m.id = ++s->items_sent;
		m.label = item.label;
		m.item = item.data;
	}
	r = tconn_message_send(c, &m, err);
	if (r == 0 && item.name[0])
		r = hear_taken(s, c, m.id, item.name, err);
	outbox_item_free(&item);
	return r;
}

static int serve_message(struct service *s, struct tconn_channel *c, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r = tconn_message_receive(c, TCONN_MSG_ANY, TCONN_FRAME_ITEM, s->party.message_ms, &m,
				      err);

	if (r == -ECONNRESET)
		return tconn_fail(err, r, "the service closed the connection");
	if (r < 0)
		return r;
	if (m.type == TCONN_MSG_REQUEST)
		return serve_request(s, c, &m, err);
	if (m.type == TCONN_MSG_ATTEST)
		return attest_again(s, c, &m, err);
	if (m.type == TCONN_MSG_ITEM)
		return take_item(s, c, &m, err);
	if (m.type == TCONN_MSG_FETCH)
		return give_item(s, c, err);
	return tconn_fail(err, -EPROTO, "unexpected message: a REQUEST, ATTEST, ITEM or FETCH is due");
}

/* Until there is something to read (0) or a renewed identity (1); or -ECANCELED. */
static int wait_for_request(struct service *s, struct tconn_channel *c, struct tconn_error *err)
{
	struct pollfd p[] = {
		{ .fd = s->state->stop_fd, .events = POLLIN },
		{ .fd = tconn_channel_fd(c), .events = POLLIN },
		{ .fd = s->fresh_fd, .events = POLLIN },
	};

	if (tconn_channel_pending(c))
		return 0;
	while (poll(p, 3, -1) < 0)
		if (errno != EINTR)
			return tconn_fail(err, -errno, "poll: %s", strerror(errno));
	if (p[0].revents)
		return tconn_fail(err, -ECANCELED, "told to stop");
	return !p[1].revents && p[2].revents;
}

/* Proves who we are and who the service is: trusted in both directions. */
static int meet(struct service *s, struct tconn_channel *c, struct tconn_error *err)
{
	int r = check_name(s, c, err);

	if (r == 0)
		r = attest(s, c, err);
	if (r == 0)
		tconn_say("service: verdict: trusted, in both directions");
	return r;
}

/* Renewed credentials, if there are some, from now on. */
static bool take_fresh(struct service *s)
{
	struct tconn_credentials *fresh = atomic_exchange(&s->fresh, NULL);
	eventfd_t waste;

	eventfd_read(s->fresh_fd, &waste);
	if (!fresh)
		return false;
	tconn_credentials_put(s->credentials);
	s->credentials = fresh;
	return true;
}

/* Its verdict comes before the service has let us in: only then does it end the old one. */
static void wait_until_ended(const struct tconn_channel *c)
{
	struct pollfd p = { .fd = tconn_channel_fd(c), .events = POLLIN };

	poll(&p, 1, MOVE_MS);
}

/* The service ends the old connection itself once it trusts the new one, so that at no time
 * it has none. Where it cannot be reached the old one goes on.
 */
static int move_over(struct service *s, struct tconn_channel **c, struct tconn_error *err)
{
	struct tconn_channel *next = NULL;
	int r;

	if (!take_fresh(s))
		return 0;
	if (tconn_channel_connect(s->credentials->tls, s->state->settings->service, &next, err) < 0) {
		tconn_say("service: no second connection for the renewed identity: %s", err->text);
		return 0;
	}
	r = meet(s, next, err);
	if (r < 0) {
		tconn_channel_refuse(next, r, err);
		tconn_channel_close(next);
		return r;
	}
	keep_alive(tconn_channel_fd(next));
	state_moved(s->state, tconn_channel_fd(next));
	wait_until_ended(*c);
	tconn_channel_close(*c);
	*c = next;
	tconn_say("service: connected with the renewed identity");
	return 0;
}

static int converse(struct service *s, struct tconn_channel **c, bool *ret_trusted,
		    struct tconn_error *err)
{
	int r = meet(s, *c, err);

	*ret_trusted = r == 0;
	if (r == 0)
		phrase_first_use(s->phrase);
	while (r == 0) {
		r = wait_for_request(s, *c, err);
		if (r == 0)
			r = serve_message(s, *c, err);
		else if (r > 0)
			r = move_over(s, c, err);
	}
	return r;
}

/* One connection; true if it got as far as trust. */
static bool connect_once(struct service *s)
{
	struct tconn_channel *c = NULL;
	struct tconn_error err = { "" };
	bool trusted = false;
	int r;

	take_fresh(s);
	r = tconn_channel_connect(s->credentials->tls, s->state->settings->service, &c, &err);
	if (r == 0) {
		keep_alive(tconn_channel_fd(c));
		state_connected(s->state, tconn_channel_fd(c));
		r = converse(s, &c, &trusted, &err);
		/* Ends with a REFUSAL unless the other side ended it. */
		if (r != -ECANCELED)
			tconn_channel_refuse(c, r, &err);
	}
	state_disconnected(s->state, err.text);
	if (r != -ECANCELED)
		tconn_say("service %s: %s", s->state->settings->service, err.text);
	tconn_channel_close(c);
	return trusted;
}

static void renewed(void *arg, struct tconn_credentials *fresh)
{
	struct service *s = arg;

	tconn_say("identity renewed");
	tconn_credentials_put(atomic_exchange(&s->fresh, fresh));
	eventfd_write(s->fresh_fd, 1);
}

static void not_renewed(void *arg, const struct tconn_error *why)
{
	(void)arg;
	tconn_say("identity is NOT renewed: %s", why->text);
}

int service_renew_start(struct service *s, struct tconn_error *err)
{
	const struct settings *set = s->state->settings;

	s->fresh_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fresh_fd < 0)
		return tconn_fail(err, -errno, "eventfd: %s", strerror(errno));
	s->renewal = (struct tconn_renewal){
		.tpm = s->party.tpm, .trust = s->party.trust, .issuer = set->issuer,
		.identity_dir = set->identity, .self = s->credentials->self,
		.before_days = set->renew_before_days, .end = s->credentials->end,
		.renewed = renewed, .failed = not_renewed, .arg = s,
	};
	return tconn_renewal_start(&s->renewal, err);
}

void service_renew_end(struct service *s)
{
	tconn_renewal_end(&s->renewal);
	tconn_credentials_put(atomic_exchange(&s->fresh, NULL));
	if (s->fresh_fd > 0)
		close(s->fresh_fd);
}

void service_run(struct service *s)
{
	const struct settings *set = s->state->settings;
	uint32_t pause = set->retry_min_ms;

	while (!state_stopped_within(s->state, 0)) {
		if (connect_once(s))
			pause = set->retry_min_ms;
		if (state_stopped_within(s->state, (int)pause))
			break;
		pause = pause * 2 < set->retry_max_ms ? pause * 2 : set->retry_max_ms;
	}
}
