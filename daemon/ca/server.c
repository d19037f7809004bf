// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/ssl.h>

#include "../lib/process.h"
#include "../lib/say.h"

struct server {
	const struct desk *desk;
	SSL_CTX *ctx;
	int listener;		/* non-blocking: several threads wait on it */
	int stop;		/* eventfd, readable once it is time to end */
	unsigned int once;
	atomic_uint enrolled;
};

static void tell_stop(struct server *s)
{
	eventfd_write(s->stop, 1);
}

static const char *role_word(enum tconn_role role)
{
	return role == TCONN_ROLE_SERVICE ? "service" : "device";
}

static void peer_address(int fd, char *ret, size_t size)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[64], port[8];

	if (getpeername(fd, (struct sockaddr *)&address, &len) ||
	    getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(ret, size, "?");
	else
		snprintf(ret, size, "%s:%s", host, port);
}

/* Takes fd. */
static void serve_one(struct server *s, int fd)
{
	struct tconn_identity who = { 0 };
	struct tconn_channel *c = NULL;
	struct tconn_error err = { "" };
	char from[80];
	int r;

	peer_address(fd, from, sizeof(from));
	r = tconn_channel_accept(s->ctx, fd, &c, &err);
	if (!r)
		r = desk_enrol(s->desk, c, &who, &err);
	tconn_channel_close(c);
	if (r) {
		tconn_say("%s: refused%s%s%s%s: %s", from, who.name[0] ? " " : "",
			  who.name[0] ? role_word(who.role) : "", who.name[0] ? " " : "", who.name,
			  err.text);
		return;
	}
	tconn_say("%s: enrolled %s %s", from, role_word(who.role), who.name);
	if (s->once && atomic_fetch_add(&s->enrolled, 1) + 1 >= s->once)
		tell_stop(s);
}

static void *work(void *arg)
{
	struct server *s = arg;
	struct pollfd p[] = {
		{ .fd = s->listener, .events = POLLIN }, { .fd = s->stop, .events = POLLIN },
	};
	int fd;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (p[1].revents)
			return NULL;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve_one(s, fd);
		else if (errno == EMFILE || errno == ENFILE)
			nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	}
}

static int start_workers(struct server *s, pthread_t worker[SERVER_WORKERS], unsigned int *ret_count,
			 struct tconn_error *err)
{
	int r;

	for (*ret_count = 0; *ret_count < SERVER_WORKERS; (*ret_count)++) {
		r = pthread_create(&worker[*ret_count], NULL, work, s);
		if (r)
			return tconn_fail(err, -r, "thread: %s", strerror(r));
	}
	return 0;
}

/* A conversation under way may take a minute; who stops us will not wait for it. */
static void end_workers(pthread_t worker[SERVER_WORKERS], unsigned int count)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += SERVER_STOP_MS / 1000;
	for (unsigned int i = 0; i < count; i++)
		if (pthread_timedjoin_np(worker[i], NULL, &deadline)) {
			fflush(NULL);
			_exit(0);	/* the store is consistent at any time */
		}
}

static int wait_for_end(struct server *s, const sigset_t *signals, struct tconn_error *err)
{
	struct pollfd p[] = {
		{ .fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN },
		{ .fd = s->stop, .events = POLLIN },
	};
	int r = 0;

	if (p[0].fd < 0)
		return tconn_fail(err, -errno, "signalfd: %s", strerror(errno));
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR) {
			r = tconn_fail(err, -errno, "poll: %s", strerror(errno));
			break;
		}
	close(p[0].fd);
	return r;
}

static void announce(const struct server *s)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[64], port[8];

	if (getsockname(s->listener, (struct sockaddr *)&address, &len) ||
	    getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	/* On standard output too, for who asked for port 0 and wants to know which it is. */
	printf("listening on %s:%s\n", host, port);
	fflush(stdout);
	tconn_process_notify("READY=1");
}

static int run(struct server *s, const sigset_t *signals, struct tconn_error *err)
{
	pthread_t worker[SERVER_WORKERS];
	unsigned int count;
	int r;

	if (fcntl(s->listener, F_SETFL, O_NONBLOCK))
		return tconn_fail(err, -errno, "listener: %s", strerror(errno));
	s->stop = eventfd(0, EFD_CLOEXEC);
	if (s->stop < 0)
		return tconn_fail(err, -errno, "eventfd: %s", strerror(errno));
	r = start_workers(s, worker, &count, err);
	if (!r) {
		announce(s);
		r = wait_for_end(s, signals, err);
	}
	tconn_process_notify("STOPPING=1");
	tell_stop(s);
	end_workers(worker, count);
	close(s->stop);
	return r;
}

static int make_context(const char *dir, SSL_CTX **ret, struct tconn_error *err)
{
	char cert[4096], key[4096];

	if (snprintf(cert, sizeof(cert), "%s/" TCONN_ISSUER_CERT, dir) >= (int)sizeof(cert) ||
	    snprintf(key, sizeof(key), "%s/" TCONN_ISSUER_KEY, dir) >= (int)sizeof(key))
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	return tconn_tls_context_file(cert, key, ret, err);
}

int server_run(const struct desk *desk, const char *dir, const char *address, unsigned int once,
	       struct tconn_error *err)
{
	struct server s = { .desk = desk, .once = once };
	sigset_t signals;
	int r;

	/* Before any thread: all inherit it, and signals arrive in one place. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	r = make_context(dir, &s.ctx, err);
	if (r)
		return r;
	r = tconn_listen(address, &s.listener, err);
	if (!r) {
		r = run(&s, &signals, err);
		close(s.listener);
	}
	SSL_CTX_free(s.ctx);
	return r;
}
