// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "device.h"
#include "items.h"

int64_t server_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

int server_init(struct server *s, struct tconn_error *err)
{
	int r = pthread_mutex_init(&s->lock, NULL);

	if (r == 0)
		r = pthread_mutex_init(&s->intake_lock, NULL);
	if (r == 0)
		r = pthread_mutex_init(&s->health_lock, NULL);
	if (r == 0)
		r = pthread_cond_init(&s->changed, NULL);
	if (r)
		return tconn_fail(err, -r, "cannot make a lock: %s", strerror(r));
	TAILQ_INIT(&s->devices);
	s->started = server_now();
	s->gone_last = &s->gone;
	s->beat = s->started;
	s->lobby_fd = epoll_create1(EPOLL_CLOEXEC);
	return s->lobby_fd < 0 ? tconn_fail(err, -errno, "epoll: %s", strerror(errno)) : 0;
}

/* What is known of a device's log outlives its connection, not this process. */
struct known {
	char id[TCONN_IDENTITY_MAX];
	struct tconn_ima_state log;
	struct tconn_appraised appraised;
	uint64_t rules;			/* number of those it was measured by */
	struct device *joined;		/* the connection that is in; NULL: none is */
};

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

/* lock held */
static struct known *look_up(struct server *s, const char *id)
{
	struct known k, **at;

	snprintf(k.id, sizeof(k.id), "%s", id);
	at = tfind(&k, &s->known, compare_known);
	return at ? *at : NULL;
}

/* lock held. The device's entry, made where there is none; NULL without memory. */
static struct known *enter_known(struct server *s, const char *id)
{
	struct known *k = look_up(s, id);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	snprintf(k->id, sizeof(k->id), "%s", id);
	if (tsearch(k, &s->known, compare_known))
		return k;
	free(k);
	return NULL;
}

static void remember(struct server *s, const struct device *d)
{
	struct known *k = enter_known(s, d->identity.name);

	if (!k)
		return;
	k->log = d->log;
	k->appraised = d->appraised;
	k->rules = d->rules ? d->rules->number : 0;
}

static void recall(struct server *s, struct device *d)
{
	const struct known *k = look_up(s, d->identity.name);

	if (!k)
		return;
	if (d->rules && k->rules == d->rules->number)
		d->log = k->log;
	d->appraised = k->appraised;
}

/* lock held. The channel's own socket will do from now on: who leaves the list is closed after that. */
static void share_socket(struct device *d)
{
	close(d->shut_fd);
	d->shut_fd = tconn_channel_fd(d->channel);
	d->shut_fd_is_own = false;
}

void server_admit(struct server *s, struct device *d, const struct tconn_identity *who)
{
	int64_t begin, end;
	const uint8_t *der;
	size_t len;

	pthread_mutex_lock(&s->lock);
	share_socket(d);
	d->identity = *who;
	if (tconn_channel_peer(d->channel, &der, &len) == 0) {
		tconn_serial_of(der, len, d->tls_serial);
		if (tconn_certificate_span(der, len, &begin, &end, NULL) == 0)
			d->end = server_now() + (end - time(NULL)) + 1;
	}
	recall(s, d);
	pthread_mutex_unlock(&s->lock);
}

void server_know_ak(struct server *s, struct device *d, const struct tconn_bytes *cert)
{
	pthread_mutex_lock(&s->lock);
	tconn_serial_of(cert->data, cert->len, d->ak_serial);
	pthread_mutex_unlock(&s->lock);
}

void server_free(struct server *s)
{
	if (s->lobby_fd > 0)
		close(s->lobby_fd);
	tdestroy(s->known, free);
	tconn_credentials_put(s->credentials);
	rules_put(s->rules);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->intake_lock);
	pthread_mutex_destroy(&s->health_lock);
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

bool server_enter(struct server *s, unsigned int *count, unsigned int max)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = !s->stopping && *count < max;
	*count += room;
	pthread_mutex_unlock(&s->lock);
	return room;
}

