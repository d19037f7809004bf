// SPDX-License-Identifier: Apache-2.0
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/confinement.h"
#include "../lib/system.h"
#include "../lib/jsonline.h"
#include "../../kmod/uapi/tconn.h"
#include "band.h"

static int64_t boot_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

int state_init(struct state *s, const struct settings *settings, struct tconn_error *err)
{
	memset(s, 0, sizeof(*s));
	s->settings = settings;
	s->started = boot_seconds();
	s->channel_fd = -1;
	s->phrase = "";
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->screen, NULL);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop_fd < 0 || s->wanted_fd < 0)
		return tconn_fail(err, -errno, "eventfd: %s", strerror(errno));
	return 0;
}

void state_free(struct state *s)
{
	close(s->stop_fd);
	close(s->wanted_fd);
	pthread_mutex_destroy(&s->screen);
	pthread_mutex_destroy(&s->lock);
}

void state_connected(struct state *s, int fd)
{
	pthread_mutex_lock(&s->lock);
	s->channel_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	s->connected = true;
	s->trusted = false;
	memset(&s->last, 0, sizeof(s->last));
	pthread_mutex_unlock(&s->lock);
}

void state_moved(struct state *s, int fd)
{
	pthread_mutex_lock(&s->lock);
	if (s->channel_fd >= 0)
		close(s->channel_fd);
	s->channel_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	pthread_mutex_unlock(&s->lock);
}

void state_attested(struct state *s, const struct tconn_attestation *a, bool trusted)
{
	pthread_mutex_lock(&s->lock);
	s->last = *a;
	s->trusted = trusted;
	if (trusted)
		s->error[0] = '\0';
	pthread_mutex_unlock(&s->lock);
}

void state_reattested(struct state *s, const struct tconn_verdict *own, bool trusted)
{
	pthread_mutex_lock(&s->lock);
	s->last.own = *own;
	s->trusted = trusted;
	pthread_mutex_unlock(&s->lock);
}

void state_asking(struct state *s, bool asking)
{
	pthread_mutex_lock(&s->lock);
	s->asking = asking;
	s->requests += asking;
	pthread_mutex_unlock(&s->lock);
}

void state_receipt(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	s->receipts++;
	pthread_mutex_unlock(&s->lock);
}

const char *state_phrase_shown(const struct state *s)
{
	return band_fault(TCONN_SECURITYFS) ? "" : s->phrase;
}

void state_phrase(struct state *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	pthread_mutex_lock(&s->lock);
	vsnprintf(s->phrase_state, sizeof(s->phrase_state), fmt, args);
	pthread_mutex_unlock(&s->lock);
	va_end(args);
}

void state_disconnected(struct state *s, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (s->channel_fd >= 0)
		close(s->channel_fd);
	s->channel_fd = -1;
	s->connected = s->trusted = s->asking = false;
	snprintf(s->error, sizeof(s->error), "%s", why);
	pthread_mutex_unlock(&s->lock);
}

/* Fails only where the counter is at its limit: readable all the same. */
static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		errno = 0;
}

void state_take_screen(struct state *s)
{
	uint64_t count;

	signal_fd(s->wanted_fd);
	pthread_mutex_lock(&s->screen);
	if (read(s->wanted_fd, &count, sizeof(count)) < 0)
		errno = 0;
}

bool state_try_screen(struct state *s)
{
	return pthread_mutex_trylock(&s->screen) == 0;
}

void state_give_screen(struct state *s)
{
	pthread_mutex_unlock(&s->screen);
}

