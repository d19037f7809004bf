// SPDX-License-Identifier: Apache-2.0
/*
 * Every operation has one deadline, on CLOCK_MONOTONIC, for all of it: a peer
 * that sends a byte now and then does not prolong it.
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "digest.h"
#include "tls.h"

#define FRAME_HEADER	4		/* bytes */
#define RECORD_MAX	16384		/* bytes of one TLS record */
#define CANCEL_MS	100		/* between looks whether a wait was called off */
#define LINGER_MS	500		/* at close, for a peer still sending */
#define LINGER_BYTES	(1u << 20)
#define ADDRESS_MAX	300
#define BACKLOG		64

#define LABEL_DEVICE	"EXPORTER-tconn-attest-device"
#define LABEL_SERVICE	"EXPORTER-tconn-attest-service"

struct tconn_channel {
	SSL *ssl;
	int fd;
	bool server;
	bool broken;		/* no close_notify after a fatal error */
	uint8_t *peer;		/* the peer's leaf, DER; NULL if it has none */
	size_t peer_len;
	const atomic_bool *cancel;	/* ends what waits for the peer to speak; or NULL */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* -ETIMEDOUT at the deadline. */
static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* The alert by which a peer says that it does not accept our certificate. */
static bool is_certificate_alert(unsigned long e)
{
	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return false;
	switch (ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

static int protocol_fail(struct tconn_channel *c, struct tconn_error *err)
{
	unsigned long e = ERR_peek_last_error();
	long verify = SSL_get_verify_result(c->ssl);

	c->broken = true;
	if (is_certificate_alert(e))
		return tconn_tls_fail(err, -EKEYREJECTED, "TLS: the peer does not accept our certificate");
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		ERR_clear_error();
		return tconn_fail(err, -EKEYREJECTED, "TLS: the peer's certificate is not trusted: %s",
				  X509_verify_cert_error_string(verify));
	}
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ERR_clear_error();
		return tconn_fail(err, -ECONNRESET, "the peer closed the connection without a word");
	}
	return tconn_tls_fail(err, -EPROTO, "TLS");
}

/* For the peer to speak. What is called off half-way in a message ends the channel's use
 * for reading, but our last word still goes out.
 */
static int wait_to_read(const struct tconn_channel *c, int64_t deadline)
{
	for (;;) {
		int64_t next = now_ms() + CANCEL_MS;
		int r;

		if (!c->cancel)
			return wait_for(c->fd, POLLIN, deadline);
		if (atomic_load(c->cancel))
			return -ECANCELED;
		r = wait_for(c->fd, POLLIN, next < deadline ? next : deadline);
		if (r != -ETIMEDOUT || now_ms() >= deadline)
			return r;
	}
}

/* After an SSL call that returned result: 0 to call it again, else the error. */
static int again(struct tconn_channel *c, int result, int64_t deadline, struct tconn_error *err)
{
	int saved = errno, r;

	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		r = wait_to_read(c, deadline);
		break;
	case SSL_ERROR_WANT_WRITE:
		r = wait_for(c->fd, POLLOUT, deadline);
		break;
	case SSL_ERROR_ZERO_RETURN:
		return tconn_fail(err, -ECONNRESET, "the peer closed the connection");
	case SSL_ERROR_SYSCALL:
		c->broken = true;
		ERR_clear_error();
		return tconn_fail(err, -ECONNRESET, "the connection broke: %s",
				  saved ? strerror(saved) : "end of file");
	default:
		return protocol_fail(c, err);
	}
	if (r == -ETIMEDOUT)
		return tconn_fail(err, r, "the peer was silent for too long");
	if (r == -ECANCELED)
		return tconn_fail(err, r, "called off while the peer was to speak");
	return r ? tconn_fail(err, r, "poll: %s", strerror(-r)) : 0;
}

static int keep_peer(struct tconn_channel *c, struct tconn_error *err)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	int len;

	if (!cert)
		return 0;
	len = i2d_X509(cert, &c->peer);
	if (len <= 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	c->peer_len = (size_t)len;
	return 0;
}