void server_exit(struct server *s, unsigned int *count)
{
	pthread_mutex_lock(&s->lock);
	(*count)--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
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
	if (d->shut_fd_is_own)
		close(d->shut_fd);
	free(d->checks);
	free(d->service_checks);
	rules_put(d->rules);
	free(d);
}

static struct device *device_new(struct server *s, int fd, const char *address)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->server = s;
	d->shut_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d->shut_fd_is_own = d->shut_fd >= 0;
	d->party = s->party;
	d->party.peer_log = &d->log;
	snprintf(d->address, sizeof(d->address), "%s", address);
	if (d->shut_fd >= 0)
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
	TAILQ_INSERT_TAIL(&s->devices, d, link);
	/* One that came while the others were being shut down. */
	if (s->stopping)
		shutdown(d->shut_fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

/* The end of a connection, by whoever has it. */
static void device_end(struct device *d)
{
	struct server *s = d->server;
	bool trusted;

	server_leave(s, d);
	trusted = d->trusted;
	tconn_channel_close(d->channel);
	device_free(d);
	/* Last: the server may be gone once its counts are zero. */
	unreserve(s, trusted);
}

static void *device_thread(void *arg)
{
	struct start start = *(struct start *)arg;
	struct device *d = start.device;

	free(arg);
	enter(d->server, d);
	if (!device_begin(d, start.fd))
		device_end(d);
	return NULL;
}

static void *resume_thread(void *arg)
{
	struct device *d = arg;

	if (!device_resume(d))
		device_end(d);
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

/* lock held */
static bool park(struct server *s, struct device *d)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = d };

	if (epoll_ctl(s->lobby_fd, EPOLL_CTL_ADD, tconn_channel_fd(d->channel), &e))
		return false;
	d->parked = true;
	s->active -= d->active;
	d->active = false;
	TAILQ_REMOVE(&s->devices, d, link);
	TAILQ_INSERT_TAIL(&s->devices, d, link);
	return true;
}

/* lock held. Out of the lobby, into a thread. */
static int resume(struct server *s, struct device *d)
{
	int r;

	d->parked = false;
	d->active = true;
	s->active++;
	epoll_ctl(s->lobby_fd, EPOLL_CTL_DEL, tconn_channel_fd(d->channel), NULL);
	r = server_thread(resume_thread, d);
	if (r == 0)
		return 0;
	park(s, d);
	return r;
}

/* lock held */
static struct device *find(struct server *s, const char *id)
{
	const struct known *k = look_up(s, id);

	return k ? k->joined : NULL;
}

