// SPDX-License-Identifier: Apache-2.0
#include "label_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "label_wire.h"

struct tconn_label_connection {
	int fd;
	uint8_t nonce[TCONN_WIRE_NONCE];
	uint64_t asked;				/* id of the last item; 0 is the connection */
	struct tconn_wire message;		/* large; what is borrowed points into buf */
	uint8_t buf[TCONN_WIRE_MAX];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static int wait_readable(int fd, uint32_t timeout_ms, struct tconn_error *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const int64_t end = now_ms() + timeout_ms;
	int n;

	do {
		int64_t left = end - now_ms();

		n = poll(&p, 1, left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return tconn_fail(err, -errno, "label socket: %s", strerror(errno));
	return n ? 0 : tconn_fail(err, -ETIMEDOUT, "label socket: no answer within %u ms", timeout_ms);
}

/* One message, into c->message. */
static int receive(struct tconn_label_connection *c, uint32_t timeout_ms, struct tconn_error *err)
{
	struct iovec iov = { c->buf, sizeof(c->buf) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	int r = wait_readable(c->fd, timeout_ms, err);
	ssize_t n = r ? 0 : recvmsg(c->fd, &h, MSG_CMSG_CLOEXEC);

	if (r)
		return r;
	if (n < 0)
		return tconn_fail(err, -errno, "label socket: %s", strerror(errno));
	if (!n)
		return tconn_fail(err, -EPIPE, "label socket: the daemon ended the connection");
	if (h.msg_flags & MSG_TRUNC)
		return tconn_fail(err, -EMSGSIZE, "label socket: a message over %d bytes", TCONN_WIRE_MAX);
	r = tconn_wire_decode(c->buf, (size_t)n, &c->message, err);
	return r ? tconn_fail_in(err, r, "label socket") : 0;
}

static int refused(const struct tconn_wire *m, struct tconn_error *err)
{
	return tconn_fail(err, m->code ? -(int)m->code : -EPROTO, "refused: %s", m->reason);
}

static int greeted(struct tconn_label_connection *c, uint32_t timeout_ms, struct tconn_error *err)
{
	int r = receive(c, timeout_ms, err);

	if (r)
		return r;
	if (c->message.type == TCONN_WIRE_REFUSED)
		return refused(&c->message, err);
	if (c->message.type != TCONN_WIRE_HELLO)
		return tconn_fail(err, -EPROTO, "label socket: no greeting");
	memcpy(c->nonce, c->message.nonce, sizeof(c->nonce));
	return 0;
}

static int open_socket(const char *path, int *ret, struct tconn_error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long for a socket's name", path);
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		int r = tconn_fail(err, -errno, "%s: %s", path, strerror(errno));

		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

int tconn_label_connect(const char *socket_path, uint32_t timeout_ms,
			struct tconn_label_connection **ret, struct tconn_error *err)
{
	struct tconn_label_connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return tconn_fail(err, -ENOMEM, "out of memory");
	c->fd = -1;
	r = open_socket(socket_path ? socket_path : TCONN_LABEL_SOCKET, &c->fd, err);
	if (!r)
		r = greeted(c, timeout_ms, err);
	if (r)
		tconn_label_disconnect(c);
	else
		*ret = c;
	return r;
}

void tconn_label_disconnect(struct tconn_label_connection *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

int tconn_label_connection_fd(const struct tconn_label_connection *c)
{
	return c->fd;
}

static int fill(struct tconn_label_connection *c, const struct tconn_label_wanted *item,
		struct tconn_error *err)
{
	struct tconn_wire *m = &c->message;

	*m = (struct tconn_wire){ .type = TCONN_WIRE_ASK, .id = c->asked + 1, .source = *item->source,
				  .size = item->size, .inside = item->inside };
	memcpy(m->nonce, c->nonce, sizeof(m->nonce));
	if (item->input_count > TCONN_LABEL_INPUTS_MAX ||
	    (item->inside && item->size > TCONN_LABEL_INLINE_MAX))
		return tconn_fail(err, -EMSGSIZE, "over %d inputs, or over %d bytes within a label",
				  TCONN_LABEL_INPUTS_MAX, TCONN_LABEL_INLINE_MAX);
	if (!item->data && (item->inside || !item->digest))
		return tconn_fail(err, -EINVAL, "an item without data and digest");
	if (item->inside)
		m->data = (struct tconn_label_span){ item->data, item->size };
	else if (item->data)
		tconn_sha256(item->data, item->size, m->digest);
	else
		memcpy(m->digest, item->digest, sizeof(m->digest));
	for (size_t i = 0; i < item->input_count; i++)
		m->input[i] = (struct tconn_label_span){ item->inputs[i].data, item->inputs[i].len };
	m->input_count = item->input_count;
	return tconn_label_source_check(&m->source, err);
}

int tconn_label_ask(struct tconn_label_connection *c, const struct tconn_label_wanted *item,
		    uint64_t *ret_id, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	int r = fill(c, item, err);

	if (!r)
		r = tconn_wire_encode(&c->message, &b, err);
	if (!r && send(c->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		r = tconn_fail(err, -errno, "label socket: %s", strerror(errno));
	if (!r)
		*ret_id = ++c->asked;
	return r;
}

int tconn_label_answer(struct tconn_label_connection *c, uint32_t timeout_ms, uint64_t *ret_id,
		       struct tconn_bytes *ret_label, struct tconn_error *err)
{
	const struct tconn_wire *m = &c->message;
	int r = receive(c, timeout_ms, err);

	if (r)
		return r;
	if (m->type != TCONN_WIRE_REFUSED && m->type != TCONN_WIRE_LABELLED)
		return tconn_fail(err, -EPROTO, "label socket: no answer, but another message");
	if (m->id > c->asked)
		return tconn_fail(err, -EPROTO, "label socket: an answer to what was not asked");
	if (m->type == TCONN_WIRE_REFUSED) {
		*ret_id = m->id;
		return refused(m, err);
	}
	r = tconn_bytes_copy(ret_label, m->label.data, m->label.len, err);
	if (!r)
		*ret_id = m->id;
	return r;
}

int tconn_label_get(struct tconn_label_connection *c, const struct tconn_label_wanted *item,
		    uint32_t timeout_ms, struct tconn_bytes *ret_label, struct tconn_error *err)
{
	struct tconn_bytes label = { 0 };
	uint64_t asked = 0, answered = 0;
	int r = tconn_label_ask(c, item, &asked, err);

	if (!r)
		r = tconn_label_answer(c, timeout_ms, &answered, &label, err);
	if (!r && answered != asked) {
		tconn_bytes_free(&label);
		r = tconn_fail(err, -EPROTO, "label socket: the answer to another item");
	}
	if (!r)
		*ret_label = label;
	return r;
}
