// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "../lib/say.h"
#include "exchange.h"

/* Who it is, and whether it may come in at all: before any of its evidence is read. */
static int admit(struct device *d, struct tconn_error *err)
{
	struct tconn_identity who;
	int r = tconn_peer_identity(d->channel, d->server->party.trust, TCONN_ROLE_DEVICE, &who,
				    err);

	if (r < 0)
		return r;
	r = store_find_device(d->server->store, who.name, err);
	if (r == -ENOENT)
		return tconn_fail(err, -EACCES, "device %s is not enrolled at this service",
				  who.name);
	if (r < 0)
		return r;
	/* Read by others only once trusted is set, under the lock. */
	d->identity = who;
	return 0;
}

static int attest(struct device *d, struct tconn_error *err)
{
	struct tconn_error note;
	int r = tconn_attest_service(d->channel, &d->server->party, &d->identity, &d->last, err);

	tconn_say_verdict("service", &d->last.own);
	tconn_say_verdict("device", &d->last.peer);
	if (store_attestation(d->server->store, d->identity.name, &d->last.peer, d->last.kernel,
			      r < 0 ? err->text : "", &note) < 0)
		tconn_say("device %s: %s", d->identity.name, note.text);
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

static int answer_question(struct device *d, struct tconn_error *err)
{
	struct question *q = server_take_question(d->server, d);
	int r;

	if (!q)
		return 0;
	r = exchange(d, q, err);
	server_done(d->server, d);
	return r;
}

static int serve(struct device *d, struct tconn_error *err)
{
	struct pollfd p[] = {
		{ .fd = d->wake_fd, .events = POLLIN },
		{ .fd = tconn_channel_fd(d->channel), .events = POLLIN },
	};

	if (tconn_channel_pending(d->channel))
		return hear_idle(d, err);
	if (poll(p, 2, -1) < 0)
		return errno == EINTR ? 0 : tconn_fail(err, -errno, "poll: %s", strerror(errno));
	if (p[1].revents)
		return hear_idle(d, err);
	return answer_question(d, err);
}

static int converse(struct device *d, struct tconn_error *err)
{
	int r = admit(d, err);

	if (r < 0)
		return r;
	tconn_say("%s: device %s connected", d->address, d->identity.name);
	r = attest(d, err);
	if (r == 0)
		r = server_join(d->server, d, err);
	if (r == 0)
		tconn_say("device %s: verdict: trusted, in both directions", d->identity.name);
	while (r == 0)
		r = serve(d, err);
	return r;
}

void device_converse(struct device *d, int fd)
{
	struct tconn_error err = { "" };
	int r = tconn_channel_accept(d->server->tls, fd, &d->channel, &err);

	if (r < 0) {
		tconn_say("%s: refused: %s", d->address, err.text);
		return;
	}
	r = converse(d, &err);
	tconn_say("%s: %s%s%s: %s", d->address, d->trusted ? "left" : "refused",
		  d->identity.name[0] ? ", device " : "", d->identity.name, err.text);
	tconn_channel_refuse(d->channel, r, &err);
	tconn_channel_close(d->channel);
	d->channel = NULL;
}
