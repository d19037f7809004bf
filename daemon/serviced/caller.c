// SPDX-License-Identifier: Apache-2.0
#include "caller.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

int callers_init(struct callers *c)
{
	*c = (struct callers){ .first = NULL };
	return -pthread_mutex_init(&c->lock, NULL);
}

void callers_free(struct callers *c)
{
	pthread_mutex_destroy(&c->lock);
}

/* lock held. Whoever reads or writes there finds the end. */
static void cut(struct callers *c, struct caller *one)
{
	shutdown(one->fd, SHUT_RDWR);
	one->deadline = 0;
	if (!one->known) {
		one->known = true;	/* counted no more */
		c->strangers--;
	}
	c->cut++;
}

/* lock held */
static void cut_oldest(struct callers *c)
{
	for (struct caller *one = c->first; one; one = one->next) {
		if (!one->known) {
			cut(c, one);
			return;
		}
	}
}

struct caller *caller_enter(struct callers *c, int fd)
{
	struct caller *one = calloc(1, sizeof(*one));

	if (!one)
		return NULL;
	one->fd = fd;
	one->deadline = now_ms() + CALLER_HEAD_MS;
	pthread_mutex_lock(&c->lock);
	if (c->strangers == CALLER_STRANGERS)
		cut_oldest(c);
	one->previous = c->last;
	if (c->last)
		c->last->next = one;
	else
		c->first = one;
	c->last = one;
	c->strangers++;
	pthread_mutex_unlock(&c->lock);
	return one;
}

void caller_leave(struct callers *c, struct caller *one)
{
	pthread_mutex_lock(&c->lock);
	if (one->previous)
		one->previous->next = one->next;
	else
		c->first = one->next;
	if (one->next)
		one->next->previous = one->previous;
	else
		c->last = one->previous;
	c->strangers -= !one->known;
	pthread_mutex_unlock(&c->lock);
	free(one);
}

void caller_phase(struct callers *c, struct caller *one, int ms)
{
	pthread_mutex_lock(&c->lock);
	c->strangers -= !one->known;
	one->known = true;
	one->deadline = ms ? now_ms() + ms : 0;
	pthread_mutex_unlock(&c->lock);
}

void callers_sweep(struct callers *c)
{
	const int64_t now = now_ms();

	pthread_mutex_lock(&c->lock);
	for (struct caller *one = c->first; one; one = one->next)
		if (one->deadline && now >= one->deadline)
			cut(c, one);
	pthread_mutex_unlock(&c->lock);
}

uint64_t callers_cut(struct callers *c)
{
	uint64_t n;

	pthread_mutex_lock(&c->lock);
	n = c->cut;
	pthread_mutex_unlock(&c->lock);
	return n;
}