int server_join(struct server *s, struct device *d, struct tconn_error *err)
{
	struct known *k;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	k = enter_known(s, d->identity.name);
	if (k && k->joined)
		shutdown(k->joined->shut_fd, SHUT_RDWR);
	if (!k) {
		r = tconn_fail(err, -ENOMEM, "out of memory");
	} else if (s->connections >= s->settings->connections && !k->joined) {
		r = tconn_fail(err, -EBUSY, "this service has its %u connections",
			       s->settings->connections);
	} else {
		s->pending--;
		s->connections++;
		d->trusted = true;
		k->joined = d;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* lock held. Without memory for it others learn it when they ask. */
static void tell_gone(struct server *s, const struct device *d)
{
	struct gone *g = s->node_runs && d->trusted ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return;
	strcpy(g->id, d->identity.name);
	*s->gone_last = g;
	s->gone_last = &g->next;
}

/* lock held. An older connection of a device leaves after the newer one has joined. */
static void unjoin(struct server *s, const struct device *d)
{
	struct known *k = look_up(s, d->identity.name);

	if (k && k->joined == d)
		k->joined = NULL;
}

void server_leave(struct server *s, struct device *d)
{
	pthread_mutex_lock(&s->lock);
	tell_gone(s, d);
	TAILQ_REMOVE(&s->devices, d, link);
	unjoin(s, d);
	if (d->question) {
		d->question->code = tconn_fail(&d->question->error, -ENOTCONN,
					       "the device went away before it answered");
		d->question->done = true;
		d->question = NULL;
		pthread_cond_broadcast(&s->changed);
	}
	s->active -= d->active;
	d->active = false;
	if (d->identity.name[0])
		remember(s, d);
	pthread_mutex_unlock(&s->lock);
}

void server_ask(struct server *s, struct question *q)
{
	struct device *d;

	pthread_mutex_lock(&s->lock);
	d = find(s, q->device);
	if (!d || s->stopping) {
		q->code = tconn_fail(&q->error, -ENOTCONN, "device %s is not connected", q->device);
	} else if (d->question) {
		q->code = tconn_fail(&q->error, -EBUSY, "device %s is being asked something else",
				     q->device);
	} else if (d->parked && resume(s, d) < 0) {
		q->code = tconn_fail(&q->error, -EBUSY, "no thread for device %s", q->device);
	} else {
		d->question = q;
		while (!q->done)
			pthread_cond_wait(&s->changed, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

struct question *server_take_question(struct server *s, struct device *d)
{
	struct question *q;

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

bool server_is_due(const struct device *d)
{
	const int64_t now = server_now();

	return (d->due && now >= d->due) || (d->end && now >= d->end);
}

bool server_park(struct server *s, struct device *d)
{
	bool parked = false;

	pthread_mutex_lock(&s->lock);
	if (!s->stopping && !d->question) {
		remember(s, d);
		parked = park(s, d);
	}
	pthread_mutex_unlock(&s->lock);
	return parked;
}

/* Parked, and somebody has to look after it. */
static bool wants_thread(const struct device *d)
{
	return d->parked && (atomic_load(&d->called_off) || server_is_due(d) || items_is_due(d));
}

/* lock held. All who want a thread, beginning with who was parked longest: where not all get one, it is
 * the others' turn next time. Times are in seconds, so a look each second will do, once all have one.
 */
static void scan(struct server *s)
{
	struct device *next;

	if (server_now() < s->scan_due)
		return;
	for (struct device *d = TAILQ_FIRST(&s->devices); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (!wants_thread(d))
			continue;
		if (s->active >= s->settings->active || resume(s, d) < 0)
			return;
	}
	s->scan_due = server_now() + 1;
}

/* Under the lock throughout: whoever else resumes a connection may free it. */
bool server_lobby(struct server *s)
{
	struct epoll_event events[64];
	bool room;
	int n;

	pthread_mutex_lock(&s->lock);
	n = epoll_wait(s->lobby_fd, events, 64, 0);
	for (int i = 0; i < n && s->active < s->settings->active; i++)
		if (resume(s, events[i].data.ptr) < 0)
			break;
	scan(s);
	room = s->active < s->settings->active;
	pthread_mutex_unlock(&s->lock);
	return room;
}

struct tconn_credentials *server_credentials(struct server *s)
{
	struct tconn_credentials *c;

	pthread_mutex_lock(&s->lock);
	c = tconn_credentials_get(s->credentials);
	pthread_mutex_unlock(&s->lock);
	return c;
}

void server_change_credentials(struct server *s, struct tconn_credentials *fresh)
{
	struct tconn_credentials *old;

	pthread_mutex_lock(&s->lock);
	old = s->credentials;
	s->credentials = fresh;
	s->renewal.end = fresh->end;
	pthread_mutex_unlock(&s->lock);
	tconn_credentials_put(old);
}

static void renewed(void *arg, struct tconn_credentials *fresh)
{
	struct server *s = arg;
	struct tconn_error err;

	server_change_credentials(s, fresh);
	event_raise(s, &(struct event){ .kind = EVENT_IDENTITY_RENEWED, .check = "", .device = "" },
		    "identity renewed");
	if (store_audit(s->store, "service", "identity-renewed", s->self.name, "", &err) < 0)
		tconn_say("%s", err.text);
}

static void not_renewed(void *arg, const struct tconn_error *why)
{
	event_raise(arg, &(struct event){ .kind = EVENT_IDENTITY_NOT_RENEWED, .check = "",
					  .device = "" },
		    "identity is NOT renewed: %s", why->text);
}

/* For the thread that renews: what is trusted by now. */
static struct x509_store_st *trusted(void *arg)
{
	struct rules *rules = rules_get(arg);
	X509_STORE *trust = rules->trust;

	X509_STORE_up_ref(trust);
	rules_put(rules);
	return trust;
}

int server_renew_start(struct server *s, struct tconn_error *err)
{
	s->renewal = (struct tconn_renewal){
		.tpm = s->party.tpm, .trusted = trusted, .issuer = s->settings->issuer,
		.identity_dir = s->settings->identity, .self = s->self,
		.before_days = s->settings->renew_before_days, .end = s->credentials->end,
		.renewed = renewed, .failed = not_renewed, .arg = s,
	};
	return tconn_renewal_start(&s->renewal, err);
}

void server_renew_end(struct server *s)
{
	tconn_renewal_end(&s->renewal);
}

static char *checks_text(const struct tconn_verdict *v)
{
	struct json_object *checks = tconn_json_checks(v);
	char *text = strdup(json_object_to_json_string_ext(checks, JSON_C_TO_STRING_PLAIN));

	json_object_put(checks);
	return text;
}

void server_note(struct server *s, struct device *d, const struct tconn_attestation *a)
{
	char *checks = checks_text(&a->peer), *own = a->own.count ? checks_text(&a->own) : NULL;

	pthread_mutex_lock(&s->lock);
	s->attestations[a->peer.trusted] += a->peer.count > 0;
	free(d->checks);
	d->checks = checks;
	if (own) {
		free(d->service_checks);
		d->service_checks = own;
	}
	d->due = s->settings->reattest_s ? server_now() + s->settings->reattest_s : 0;
	pthread_mutex_unlock(&s->lock);
}

bool server_is_connected(struct server *s, const char *id)
{
	bool there;

	pthread_mutex_lock(&s->lock);
	there = find(s, id) != NULL;
	pthread_mutex_unlock(&s->lock);
	return there;
}

static struct json_object *connection_json(const struct device *d)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add_string(obj, "id", d->identity.name);
	tconn_json_add_string(obj, "address", d->address);
	tconn_json_add(obj, "trusted", json_object_new_boolean(d->trusted));
	tconn_json_add(obj, "asking", json_object_new_boolean(d->question != NULL));
	tconn_json_add_string(obj, "kernel", d->kernel);
	tconn_json_add(obj, "checks", json_tokener_parse(d->checks ? d->checks : "[]"));
	tconn_json_add(obj, "service_checks",
		       json_tokener_parse(d->service_checks ? d->service_checks : "[]"));
	return obj;
}

struct json_object *server_status(struct server *s)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct device *d;

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "program", "tconn-serviced");
	tconn_json_add_string(obj, "name", s->self.name);
	tconn_json_add(obj, "uptime", json_object_new_int64(server_now() - s->started));
	pthread_mutex_lock(&s->lock);
	for (d = TAILQ_FIRST(&s->devices); d; d = TAILQ_NEXT(d, link))
		if (d->trusted && list)
			json_object_array_add(list, connection_json(d));
	tconn_json_add(obj, "pending", json_object_new_int64(s->pending));
	tconn_json_add(obj, "turned_away", json_object_new_int64((int64_t)s->turned_away));
	pthread_mutex_unlock(&s->lock);
	tconn_json_add(obj, "connections", list);
	return obj;
}

/* A parked connection that became nobody's; NULL where there is none. */
static struct device *take_parked(struct server *s)
{
	struct device *d;

	pthread_mutex_lock(&s->lock);
	for (d = TAILQ_FIRST(&s->devices); d; d = TAILQ_NEXT(d, link))
		if (d->parked)
			break;
	if (d)
		d->parked = false;
	pthread_mutex_unlock(&s->lock);
	return d;
}

void server_stop(struct server *s)
{
	struct device *d;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (d = TAILQ_FIRST(&s->devices); d; d = TAILQ_NEXT(d, link))
		shutdown(d->shut_fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	while ((d = take_parked(s)))
		device_end(d);
	pthread_mutex_lock(&s->lock);
	while (s->pending || s->connections || s->operators || s->callers || s->tickets ||
	       s->errands)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}