static int handshake(struct tconn_channel *c, struct tconn_error *err)
{
	int64_t deadline = now_ms() + TCONN_HANDSHAKE_MS;
	int n, r;

	for (;;) {
		ERR_clear_error();
		n = SSL_do_handshake(c->ssl);
		if (n == 1)
			return keep_peer(c, err);
		r = again(c, n, deadline, err);
		if (r)
			return tconn_fail_in(err, r, "handshake");
	}
}

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL), one = 1;

	/* Fails on what is no TCP socket; frames then go out as they are written anyway. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

/* Takes fd in all cases. */
static int start(SSL_CTX *ctx, int fd, bool server, struct tconn_channel **ret,
		 struct tconn_error *err)
{
	struct tconn_channel *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(fd);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	c->fd = fd;
	c->server = server;
	c->broken = true;	/* until the handshake is over there is nothing to close politely */
	c->ssl = SSL_new(ctx);
	r = set_flags(fd);
	if (r) {
		tconn_fail(err, r, "socket: %s", strerror(-r));
	} else if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
		r = tconn_fail(err, -ENOMEM, "out of memory");
	} else {
		if (server)
			SSL_set_accept_state(c->ssl);
		else
			SSL_set_connect_state(c->ssl);
		r = handshake(c, err);
	}
	if (r) {
		tconn_channel_close(c);
		return r;
	}
	c->broken = false;
	*ret = c;
	return 0;
}

int tconn_channel_accept(struct ssl_ctx_st *ctx, int fd, struct tconn_channel **ret,
			 struct tconn_error *err)
{
	return start(ctx, fd, true, ret, err);
}

/* "HOST:PORT" or "[HOST]:PORT". */
static int resolve(const char *address, bool passive, struct addrinfo **ret, struct tconn_error *err)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	char copy[ADDRESS_MAX], *host = copy, *port;
	int r;

	if (snprintf(copy, sizeof(copy), "%s", address) >= (int)sizeof(copy))
		return tconn_fail(err, -EINVAL, "an address of over %d characters", ADDRESS_MAX);
	port = strrchr(copy, ':');
	if (!port || port == copy || !port[1])
		return tconn_fail(err, -EINVAL, "%s: an address is HOST:PORT or [HOST]:PORT", address);
	*port++ = '\0';
	if (host[0] == '[' && port[-2] == ']') {
		port[-2] = '\0';
		host++;
	}
	r = getaddrinfo(host, port, &hints, ret);
	if (r)
		return tconn_fail(err, -EHOSTUNREACH, "%s: %s", address, gai_strerror(r));
	return 0;
}

static int connect_one(const struct addrinfo *ai, int64_t deadline)
{
	socklen_t len = sizeof(int);
	int fd, r, error = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd < 0)
		return -errno;
	if (!connect(fd, ai->ai_addr, ai->ai_addrlen))
		return fd;
	r = errno == EINPROGRESS ? wait_for(fd, POLLOUT, deadline) : -errno;
	if (!r && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		r = -errno;
	if (!r && error)
		r = -error;
	if (!r)
		return fd;
	close(fd);
	return r;
}

int tconn_channel_connect(struct ssl_ctx_st *ctx, const char *address, struct tconn_channel **ret,
			  struct tconn_error *err)
{
	int64_t deadline = now_ms() + TCONN_HANDSHAKE_MS;
	struct addrinfo *list;
	int fd = -EHOSTUNREACH, r;

	r = resolve(address, false, &list, err);
	if (r)
		return r;
	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = connect_one(ai, deadline);
	freeaddrinfo(list);
	if (fd < 0)
		return tconn_fail(err, fd, "%s: %s", address, strerror(-fd));
	r = start(ctx, fd, false, ret, err);
	return r ? tconn_fail_in(err, r, address) : 0;
}

/*
 * Closing a socket with unread bytes resets the connection, and the peer may
 * lose the last thing we said: why we refused what it is still sending.
 */
