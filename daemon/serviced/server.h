/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: what all its threads share, and the list of connections.
 *
 * A connection starts as pending and becomes a connection proper once its device
 * attested and is trusted. Each kind has its own bound, so that strangers who
 * stall in the handshake cannot keep out devices that are in.
 */
#ifndef SERVICED_SERVER_H
#define SERVICED_SERVER_H

#include <pthread.h>

#include "../lib/attest.h"
#include "question.h"
#include "settings.h"
#include "store.h"

#define SERVER_OPERATORS	16	/* conversations on the operator's socket at once */
#define SERVER_STACK		(1u << 20)	/* bytes, each thread */

struct ssl_ctx_st;

/* One connection; owned by its thread. */
struct device {
	struct server *server;
	struct tconn_channel *channel;	/* its thread's alone */
	char address[64];
	struct tconn_identity identity;	/* name "" until the handshake is done */
	struct device *next;		/* server.devices; server.lock */
	int shut_fd; /* a duplicate of the socket, to shut it down with; server.lock */
	int wake_fd;			/* eventfd: a question has come, or stop */
	bool trusted;			/* attested; server.lock */
	struct question *question;	/* being asked; server.lock */
	struct tconn_attestation last;	/* written once, before trusted is set */
};

struct server {
	const struct settings *settings;
	struct tconn_identity self;
	struct store *store;
	struct ssl_ctx_st *tls;
	struct tconn_party party;
	struct tconn_bytes data_cert;	/* DER, of the key that signs receipts */
	int64_t started;		/* CLOCK_BOOTTIME, seconds */

	pthread_mutex_t lock;		/* protects all below, and what says so above */
	pthread_cond_t changed;		/* a question is done, or a thread has ended */
	struct device *devices;
	unsigned int pending, connections, operators;
	uint64_t turned_away;		/* connections beyond the bound */
	bool full, stopping;
};

int server_init(struct server *s, struct tconn_error *err);
void server_free(struct server *s);

/* Takes fd in all cases. */
void server_accept(struct server *s, int fd, const char *address);
/* Starts run(arg) as a detached thread with a small stack. */
int server_thread(void *(*run)(void *), void *arg);

/* A trusted device joins; an older connection of the same device is ended. */
int server_join(struct server *s, struct device *d, struct tconn_error *err);
/* Leaves the list; whoever waits for an answer from it is told. */
void server_leave(struct server *s, struct device *d);

/* The operator's end: blocks until the device's thread has an answer or is gone. */
void server_ask(struct server *s, struct question *q);
/* The device's end: the question that waits, or NULL; and giving it back. */
struct question *server_take_question(struct server *s, struct device *d);
void server_done(struct server *s, struct device *d);

bool server_is_connected(struct server *s, const char *id);
struct json_object *server_status(struct server *s);

/* Ends all connections and waits for their threads. */
void server_stop(struct server *s);

#endif