void state_stop(struct state *s)
{
	signal_fd(s->stop_fd);
	signal_fd(s->wanted_fd);
	pthread_mutex_lock(&s->lock);
	if (s->channel_fd >= 0)
		shutdown(s->channel_fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

bool state_stopped_within(const struct state *s, int ms)
{
	struct pollfd p = { .fd = s->stop_fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* The module's "/state": lines "key value". */
static struct json_object *module_json(const char *path)
{
	struct json_object *obj = json_object_new_object();
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f) {
		tconn_json_add(obj, "present", json_object_new_boolean(0));
		return obj;
	}
	tconn_json_add(obj, "present", json_object_new_boolean(1));
	while (fgets(line, sizeof(line), f)) {
		char *value = line + strcspn(line, " \n");
		bool more = *value == ' ';

		*value++ = '\0';
		if (more)
			value[strcspn(value, "\n")] = '\0';
		tconn_json_add_string(obj, line, more ? value : "");
	}
	fclose(f);
	return obj;
}

void state_describe(struct state *s, char *ret, size_t size)
{
	struct json_object *module = module_json(s->settings->module_state);
	const char *is_signed = NULL;

	tconn_json_string(module, "signed", &is_signed, NULL);
	pthread_mutex_lock(&s->lock);
	snprintf(ret, size,
		 "This is the trusted screen of device\n%s\n\nService %s: %s\nPolicy: %s",
		 s->self.name, s->settings->service_name,
		 s->trusted ? "connected, trusted in both directions" :
		 s->connected ? "connected, not trusted" :
		 *s->unfit ? "never connected: this device is out of service" : "not connected",
		 is_signed && strcmp(is_signed, "yes") == 0 ? "signed by the owner" :
		 "NOT SIGNED, developer mode");
	pthread_mutex_unlock(&s->lock);
	json_object_put(module);
}

static struct json_object *service_json(const struct state *s)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add_string(obj, "name", s->settings->service_name);
	tconn_json_add_string(obj, "address", s->settings->service);
	tconn_json_add(obj, "connected", json_object_new_boolean(s->connected));
	tconn_json_add(obj, "trusted", json_object_new_boolean(s->last.peer.trusted));
	tconn_json_add_string(obj, "kernel", s->last.kernel);
	tconn_json_add(obj, "checks", tconn_json_checks(&s->last.peer));
	return obj;
}

static struct json_object *device_json(const struct state *s)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add_string(obj, "id", s->self.name);
	tconn_json_add(obj, "trusted", json_object_new_boolean(s->last.own.trusted));
	tconn_json_add(obj, "checks", tconn_json_checks(&s->last.own));
	return obj;
}

static struct json_object *dropped_json(uint64_t bounding)
{
	struct json_object *list = json_object_new_array();
	const char *name;

	for (unsigned int i = 0; (name = tconn_capability_name(i)); i++) {
		if (!(bounding & 1ULL << i))
			json_object_array_add(list, json_object_new_string(name));
	}
	return list;
}

static struct json_object *ree_json(const struct tconn_confinement *c)
{
	struct json_object *obj = json_object_new_object();
	const char *flaw = tconn_confinement_flaw(c);

	tconn_json_add(obj, "pid", json_object_new_int(c->pid));
	tconn_json_add(obj, "holds", json_object_new_boolean(!flaw));
	tconn_json_add_string(obj, "flaw", flaw ? flaw : "");
	tconn_json_add_string(obj, "policy", c->policy);
	tconn_json_add_string(obj, "policy_digest", c->digest);
	tconn_json_add(obj, "dropped", dropped_json(c->bounding));
	tconn_json_add_string(obj, "seccomp", c->seccomp == 2 ? "filter" : "none");
	tconn_json_add(obj, "no_new_privileges", json_object_new_boolean(c->no_new_privs));
	tconn_json_add(obj, "own_process_ids", json_object_new_boolean(c->own_pids));
	return obj;
}

/* One object for each REE that tconn-confine has started and that still runs. */
static struct json_object *confinement_json(void)
{
	struct json_object *list = json_object_new_array();
	struct tconn_confinement ree[TCONN_CONFINED_MAX];
	size_t count = tconn_confinement_list(TCONN_CONFINED_DIR, ree);

	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, ree_json(&ree[i]));
	return list;
}

/* What holds besides the REE's confinement; the same goes with the evidence. */
static struct json_object *system_json(void)
{
	struct json_object *obj = json_object_new_object();
	struct tconn_system s;

	tconn_system_read("", TCONN_CONFINED_DIR, &s);
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++)
		tconn_json_add_string(obj, tconn_fact_name(f), s.fact[f]);
	return obj;
}

struct json_object *state_json(struct state *s)
{
	const char *hidden = band_fault(TCONN_SECURITYFS);
	struct json_object *obj = json_object_new_object();

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "program", "tconnd");
	tconn_json_add_string(obj, "name", s->self.name);
	tconn_json_add_string(obj, "out_of_service", s->unfit);
	tconn_json_add(obj, "uptime", json_object_new_int64(boot_seconds() - s->started));
	pthread_mutex_lock(&s->lock);
	tconn_json_add(obj, "connected", json_object_new_boolean(s->connected));
	tconn_json_add(obj, "trusted", json_object_new_boolean(s->trusted));
	tconn_json_add(obj, "asking", json_object_new_boolean(s->asking));
	tconn_json_add(obj, "requests", json_object_new_int64((int64_t)s->requests));
	tconn_json_add(obj, "receipts", json_object_new_int64((int64_t)s->receipts));
	tconn_json_add(obj, "service", service_json(s));
	tconn_json_add(obj, "device", device_json(s));
	tconn_json_add_string(obj, "phrase", s->phrase_state);
	tconn_json_add_string(obj, "phrase_hidden", hidden ? hidden : "");
	tconn_json_add_string(obj, "last_error", s->error);
	pthread_mutex_unlock(&s->lock);
	tconn_json_add(obj, "module", module_json(s->settings->module_state));
	tconn_json_add(obj, "confinement", confinement_json());
	tconn_json_add(obj, "system", system_json());
	return obj;
}