static void linger(int fd)
{
	int64_t deadline = now_ms() + LINGER_MS;
	uint8_t waste[4096];
	size_t total = 0;
	ssize_t n;

	if (recv(fd, waste, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return;
	shutdown(fd, SHUT_WR);
	while (total < LINGER_BYTES && !wait_for(fd, POLLIN, deadline)) {
		n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);
		if (n <= 0)
			return;
		total += (size_t)n;
	}
}

void tconn_channel_close(struct tconn_channel *c)
{
	if (!c)
		return;
	if (c->ssl && !c->broken)
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	linger(c->fd);
	SSL_free(c->ssl);
	close(c->fd);
	OPENSSL_free(c->peer);
	free(c);
}

static int write_all(struct tconn_channel *c, const uint8_t *buf, size_t len, int64_t deadline,
		     struct tconn_error *err)
{
	size_t done;
	int n, r;

	while (len) {
		ERR_clear_error();
		n = SSL_write_ex(c->ssl, buf, len, &done);
		if (n == 1) {
			buf += done;
			len -= done;
			continue;
		}
		r = again(c, n, deadline, err);
		if (r)
			return r;
	}
	return 0;
}

static int read_all(struct tconn_channel *c, uint8_t *buf, size_t len, size_t *done, int64_t deadline,
		    struct tconn_error *err)
{
	size_t part;
	int n, r;

	while (*done < len) {
		ERR_clear_error();
		n = SSL_read_ex(c->ssl, buf + *done, len - *done, &part);
		if (n == 1) {
			*done += part;
			continue;
		}
		r = again(c, n, deadline, err);
		if (r)
			return r;
	}
	return 0;
}

/* A peer that refused our certificate said so before it reset the connection. */
static int explain_reset(struct tconn_channel *c, struct tconn_error *err)
{
	uint8_t waste;
	size_t n;

	ERR_clear_error();
	if (SSL_read_ex(c->ssl, &waste, 1, &n) == 1 || !is_certificate_alert(ERR_peek_last_error())) {
		ERR_clear_error();
		return -ECONNRESET;
	}
	return protocol_fail(c, err);
}

void tconn_channel_cancel(struct tconn_channel *c, const atomic_bool *cancel)
{
	c->cancel = cancel;
}

/* The header travels with the message's beginning in one record. */
int tconn_channel_send(struct tconn_channel *c, const void *buf, size_t len, struct tconn_error *err)
{
	int64_t deadline = now_ms() + TCONN_MESSAGE_MS;
	uint8_t first[RECORD_MAX];
	size_t part;
	int r;

	if (!len || len > TCONN_EVIDENCE_MAX)
		return tconn_fail(err, -EMSGSIZE, "a message of %zu bytes cannot be sent (1 to %u)", len,
				  TCONN_EVIDENCE_MAX);
	part = len < sizeof(first) - FRAME_HEADER ? len : sizeof(first) - FRAME_HEADER;
	first[0] = (uint8_t)(len >> 24);
	first[1] = (uint8_t)(len >> 16);
	first[2] = (uint8_t)(len >> 8);
	first[3] = (uint8_t)len;
	memcpy(first + FRAME_HEADER, buf, part);
	r = write_all(c, first, FRAME_HEADER + part, deadline, err);
	OPENSSL_cleanse(first, FRAME_HEADER + part);	/* it may have held a PIN */
	if (!r)
		r = write_all(c, (const uint8_t *)buf + part, len - part, deadline, err);
	if (r == -ECONNRESET)
		r = explain_reset(c, err);
	return r ? tconn_fail_in(err, r, "sending") : 0;
}

static int check_length(uint32_t len, size_t limit, struct tconn_error *err)
{
	if (!len)
		return tconn_fail(err, -EBADMSG, "the peer sent an empty frame");
	if (len > limit)
		return tconn_fail(err, -EMSGSIZE, "the peer's message has %u bytes, %zu are allowed here",
				  len, limit);
	return 0;
}

int tconn_channel_receive(struct tconn_channel *c, size_t limit, int timeout_ms,
			  struct tconn_bytes *ret, struct tconn_error *err)
{
	int64_t deadline = now_ms() + timeout_ms;
	uint8_t header[FRAME_HEADER], *data;
	size_t done = 0;
	uint32_t len;
	int r;

	r = read_all(c, header, sizeof(header), &done, deadline, err);
	if (r)
		return done ? tconn_fail_in(err, r, "in a frame's header") : r;
	len = (uint32_t)header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3];
	r = check_length(len, limit, err);
	if (r)
		return r;
	data = malloc(len);
	if (!data)
		return tconn_fail(err, -ENOMEM, "out of memory for a message of %u bytes", len);
	done = 0;
	r = read_all(c, data, len, &done, deadline, err);
	if (r) {
		OPENSSL_cleanse(data, done);
		free(data);
		return tconn_fail_in(err, r, "in the middle of a message");
	}
	ret->data = data;
	ret->len = len;
	return 0;
}

