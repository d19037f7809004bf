/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections at the HTTP listener, and how long each may take. One that has not shown a
 * token yet is a stranger. Of strangers there are CALLER_STRANGERS at most: one more ends
 * the oldest, so that whoever is quick is served however many stall. A phase has one
 * deadline, whatever trickles in meanwhile.
 */
#ifndef SERVICED_CALLER_H
#define SERVICED_CALLER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum caller_limit {
	CALLER_STRANGERS	= 256,
	CALLER_MAX		= 1024,	/* connections in all */
	CALLER_HEAD_MS		= 10000, /* handshake, request line and headers */
	CALLER_BODY_MS		= 10000, /* a body */
	CALLER_ITEM_MS		= 60000, /* a body with an item */
	CALLER_REPLY_MS		= 20000, /* until the reply is taken */
};

/* One connection. */
struct caller {
	struct caller *next, *previous;	/* callers; oldest first */
	int fd;				/* borrowed while it is in the list */
	int64_t deadline;		/* CLOCK_MONOTONIC, ms; 0: none, it is being worked on */
	bool known;			/* has shown a token */
};

struct callers {
	pthread_mutex_t lock;		/* protects the list and what is in it */
	struct caller *first, *last;
	unsigned int strangers;
	uint64_t cut;			/* ended by a deadline, or for a newer one */
};

int callers_init(struct callers *c);
void callers_free(struct callers *c);
/* NULL: no memory, and the connection must end. */
struct caller *caller_enter(struct callers *c, int fd);
void caller_leave(struct callers *c, struct caller *one);
/* It is known from now on, and has ms for what comes next; 0: as long as it takes. */
void caller_phase(struct callers *c, struct caller *one, int ms);
/* Ends whoever is late. */
void callers_sweep(struct callers *c);
uint64_t callers_cut(struct callers *c);

#endif
