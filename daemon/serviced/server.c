// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "device.h"

static int64_t boot_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

int server_init(struct server *s, struct tconn_error *err)
{
	int r = pthread_mutex_init(&s->lock, NULL);

	if (r == 0)
		r = pthread_cond_init(&s->changed, NULL);
	s->started = boot_seconds();
	return r ? tconn_fail(err, -r, "cannot make a lock: %s", strerror(r)) : 0;
}

void server_free(struct server *s)
{
	tconn_bytes_free(&s->data_cert);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

int server_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	r = pthread_attr_setstacksize(&attr, SERVER_STACK);
	if (r == 0)
		r = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (r == 0)
		r = pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return -r;
}

/* True where there is room. Says so once when it ends and once when it is back. */
static bool reserve(struct server *s)
{
	bool room, became_full;

	pthread_mutex_lock(&s->lock);
	room = !s->stopping && s->pending < s->settings->pending;
	became_full = !room && !s->full && !s->stopping;
	if (room)
		s->pending++;
	else
		s->turned_away++;
	s->full = !room;
	pthread_mutex_unlock(&s->lock);
	if (became_full)
		tconn_say(
			"bound of %u connections that have not attested is reached: more are turned away",
			s->settings->pending);
	return room;
}

static void unreserve(struct server *s, bool trusted)
{
	pthread_mutex_lock(&s->lock);
	if (trusted)
		s->connections--;
	else
		s->pending--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* A device whose machine vanished without a word is noticed within two minutes. */
static void keep_alive(int fd)
{
	const int on = 1, idle = 30, interval = 30, count = 3;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void device_free(struct device *d)
{
	if (d->shut_fd >= 0)
		close(d->shut_fd);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	free(d);
}

static struct device *device_new(struct server *s, int fd, const char *address)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->server = s;
	d->shut_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(d->address, sizeof(d->address), "%s", address);
	if (d->shut_fd >= 0 && d->wake_fd >= 0)
		return d;
	device_free(d);
	return NULL;
}

struct start {
	struct device *device;
	int fd;
};

static void enter(struct server *s, struct device *d)
{
	pthread_mutex_lock(&s->lock);
	d->next = s->devices;
	s->devices = d;
	/* One that came while the others were being shut down. */
	if (s->stopping)
		shutdown(d->shut_fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

static void *device_thread(void *arg)
{
	struct start start = *(struct start *)arg;
	struct device *d = start.device;
	struct server *s = d->server;
	bool trusted;

	free(arg);
	enter(s, d);
	device_converse(d, start.fd);
	server_leave(s, d);
	trusted = d->trusted;
	device_free(d);
	/* Last: the server may be gone once its counts are zero. */
	unreserve(s, trusted);
	return NULL;
}

void server_accept(struct server *s, int fd, const char *address)
{
	struct start *start;

	if (!reserve(s)) {
		close(fd);
		return;
	}
	keep_alive(fd);
	start = calloc(1, sizeof(*start));
	if (start) {
		start->fd = fd;
		start->device = device_new(s, fd, address);
	}
	if (start && start->device && server_thread(device_thread, start) == 0)
		return;
	tconn_say("%s: turned away: no memory or thread for it", address);
	if (start && start->device)
		device_free(start->device);
	free(start);
	close(fd);
	unreserve(s, false);
}

static void wake(struct device *d)
{
	const uint64_t one = 1;

	/* Fails only where the counter is at its limit: readable all the same. */
	if (write(d->wake_fd, &one, sizeof(one)) < 0)
		errno = 0;
}

static struct device *find(struct server *s, const char *id, const struct device *but)
{
	for (struct device *d = s->devices; d; d = d->next)
		if (d != but && d->trusted && strcmp(d->identity.name, id) == 0)
			return d;
	return NULL;
}

int server_join(struct server *s, struct device *d, struct tconn_error *err)
{
	struct device *old;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	old = find(s, d->identity.name, d);
	if (old)
		shutdown(old->shut_fd, SHUT_RDWR);
	if (s->connections >= s->settings->connections && !old) {
		r = tconn_fail(err, -EBUSY, "this service has its %u connections",
			       s->settings->connections);
	} else {
		s->pending--;
		s->connections++;
		d->trusted = true;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

void server_leave(struct server *s, struct device *d)
{
	pthread_mutex_lock(&s->lock);
	for (struct device **p = &s->devices; *p; p = &(*p)->next) {
		if (*p == d) {
			*p = d->next;
			break;
		}
	}
	if (d->question) {
		d->question->code = tconn_fail(&d->question->error, -ENOTCONN,
					       "the device went away before it answered");
		d->question->done = true;
		d->question = NULL;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

void server_ask(struct server *s, struct question *q)
{
	struct device *d;

	pthread_mutex_lock(&s->lock);
	d = find(s, q->device, NULL);
	if (!d || s->stopping) {
		q->code = tconn_fail(&q->error, -ENOTCONN, "device %s is not connected", q->device);
	} else if (d->question) {
		q->code = tconn_fail(&q->error, -EBUSY, "device %s is being asked something else",
				     q->device);
	} else {
		d->question = q;
		wake(d);
		while (!q->done)
			pthread_cond_wait(&s->changed, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

struct question *server_take_question(struct server *s, struct device *d)
{
	struct question *q;
	uint64_t count;

	if (read(d->wake_fd, &count, sizeof(count)) < 0)
		errno = 0;
	pthread_mutex_lock(&s->lock);
	q = d->question;
	pthread_mutex_unlock(&s->lock);
	return q;
}

void server_done(struct server *s, struct device *d)
{
	pthread_mutex_lock(&s->lock);
	d->question->done = true;
	d->question = NULL;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

bool server_is_connected(struct server *s, const char *id)
{
	bool there;

	pthread_mutex_lock(&s->lock);
	there = find(s, id, NULL) != NULL;
	pthread_mutex_unlock(&s->lock);
	return there;
}

static struct json_object *connection_json(const struct device *d)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add_string(obj, "id", d->identity.name);
	tconn_json_add_string(obj, "address", d->address);
	tconn_json_add(obj, "trusted", json_object_new_boolean(d->last.peer.trusted));
	tconn_json_add(obj, "asking", json_object_new_boolean(d->question != NULL));
	tconn_json_add_string(obj, "kernel", d->last.kernel);
	tconn_json_add(obj, "checks", tconn_json_checks(&d->last.peer));
	tconn_json_add(obj, "service_checks", tconn_json_checks(&d->last.own));
	return obj;
}

struct json_object *server_status(struct server *s)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "program", "tconn-serviced");
	tconn_json_add_string(obj, "name", s->self.name);
	tconn_json_add(obj, "uptime", json_object_new_int64(boot_seconds() - s->started));
	pthread_mutex_lock(&s->lock);
	for (struct device *d = s->devices; d && list; d = d->next)
		if (d->trusted)
			json_object_array_add(list, connection_json(d));
	tconn_json_add(obj, "pending", json_object_new_int64(s->pending));
	tconn_json_add(obj, "turned_away", json_object_new_int64((int64_t)s->turned_away));
	pthread_mutex_unlock(&s->lock);
	tconn_json_add(obj, "connections", list);
	return obj;
}

void server_stop(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct device *d = s->devices; d; d = d->next) {
		shutdown(d->shut_fd, SHUT_RDWR);
		wake(d);
	}
	while (s->pending || s->connections || s->operators)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}