int tconn_channel_fd(const struct tconn_channel *c)
{
	return c->fd;
}

bool tconn_channel_pending(const struct tconn_channel *c)
{
	return SSL_has_pending(c->ssl) == 1;
}

int tconn_channel_peer(const struct tconn_channel *c, const uint8_t **ret, size_t *ret_len)
{
	if (!c->peer)
		return -ENOENT;
	*ret = c->peer;
	*ret_len = c->peer_len;
	return 0;
}

static int own_leaf_digest(const struct tconn_channel *c, uint8_t ret[32], struct tconn_error *err)
{
	X509 *cert = SSL_get_certificate(c->ssl);
	uint8_t *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;

	if (len <= 0)
		return tconn_fail(err, -ENOENT, "this end has no certificate: nothing to bind evidence to");
	tconn_sha256(der, (size_t)len, ret);
	OPENSSL_free(der);
	return 0;
}

int tconn_channel_binding(const struct tconn_channel *c, enum tconn_role attester,
			  struct tconn_binding *b, struct tconn_error *err)
{
	/* The device connects, the service accepts. */
	bool own = (attester == TCONN_ROLE_SERVICE) == c->server;
	const char *label = attester == TCONN_ROLE_DEVICE ? LABEL_DEVICE : LABEL_SERVICE;
	uint8_t exporter[32], leaf[32], peer[32];
	int r;

	if (attester != TCONN_ROLE_DEVICE && attester != TCONN_ROLE_SERVICE)
		return tconn_fail(err, -EINVAL, "an attester is a device or a service");
	if (!c->peer)
		return tconn_fail(err, -ENOENT, "the peer has no certificate: nothing to bind evidence to");
	r = own_leaf_digest(c, leaf, err);
	if (r)
		return r;
	tconn_sha256(c->peer, c->peer_len, peer);
	if (SSL_export_keying_material(c->ssl, exporter, sizeof(exporter), label, strlen(label), NULL, 0,
				       0) != 1)
		return tconn_tls_fail(err, -EPROTO, "TLS exporter");
	b->role = attester;
	memcpy(b->exporter, exporter, sizeof(exporter));
	memcpy(b->own_leaf, own ? leaf : peer, 32);
	memcpy(b->peer_leaf, own ? peer : leaf, 32);
	OPENSSL_cleanse(exporter, sizeof(exporter));
	return 0;
}

static int listen_one(const struct addrinfo *ai)
{
	int one = 1, fd, r;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int tconn_listen(const char *address, int *ret_fd, struct tconn_error *err)
{
	struct addrinfo *list;
	int fd = -EADDRNOTAVAIL, r;

	r = resolve(address, true, &list, err);
	if (r)
		return r;
	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = listen_one(ai);
	freeaddrinfo(list);
	if (fd < 0)
		return tconn_fail(err, fd, "%s: cannot listen: %s", address, strerror(-fd));
	*ret_fd = fd;
	return 0;
}
