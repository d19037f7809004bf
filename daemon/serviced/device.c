// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../lib/digest.h"
#include "../lib/say.h"
#include "evidence_keep.h"
#include "exchange.h"
#include "items.h"
#include "revocation.h"

/* Who it is, and whether it may come in at all: before any of its evidence is read. */
static int admit(struct device *d, struct tconn_error *err)
{
	struct tconn_identity who;
	int r = tconn_peer_identity(d->channel, d->party.trust, TCONN_ROLE_DEVICE, &who, err);

	if (r < 0)
		return r;
	/* Before it is looked up: what is revoked from now on finds this connection. */
	server_admit(d->server, d, &who);
	r = revocation_check(d->server, d, err);
	if (r == 0)
		r = store_find_device(d->server->store, who.name, err);
	if (r == -ENOENT)
		return tconn_fail(err, -EACCES, "device %s is not enrolled at this service",
				  who.name);
	if (r < 0)
		store_refused(d->server->store, who.name, err->text, NULL);
	return r;
}

/* Called with every evidence of this device. */
static void keep(void *arg, const struct tconn_identity *device, const struct tconn_bytes *encoded,
		 const struct tconn_evidence *e)
{
	const char *dir = ((struct device *)arg)->server->settings->evidence;
	struct device *d = arg;

	server_know_ak(d->server, d, &e->ak_cert);
	tconn_sha256(e->ak.data, e->ak.len, d->ak);
	d->shown = d->appraised;
	if (tconn_appraised_add(&d->shown, e, NULL))
		d->shown.known = false;
	if (strcmp(dir, "none"))
		evidence_keep(dir, device, encoded, e);
}

int device_check_ak(struct device *d, struct tconn_error *err)
{
	int r = revocation_check(d->server, d, err);

	if (r < 0 || !d->ak_serial[0])
		return r;
	r = store_keep_ak(d->server->store, d->identity.name, d->ak, err);
	if (r == 0)
		d->appraised = d->shown;
	return r;
}

void device_audit(struct device *d, const char *what, const char *detail)
{
	char who[TCONN_IDENTITY_MAX + 16];
	struct tconn_error err;

	snprintf(who, sizeof(who), "device at %s", d->address);
	if (store_audit(d->server->store, who, what, d->identity.name, detail, &err) < 0)
		tconn_say("device %s: %s", d->identity.name, err.text);
}

void device_note_failed(struct device *d, const struct tconn_verdict *v)
{
	d->failed[0] = '\0';
	for (size_t i = 0; i < v->count; i++) {
		if (v->check[i].pass)
			continue;
		snprintf(d->failed, sizeof(d->failed), "%s", v->check[i].name);
		return;
	}
}

/* Books and log, whether it went well or not. */
static void note(struct device *d, const struct tconn_attestation *a, const char *why)
{
	struct tconn_error err;

	if (a->own.count)
		tconn_say_verdict("service", &a->own);
	tconn_say_verdict("device", &a->peer);
	server_note(d->server, d, a);
	device_note_failed(d, &a->peer);
	if (store_attestation(d->server->store, d->identity.name, &a->peer, d->kernel, why,
			      &err) < 0)
		tconn_say("device %s: %s", d->identity.name, err.text);
}

/* In before the books are written: the device has the verdict, and may be asked. */
static int attest(struct device *d, struct tconn_error *err)
{
	struct tconn_attestation a;
	int r = tconn_attest_service(d->channel, &d->party, &d->identity, &a, err);

	if (r == 0)
		r = device_check_ak(d, err);
	r = revocation_reason(d, r, err);
	memcpy(d->kernel, a.kernel, sizeof(d->kernel));
	if (r == 0)
		r = server_join(d->server, d, err);
	note(d, &a, r < 0 ? err->text : "");
	return r;
}

int device_attest_again(struct device *d, struct tconn_error *err)
{
	struct tconn_attestation a = { 0 };
	struct tconn_identity who;
	/* The certificate may have ended meanwhile, or its issuer be trusted no more. */
	int r = tconn_peer_identity(d->channel, d->party.trust, TCONN_ROLE_DEVICE, &who, err);

	if (r < 0) {
		store_refused(d->server->store, d->identity.name, err->text, NULL);
		return r;
	}
	r = tconn_reattest_service(d->channel, &d->party, &d->identity, &a, err);
	if (r == 0)
		r = device_check_ak(d, err);
	r = revocation_reason(d, r, err);
	note(d, &a, r < 0 ? err->text : "");
	return r;
}

