// SPDX-License-Identifier: Apache-2.0
#include "desk.h"

#include <errno.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/say.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void drop(struct client *c, const char *why)
{
	if (c->fd < 0)
		return;
	tconn_say("client %d: %s", c->peer.who.pid, why);
	close(c->peer.pidfd);
	close(c->fd);
	c->fd = -1;
}

/* A client that does not read is not waited for. */
static void send_to(struct client *c, const struct tconn_wire *m)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	struct tconn_error err = { "" };

	if (tconn_wire_encode(m, &b, &err))
		drop(c, err.text);
	else if (send(c->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		drop(c, strerror(errno));
}

static void refuse(struct client *c, uint64_t id, int code, const struct tconn_error *why)
{
	struct tconn_wire m = { .type = TCONN_WIRE_REFUSED, .id = id, .code = (uint64_t)-code };

	snprintf(m.reason, sizeof(m.reason), "%.255s", why->text);
	tconn_say("client %d: refused: %s", c->peer.who.pid, why->text);
	send_to(c, &m);
}

static struct client *client_of(struct desk *d, uint64_t serial)
{
	for (size_t i = 0; i < DESK_CLIENTS; i++)
		if (d->client[i].fd >= 0 && d->client[i].serial == serial)
			return &d->client[i];
	return NULL;
}

static void free_waiting(struct waiting *w)
{
	for (size_t i = 0; i < w->input_count; i++)
		tconn_bytes_free(&w->inputs[i]);
	free(w->inputs);
	*w = (struct waiting){ 0 };
}

static void give_label(struct desk *d, size_t index)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes label = { 0 };
	struct waiting *w = &d->waiting[index];
	struct client *c = client_of(d, w->serial);
	struct tconn_wire m = { .type = TCONN_WIRE_LABELLED, .id = w->id };
	struct tconn_error err = { "" };
	int r;

	if (!c)
		return;
	r = tconn_label_batch_item(d->batch, index, w->inputs, w->input_count, &label, &err);
	m.label = (struct tconn_label_span){ label.data, label.len };
	if (!r && label.len > TCONN_WIRE_MAX - 64)
		r = tconn_fail(&err, -EMSGSIZE, "the label has over %d bytes with its inputs",
			       TCONN_WIRE_MAX - 64);
	if (r)
		refuse(c, w->id, r, &err);
	else
		send_to(c, &m);
}

static void refuse_all(struct desk *d, int code, const struct tconn_error *err)
{
	for (size_t i = 0; i < tconn_label_batch_count(d->batch); i++) {
		struct client *c = client_of(d, d->waiting[i].serial);

		if (c)
			refuse(c, d->waiting[i].id, code, err);
	}
}

/* A batch is signed for the certificate of that moment. */
static void look_for_renewal(struct desk *d)
{
	struct tconn_error err = { "" };
	int r = certificate_renew(&d->certificate, d->signer.tpm, &err);

	if (r > 0)
		tconn_say("labels carry the renewed certificate from now on");
	if (r < 0)
		tconn_say("labels go on with the certificate they had: %s", err.text);
	d->signer.certificate = d->certificate.der;
	d->signer.certificate_len = d->certificate.len;
}

static void close_batch(struct desk *d)
{
	size_t count = tconn_label_batch_count(d->batch);
	struct tconn_error err = { "" };
	int64_t start = now_ms();
	int r;

	look_for_renewal(d);
	r = tconn_label_batch_sign(d->batch, &d->signer, &err);
	if (r)
		refuse_all(d, r, &err);
	for (size_t i = 0; i < count; i++) {
		if (!r)
			give_label(d, i);
		free_waiting(&d->waiting[i]);
	}
	tconn_label_batch_free(d->batch);
	d->batch = NULL;
	/* Forgets a slow one slowly. */
	d->signing_ms = d->signing_ms * 15 / 16;
	if (now_ms() - start > d->signing_ms)
		d->signing_ms = now_ms() - start;
}

static int open_batch(struct desk *d, struct tconn_error *err)
{
	int r;

	tconn_label_now(&d->clock);
	r = tconn_label_read_clock(d->signer.tpm, &d->clock, err);
	if (r)
		return r;
	d->clock.batch++;
	d->opened_ms = now_ms();
	return tconn_label_batch_new(&d->clock, &d->environment, &d->batch, err);
}

/* Milliseconds until the open batch has to be closed; -1: none is open. */
static int due_in(const struct desk *d)
{
	/* An eighth is for what else may hold us up: other processes, clients' messages. */
	int64_t reserve = d->signing_ms + d->settings->latency_ms / 8, left;

	if (!d->batch)
		return -1;
	if (reserve > d->settings->latency_ms / 2)
		reserve = d->settings->latency_ms / 2;
	left = d->opened_ms + d->settings->latency_ms - reserve - now_ms();
	return left > 0 ? (int)left : 0;
}

