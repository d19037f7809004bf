// SPDX-License-Identifier: Apache-2.0
#include "node.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/digest.h"
#include "../lib/say.h"
#include "errand.h"
#include "revocation.h"

enum {
	AT_ONCE	= 256,	/* devices that came or went, in one transaction */
	BEAT_S	= 1,
	TIDY_S	= 60,
};

/* What others do not know yet: at most AT_ONCE. Those who went first, for one may be back. */
static size_t collect(struct server *s, struct store_device ret[AT_ONCE])
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (struct gone *g = s->gone; g && n < AT_ONCE; g = g->next)
		strcpy(ret[n++].id, g->id);
	for (struct device *d = TAILQ_FIRST(&s->devices); d && n < AT_ONCE; d = TAILQ_NEXT(d, link))
		if (d->trusted && !d->told)
			strcpy(ret[n++].id, d->identity.name);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < n; i++)
		ret[i].here = server_is_connected(s, ret[i].id);
	return n;
}

static bool is_here(const struct store_device *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].here && strcmp(list[i].id, id) == 0)
			return true;
	return false;
}

/* lock held */
static void forget_gone(struct server *s, size_t n)
{
	while (s->gone && n--) {
		struct gone *g = s->gone;

		s->gone = g->next;
		free(g);
	}
	if (!s->gone)
		s->gone_last = &s->gone;
}

/* One that came or went meanwhile is in the next round: what was written is what was so then. */
static int tell_devices(struct server *s, struct tconn_error *err)
{
	static struct store_device list[AT_ONCE];
	const size_t n = collect(s, list);
	int r = store_present(s->store, s->node, list, n, err);
	size_t gone = 0;

	if (r < 0 || n == 0)
		return r;
	pthread_mutex_lock(&s->lock);
	for (struct gone *g = s->gone; g && gone < n && strcmp(g->id, list[gone].id) == 0; g = g->next)
		gone++;
	forget_gone(s, gone);
	for (struct device *d = TAILQ_FIRST(&s->devices); d; d = TAILQ_NEXT(d, link))
		if (d->trusted && !d->told && is_here(list, n, d->identity.name))
			d->told = true;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* Told once where it fails, and once when it works again. */
static void note(struct server *s, int r, const struct tconn_error *err)
{
	if ((r < 0) != s->node_failed)
		tconn_say("other nodes: %s", r < 0 ? err->text : "the database is there again");
	s->node_failed = r < 0;
}

static int round_of(struct server *s, int64_t *beat_due, int64_t *tidy_due, struct tconn_error *err)
{
	int r = 0;

	if (server_now() >= *beat_due) {
		*beat_due = server_now() + BEAT_S;
		r = store_beat(s->store, s->node, err);
		if (r == 0)
			r = revocation_sweep(s, err);
	}
	if (r == 0 && server_now() >= *tidy_due) {
		*tidy_due = server_now() + TIDY_S;
		r = store_tidy(s->store, err);
	}
	if (r == 0)
		r = tell_devices(s, err);
	return r < 0 ? r : errand_look(s, err);
}

static void *node_thread(void *arg)
{
	struct server *s = arg;
	int64_t beat_due = 0, tidy_due = 0;
	struct tconn_error err;

	while (!atomic_load(&s->node_ends)) {
		int r = round_of(s, &beat_due, &tidy_due, &err);

		note(s, r, &err);
		usleep(ERRAND_LOOK_MS * 1000);
	}
	if (store_end_node(s->store, s->node, &err) < 0)
		tconn_say("other nodes: %s", err.text);
	return NULL;
}

/* A name that no other process ever has, this one restarted included. */
static int make_name(struct server *s, struct tconn_error *err)
{
	uint8_t random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return tconn_fail(err, -EIO, "no random numbers");
	tconn_hex(random, sizeof(random), s->node);
	return 0;
}

int node_start(struct server *s, struct tconn_error *err)
{
	int r;

	if (!store_is_shared(s->store))
		return 0;
	r = make_name(s, err);
	if (r == 0)
		r = store_beat(s->store, s->node, err);
	if (r < 0)
		return r;
	r = pthread_create(&s->node_thread, NULL, node_thread, s);
	if (r)
		return tconn_fail(err, -r, "no thread: %s", strerror(r));
	s->node_runs = true;
	tconn_say("node %s of several that share the database", s->node);
	return 0;
}

void node_end(struct server *s)
{
	if (!s->node_runs)
		return;
	atomic_store(&s->node_ends, true);
	pthread_join(s->node_thread, NULL);
	s->node_runs = false;
	forget_gone(s, SIZE_MAX);
}
