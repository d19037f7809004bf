// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../lib/attest.h"
#include "../lib/jsonline.h"
#include "device.h"
#include "meter.h"

#define NS		1000000000ll
#define POLL_MS		100	/* between looks whether it is over */

static const char simulated[] =
	"the devices, their TPMs and what they measured are software of this program; messages, "
	"channel, evidence format and issuer's certificates are as with real ones";

/* What all threads share. */
struct load {
	const struct load_options *o;
	struct logs logs;
	X509_STORE *trust;
	struct tconn_refset *refset;
	struct tconn_identity service;
	struct device *devices;
	atomic_flag *busy;		/* of each device: a worker has it */
	int64_t start_ns, end_ns;
	int epoll_fd;			/* HOLD: channels that nobody has */
	atomic_uint next;		/* job */
	atomic_uint failed, held;
	atomic_bool over;		/* HOLD */
	struct meter connects, attests;
	pthread_mutex_t lock;		/* protects first: the first failure */
	struct tconn_error first;
};

static void note_failure(struct load *l, const struct tconn_error *err)
{
	pthread_mutex_lock(&l->lock);
	if (!l->first.text[0])
		l->first = *err;
	pthread_mutex_unlock(&l->lock);
	atomic_fetch_add(&l->failed, 1);
}

static struct tconn_party party_of(const struct load *l, struct device *d)
{
	return (struct tconn_party){
		.trust = l->trust, .refset = l->refset, .message_ms = TCONN_MESSAGE_MS,
		.peer_log = &d->service_log, .collect = device_collect, .collect_arg = d,
	};
}

/* ctx is the worker's own: it shows this device's certificate until the next one's. */
static int dial(const struct load *l, SSL_CTX *ctx, struct device *d, struct tconn_error *err)
{
	if (SSL_CTX_use_certificate_ASN1(ctx, (int)d->tls_cert.len, d->tls_cert.data) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, d->tpm.tls) != 1)
		return tconn_fail(err, -EKEYREJECTED, "a device's certificate is not its TLS key's");
	return tconn_channel_connect(ctx, l->o->address, &d->channel, err);
}

static int attest(const struct load *l, struct device *d, struct tconn_error *err)
{
	const struct tconn_party party = party_of(l, d);
	struct tconn_attestation a;
	struct tconn_identity who;
	int r = tconn_peer_identity(d->channel, l->trust, TCONN_ROLE_SERVICE, &who, err);

	if (!r && strcmp(who.name, l->service.name))
		r = tconn_fail(err, -EKEYREJECTED, "the service is %s, not %s", who.name,
			       l->service.name);
	return r ? r : tconn_attest_device(d->channel, &party, &l->service, &a, err);
}

/* Until the other end has done its part, too: else more would be begun than it has finished. */
static int wait_for_end(struct device *d, struct tconn_error *err)
{
	struct pollfd p = { .fd = tconn_channel_fd(d->channel), .events = POLLIN };
	uint8_t waste[4096];
	ssize_t n;

	shutdown(p.fd, SHUT_WR);
	do {
		if (poll(&p, 1, TCONN_HANDSHAKE_MS) <= 0)
			return tconn_fail(err, -ETIMEDOUT, "the service does not close a connection that ended");
		n = recv(p.fd, waste, sizeof(waste), 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return 0;
}

static void hang_up(struct device *d)
{
	tconn_channel_close(d->channel);
	d->channel = NULL;
}

/* Whoever takes the event has the device, until it is armed again. */
static int arm(const struct load *l, struct device *d, int op)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = d };

	return epoll_ctl(l->epoll_fd, op, tconn_channel_fd(d->channel), &e) ? -errno : 0;
}

static void connect_one(struct load *l, SSL_CTX *ctx, struct device *d, int64_t since)
{
	struct tconn_error err = { "" };
	int r = dial(l, ctx, d, &err);

	if (!r)
		r = l->o->kind == LOAD_HANDSHAKE ? wait_for_end(d, &err) : attest(l, d, &err);
	if (!r && l->o->kind == LOAD_HOLD) {
		r = arm(l, d, EPOLL_CTL_ADD);
		if (r)
			tconn_fail(&err, r, "epoll: %s", strerror(-r));
		else
			atomic_fetch_add(&l->held, 1);
	}
	if (r)
		note_failure(l, &err);
	else
		meter_add(&l->connects, meter_now_ns() - since);
	if (r || l->o->kind != LOAD_HOLD)
		hang_up(d);
}