static int take_token(struct desk *d, size_t listed, struct tconn_error *err)
{
	const struct tconn_label_client *c = &d->policy->client[listed];
	int64_t now = now_ms();
	double tokens = d->bucket[listed].tokens +
			(double)(now - d->bucket[listed].at_ms) * c->per_second / 1000;

	tokens = tokens > c->burst ? c->burst : tokens;
	d->bucket[listed].at_ms = now;
	d->bucket[listed].tokens = tokens;
	if (tokens < 1)
		return tconn_fail(err, -EAGAIN, "over %u items a second", c->per_second);
	d->bucket[listed].tokens -= 1;
	return 0;
}

static int sequence_of(struct desk *d, const char *name, uint64_t **ret, struct tconn_error *err)
{
	for (size_t i = 0; i < d->source_count; i++) {
		if (!strcmp(d->source[i].name, name)) {
			*ret = &d->source[i].sequence;
			return 0;
		}
	}
	if (d->source_count == DESK_SOURCES)
		return tconn_fail(err, -EMSGSIZE, "over %d sources", DESK_SOURCES);
	snprintf(d->source[d->source_count].name, sizeof(d->source[0].name), "%s", name);
	*ret = &d->source[d->source_count++].sequence;
	return 0;
}

/* An input is verified before anything is said to be derived from it. */
static int take_input(const struct desk *d, const struct tconn_label_span *input,
		      struct tconn_bytes *ret, uint8_t ret_id[32], struct tconn_error *err)
{
	const struct tconn_label_check check = { .trust = d->trust, .depth = 1 };
	struct tconn_label_report report;
	struct tconn_label *l;
	int r = tconn_label_decode(input->data, input->len, &l, err);

	if (r)
		return r;
	r = tconn_label_count(l) == 1 ? tconn_label_verify(l, &check, &report, err) :
	    tconn_fail(err, -EINVAL, "an input's label is of one item, not of a batch");
	tconn_label_id(l, 0, ret_id);
	tconn_label_free(l);
	return r ? r : tconn_bytes_copy(ret, input->data, input->len, err);
}

static int take_inputs(const struct desk *d, const struct tconn_wire *m, struct waiting *w,
		       uint8_t (*ret_ids)[32], struct tconn_error *err)
{
	char where[32];

	if (!m->input_count)
		return 0;
	w->inputs = calloc(m->input_count, sizeof(*w->inputs));
	if (!w->inputs)
		return tconn_fail(err, -ENOMEM, "out of memory");
	for (; w->input_count < m->input_count; w->input_count++) {
		size_t i = w->input_count;
		int r = take_input(d, &m->input[i], &w->inputs[i], ret_ids[i], err);

		snprintf(where, sizeof(where), "input %zu", i + 1);
		if (r)
			return tconn_fail_in(err, r, where);
	}
	return 0;
}

static void name_program(const struct client *c, struct tconn_label_source *source)
{
	snprintf(source->program, sizeof(source->program), "%s", c->peer.who.executable);
	memcpy(source->program_digest, c->peer.who.digest, sizeof(source->program_digest));
}

static int add_item(struct desk *d, const struct tconn_wire *m, const uint8_t (*ids)[32],
		    struct tconn_error *err)
{
	struct tconn_label_clock now;
	struct tconn_label_new item = {
		.size = m->size, .inside = m->inside, .data = m->inside ? m->data.data : NULL,
		.digest = m->digest, .input_count = m->input_count, .input = ids,
	};
	uint64_t *sequence = NULL;
	int r = sequence_of(d, m->source.name, &sequence, err);

	if (!r && !d->batch)
		r = open_batch(d, err);
	if (!r)
		r = tconn_label_batch_source(d->batch, &m->source, &item.source, err);
	if (r == -EMSGSIZE) {		/* its sources are full: the next one */
		close_batch(d);
		r = open_batch(d, err);
		if (!r)
			r = tconn_label_batch_source(d->batch, &m->source, &item.source, err);
	}
	if (r)
		return r;
	tconn_label_now(&now);
	/* The clock may be set back meanwhile; an item is never before its batch. */
	item.time_us = now.time_us > d->clock.time_us ? now.time_us : d->clock.time_us;
	item.sequence = *sequence + 1;
	r = tconn_label_batch_add(d->batch, &item, err);
	if (!r)
		++*sequence;
	return r;
}