/* A device that talks without being asked, or that hung up, is over. */
static int hear_idle(struct device *d, struct tconn_error *err)
{
	struct tconn_message m = { 0 };
	int r = tconn_message_receive(d->channel, TCONN_MSG_REFUSAL, TCONN_MESSAGE_MAX,
				      d->server->settings->message_ms, &m, err);

	if (r == -ECONNRESET)
		return tconn_fail(err, r, "the device closed the connection");
	if (r < 0)
		return r;
	r = tconn_fail(err, -ECONNREFUSED, "the device refuses: %s", m.text);
	tconn_message_free(&m);
	return r;
}

static int answer_question(struct device *d, struct question *q, struct tconn_error *err)
{
	int r;

	if (q->label.len) {
		r = items_send(d, q, err);
	} else if (q->attest) {
		r = device_attest_again(d, err);
		q->code = r;
		q->error = *err;
	} else {
		r = exchange(d, q, err);
	}
	server_done(d->server, d);
	return r;
}

static bool has_spoken(const struct device *d)
{
	struct pollfd p = { .fd = tconn_channel_fd(d->channel), .events = POLLIN };

	return tconn_channel_pending(d->channel) || poll(&p, 1, 0) > 0;
}

/* Until there is nothing to do (0, and d is parked) or the connection is over. */
static int serve(struct device *d, struct tconn_error *err)
{
	for (;;) {
		struct question *q;
		int r = 0;

		rules_refresh(d);
		if (atomic_load(&d->called_off))
			return revocation_reason(d, -ECANCELED, err);
		if (has_spoken(d))
			return hear_idle(d, err);
		q = server_take_question(d->server, d);
		if (q)
			r = answer_question(d, q, err);
		else if (server_is_due(d))
			r = device_attest_again(d, err);
		else if (items_is_due(d))
			r = items_fetch(d, err);
		else if (server_park(d->server, d))
			return 0;
		else if (d->server->stopping)
			r = tconn_fail(err, -ECONNRESET, "the service ends");
		if (r < 0)
			return r;
	}
}

static int meet(struct device *d, struct tconn_error *err)
{
	int r = admit(d, err);

	if (r < 0)
		return r;
	tconn_say("%s: device %s connected", d->address, d->identity.name);
	r = attest(d, err);
	if (r == 0) {
		event_raise(d->server, &(struct event){ .kind = EVENT_DEVICE_IN, .check = "",
							.device = d->identity.name },
			    "device %s: verdict: trusted, in both directions", d->identity.name);
		device_audit(d, "device-in", d->kernel);
	}
	return r;
}

static enum event_kind how_it_ended(const struct device *d, int r)
{
	if (r == -EKEYREVOKED)
		return EVENT_REVOKED;
	if (d->failed[0])
		return EVENT_ATTESTATION_FAILED;
	return d->trusted ? EVENT_DEVICE_OUT : EVENT_DEVICE_REFUSED;
}

static bool over(struct device *d, int r, const struct tconn_error *err)
{
	/* A device that nobody knows here could fill the log. */
	const bool known = d->trusted || (d->identity.name[0] &&
			   store_find_device(d->server->store, d->identity.name, NULL) == 0);
	const struct event e = {
		.kind = how_it_ended(d, r), .device = d->identity.name, .check = d->failed,
		.quiet = !known,
	};

	event_raise(d->server, &e, "%s: %s%s%s: %s", d->address, d->trusted ? "left" : "refused",
		    d->identity.name[0] ? ", device " : "", d->identity.name, err->text);
	if (known)
		device_audit(d, d->trusted ? "device-out" : "device-refused", err->text);
	if (d->trusted && r == -EKEYREVOKED)
		store_refused(d->server->store, d->identity.name, err->text, NULL);
	tconn_channel_cancel(d->channel, NULL);
	tconn_channel_refuse(d->channel, r, err);
	return false;
}

bool device_resume(struct device *d)
{
	struct tconn_error err = { "" };
	int r = serve(d, &err);

	return r < 0 ? over(d, r, &err) : true;
}

bool device_begin(struct device *d, int fd)
{
	struct tconn_error err = { "" };
	struct tconn_credentials *own = server_credentials(d->server);
	int r = tconn_channel_accept(own->tls, fd, &d->channel, &err);

	rules_refresh(d);
	tconn_credentials_put(own);
	if (r < 0) {
		tconn_say("%s: refused: %s", d->address, err.text);
		return false;
	}
	tconn_channel_cancel(d->channel, &d->called_off);
	d->party.keep = keep;
	d->party.keep_arg = d;
	r = meet(d, &err);
	return r < 0 ? over(d, r, &err) : device_resume(d);
}