static void sleep_until(int64_t ns)
{
	const struct timespec t = { .tv_sec = ns / NS, .tv_nsec = ns % NS };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* The next job, its device, and since when it waits: with a rate its latency begins when it was
 * to begin, not when a worker came to it. NULL: there is none.
 */
static struct device *next_job(struct load *l, unsigned int *ret_device, int64_t *ret_since)
{
	for (;;) {
		const unsigned int job = atomic_fetch_add(&l->next, 1);
		const unsigned int device = job % l->o->devices;
		const int64_t due = l->o->rate ? l->start_ns + job * NS / l->o->rate : 0;

		if (l->o->kind == LOAD_HOLD ? job >= l->o->devices :
		    (due > meter_now_ns() ? due : meter_now_ns()) >= l->end_ns)
			return NULL;
		if (atomic_flag_test_and_set(&l->busy[device]))
			continue;
		if (due)
			sleep_until(due);
		*ret_device = device;
		*ret_since = due ? due : meter_now_ns();
		return &l->devices[device];
	}
}

static void *connector(void *arg)
{
	struct load *l = arg;
	struct tconn_error err;
	SSL_CTX *ctx = NULL;
	unsigned int number;
	struct device *d;
	int64_t since;

	if (tconn_tls_context(NULL, NULL, l->trust, false, &ctx, &err)) {
		note_failure(l, &err);
		return NULL;
	}
	while ((d = next_job(l, &number, &since))) {
		connect_one(l, ctx, d, since);
		atomic_flag_clear(&l->busy[number]);
	}
	SSL_CTX_free(ctx);
	return NULL;
}

/* What the service wants of a device that is in. Nobody is in front of it. */
static int hear(struct load *l, struct device *d, struct tconn_error *err)
{
	const struct tconn_party party = party_of(l, d);
	struct tconn_message m = { 0 };
	struct tconn_attestation a;
	const int64_t start = meter_now_ns();
	int r = tconn_message_receive(d->channel, TCONN_MSG_ANY, TCONN_FRAME_EVIDENCE,
				      TCONN_MESSAGE_MS, &m, err);

	if (!r && m.type != TCONN_MSG_ATTEST)
		r = tconn_fail(err, -EPROTO, "the service wants something else than an attestation "
			       "(message %d): a simulated device does nothing else", m.type);
	if (!r)
		r = tconn_reattest_device(d->channel, &party, &m, &a, err);
	if (!r)
		meter_add(&l->attests, meter_now_ns() - start);
	tconn_message_free(&m);
	return r;
}

static void serve(struct load *l, struct device *d)
{
	struct tconn_error err = { "" };
	int r;

	do {
		r = hear(l, d, &err);
	} while (!r && tconn_channel_pending(d->channel));
	if (!r)
		r = arm(l, d, EPOLL_CTL_MOD);
	if (!r)
		return;
	/* The socket leaves the epoll set as it is closed. */
	hang_up(d);
	atomic_fetch_sub(&l->held, 1);
	note_failure(l, &err);
}

static void *listener(void *arg)
{
	struct load *l = arg;
	struct epoll_event e;

	while (!atomic_load(&l->over))
		if (epoll_wait(l->epoll_fd, &e, 1, POLL_MS) == 1)
			serve(l, e.data.ptr);
	return NULL;
}

static unsigned int start_threads(struct load *l, void *(*run)(void *), pthread_t *thread)
{
	unsigned int n = 0;

	while (n < l->o->workers && !pthread_create(&thread[n], NULL, run, l))
		n++;
	return n;
}

static void join(pthread_t *thread, unsigned int n)
{
	while (n)
		pthread_join(thread[--n], NULL);
}

static int open_parts(struct load *l, struct tconn_error *err)
{
	const unsigned int n = l->o->devices;
	int r = logs_load(l->o->dir, &l->logs, err);

	if (!r)
		r = tconn_trust_load(l->o->trust, &l->trust, err);
	if (!r)
		r = tconn_refset_load(l->o->reference, NULL, &l->refset, err);
	l->service.role = TCONN_ROLE_SERVICE;
	snprintf(l->service.name, sizeof(l->service.name), "%s", l->o->service);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->devices = calloc(n, sizeof(*l->devices));
	l->busy = calloc(n, sizeof(*l->busy));
	if (!r && (l->epoll_fd < 0 || !l->devices || !l->busy))
		r = tconn_fail(err, -ENOMEM, "out of memory or descriptors");
	for (unsigned int i = 0; i < n && !r; i++) {
		atomic_flag_clear(&l->busy[i]);
		r = device_load(l->o->dir, i, &l->devices[i], err);
		l->devices[i].logs = &l->logs;
	}
	return r;
}

static void close_parts(struct load *l)
{
	for (unsigned int i = 0; l->devices && i < l->o->devices; i++)
		device_free(&l->devices[i]);
	free(l->devices);
	free(l->busy);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	tconn_refset_free(l->refset);
	X509_STORE_free(l->trust);
	logs_free(&l->logs);
	meter_free(&l->connects);
	meter_free(&l->attests);
}

static double own_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void add_double(struct json_object *obj, const char *key, double value)
{
	tconn_json_add(obj, key, json_object_new_double(value));
}

static void add_count(struct json_object *obj, const char *key, int64_t value)
{
	tconn_json_add(obj, key, json_object_new_int64(value));
}

/* A phase: so many operations, in that time, for which the service used so much. */
struct phase {
	int64_t ns;
	struct usage before, after;
	double own_before, own_after;
};

static int phase_begin(const struct load *l, struct phase *p, struct tconn_error *err)
{
	p->ns = -meter_now_ns();
	p->own_before = own_cpu_s();
	return l->o->pid ? usage_of(l->o->pid, &p->before, err) : 0;
}

static int phase_end(const struct load *l, struct phase *p, struct tconn_error *err)
{
	p->ns += meter_now_ns();
	p->own_after = own_cpu_s();
	return l->o->pid ? usage_of(l->o->pid, &p->after, err) : 0;
}

static struct json_object *phase_json(const struct load *l, const struct phase *p, struct meter *m)
{
	struct json_object *obj = json_object_new_object();
	const int64_t cpu = p->after.cpu_ns - p->before.cpu_ns;

	add_double(obj, "seconds", (double)p->ns / 1e9);
	add_count(obj, "done", (int64_t)m->count);
	add_double(obj, "per_s", (double)m->count * 1e9 / (double)p->ns);
	if (m->count)
		tconn_json_add(obj, "ms", meter_json(m));
	add_double(obj, "own_cpu_s", p->own_after - p->own_before);
	if (!l->o->pid)
		return obj;
	add_double(obj, "service_cpu_s", (double)cpu / 1e9);
	if (m->count)
		add_double(obj, "service_cpu_us_each", (double)cpu / 1e3 / (double)m->count);
	add_count(obj, "service_rss_kib_before", (int64_t)p->before.rss_kib);
	add_count(obj, "service_rss_kib_after", (int64_t)p->after.rss_kib);
	return obj;
}

static int run_connects(struct load *l, struct json_object *report, struct tconn_error *err)
{
	pthread_t thread[LOAD_WORKERS_MAX];
	struct phase p;
	int r = phase_begin(l, &p, err);

	if (r)
		return r;
	l->start_ns = meter_now_ns();
	l->end_ns = l->start_ns + l->o->seconds * NS;
	join(thread, start_threads(l, connector, thread));
	r = phase_end(l, &p, err);
	if (!r)
		tconn_json_add(report, "connections", phase_json(l, &p, &l->connects));
	return r;
}

/* All are in. What the time before brought of attestations does not count. */
static int measure_held(struct load *l, struct json_object *report, struct tconn_error *err)
{
	struct phase p;
	int r = phase_begin(l, &p, err);

	if (r)
		return r;
	pthread_mutex_lock(&l->attests.lock);
	l->attests.count = 0;
	pthread_mutex_unlock(&l->attests.lock);
	sleep_until(meter_now_ns() + l->o->seconds * NS);
	r = phase_end(l, &p, err);
	if (r)
		return r;
	add_count(report, "held", atomic_load(&l->held));
	tconn_json_add(report, "attestations", phase_json(l, &p, &l->attests));
	return 0;
}

static void add_memory(const struct load *l, struct json_object *report, uint64_t rss_kib)
{
	struct usage now;

	if (l->o->pid && atomic_load(&l->held) && !usage_of(l->o->pid, &now, NULL))
		add_double(report, "service_kib_per_connection",
			   ((double)now.rss_kib - (double)rss_kib) / atomic_load(&l->held));
}

static int run_held(struct load *l, struct json_object *report, struct tconn_error *err)
{
	pthread_t thread[LOAD_WORKERS_MAX];
	struct usage before = { 0 };
	unsigned int listeners;
	int r = l->o->pid ? usage_of(l->o->pid, &before, err) : 0;

	if (r)
		return r;
	listeners = start_threads(l, listener, thread);
	r = run_connects(l, report, err);
	if (!r)
		r = measure_held(l, report, err);
	if (!r)
		add_memory(l, report, before.rss_kib);
	atomic_store(&l->over, true);
	join(thread, listeners);
	return r;
}

int load_run(const struct load_options *o, struct json_object **ret, struct tconn_error *err)
{
	static const char *const names[] = { "handshake", "connect", "hold" };
	struct load l = {
		.o = o, .epoll_fd = -1, .connects = METER_INIT, .attests = METER_INIT,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct json_object *report = json_object_new_object();
	int r = open_parts(&l, err);

	tconn_json_add_string(report, "simulated", simulated);
	tconn_json_add_string(report, "load", names[o->kind]);
	add_count(report, "devices", o->devices);
	add_count(report, "workers", o->workers);
	add_count(report, "rate", o->rate);
	if (!r)
		r = o->kind == LOAD_HOLD ? run_held(&l, report, err) : run_connects(&l, report, err);
	add_count(report, "failed", atomic_load(&l.failed));
	if (l.first.text[0])
		tconn_json_add_string(report, "first_failure", l.first.text);
	close_parts(&l);
	if (r) {
		json_object_put(report);
		return r;
	}
	*ret = report;
	return 0;
}