static int take_ask(struct desk *d, struct client *c, struct tconn_wire *m, struct tconn_error *err)
{
	const struct tconn_label_client *listed = &d->policy->client[c->listed];
	struct waiting w = { .serial = c->serial, .id = m->id };
	uint8_t ids[TCONN_LABEL_INPUTS_MAX][32];
	int r = tconn_label_policy_allows(listed, m->source.name, m->source.content_type, err);

	if (!r)
		r = take_token(d, c->listed, err);
	if (!r)
		r = take_inputs(d, m, &w, ids, err);
	if (!r) {
		name_program(c, &m->source);
		r = add_item(d, m, (const uint8_t (*)[32])ids, err);
	}
	/* A batch that was opened for it and got nothing has nothing to sign. */
	if (d->batch && !tconn_label_batch_count(d->batch)) {
		tconn_label_batch_free(d->batch);
		d->batch = NULL;
	}
	if (r) {
		free_waiting(&w);
		return r;
	}
	d->waiting[tconn_label_batch_count(d->batch) - 1] = w;
	if (tconn_label_batch_count(d->batch) == d->settings->items)
		close_batch(d);
	return 0;
}

/* The sender of this very message, as the kernel says. */
static bool sent_by(const struct msghdr *h, int pid)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	struct ucred cred;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	return cred.pid == pid;
}

static void read_client(struct desk *d, struct client *c)
{
	static uint8_t buf[TCONN_WIRE_MAX];
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct tconn_error err = { "" };
	struct tconn_wire m;
	ssize_t n = recvmsg(c->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c, n ? strerror(errno) : "has gone");
		return;
	}
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		drop(c, "a message over the limit, or with descriptors");
		return;
	}
	if (!sent_by(&h, c->peer.who.pid) || !peer_unchanged(&c->peer)) {
		tconn_fail(&err, -EACCES, "a message of another process than the one that connected");
		refuse(c, 0, -EACCES, &err);
		drop(c, "dropped");
		return;
	}
	r = tconn_wire_decode(buf, (size_t)n, &m, &err);
	if (!r && (m.type != TCONN_WIRE_ASK || memcmp(m.nonce, c->nonce, sizeof(c->nonce))))
		r = tconn_fail(&err, -EPROTO, "no ASK with the nonce of this connection");
	if (r) {
		refuse(c, 0, r, &err);
		drop(c, "dropped");
		return;
	}
	r = take_ask(d, c, &m, &err);
	if (r)
		refuse(c, m.id, r, &err);
}

static void greet(struct desk *d, struct client *c)
{
	struct tconn_wire hello = { .type = TCONN_WIRE_HELLO };
	const int on = 1;

	c->serial = ++d->serials;
	if (RAND_bytes(c->nonce, sizeof(c->nonce)) != 1 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on))) {
		drop(c, "no random numbers, or no credentials");
		return;
	}
	memcpy(hello.nonce, c->nonce, sizeof(hello.nonce));
	send_to(c, &hello);
}

static void accept_client(struct desk *d, int listen_fd)
{
	struct client new = { .fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC), .peer.pidfd = -1 };
	struct tconn_error err = { "" };
	int r;

	if (new.fd < 0)
		return;
	r = peer_identify(new.fd, &new.peer, &err);
	if (!r)
		r = tconn_label_policy_find(d->policy, &new.peer.who, &new.listed, &err);
	if (r) {
		refuse(&new, 0, r, &err);
		drop(&new, "turned away");
		return;
	}
	for (size_t i = 0; i < DESK_CLIENTS; i++) {
		if (d->client[i].fd >= 0)
			continue;
		d->client[i] = new;
		greet(d, &d->client[i]);
		return;
	}
	drop(&new, "turned away: too many clients");
}

int desk_open(struct desk *d, struct tconn_error *err)
{
	for (size_t i = 0; i < DESK_CLIENTS; i++)
		d->client[i].fd = -1;
	for (size_t i = 0; i < d->policy->count; i++) {
		d->bucket[i].tokens = d->policy->client[i].burst;
		d->bucket[i].at_ms = now_ms();
	}
	d->waiting = calloc(d->settings->items, sizeof(*d->waiting));
	return d->waiting ? 0 : tconn_fail(err, -ENOMEM, "out of memory");
}

void desk_close(struct desk *d)
{
	if (d->batch)
		close_batch(d);
	for (size_t i = 0; i < DESK_CLIENTS; i++)
		drop(&d->client[i], "ends with the daemon");
	free(d->waiting);
}

void desk_run(struct desk *d, int listen_fd, int stop_fd)
{
	for (;;) {
		struct pollfd p[2 + DESK_CLIENTS] = {
			{ .fd = stop_fd, .events = POLLIN },
			{ .fd = listen_fd, .events = POLLIN },
		};

		for (size_t i = 0; i < DESK_CLIENTS; i++)
			p[2 + i] = (struct pollfd){ .fd = d->client[i].fd, .events = POLLIN };
		if (poll(p, 2 + DESK_CLIENTS, due_in(d)) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			return;
		if (due_in(d) == 0)
			close_batch(d);
		for (size_t i = 0; i < DESK_CLIENTS; i++)
			if (p[2 + i].revents && d->client[i].fd >= 0)
				read_client(d, &d->client[i]);
		if (p[1].revents)
			accept_client(d, listen_fd);
	}
}
