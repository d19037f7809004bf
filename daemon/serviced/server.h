/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: what all its threads share, and the list of connections.
 *
 * A connection starts as pending and becomes a connection proper once its device
 * attested and is trusted. Each kind has its own bound, so that strangers who
 * stall in the handshake cannot keep out devices that are in.
 *
 * A connection has a thread while something is going on. When nothing is, it is
 * parked in the lobby: its socket in an epoll set, no thread, OpenSSL's buffers
 * given back. It gets a thread again when the device says something, an operator
 * asks, it is due to attest again or was revoked; of these, settings.active at once.
 */
#ifndef SERVICED_SERVER_H
#define SERVICED_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "../lib/appraised.h"
#include "../lib/attest.h"
#include "../lib/renewal.h"
#include "../lib/revocation.h"
#include "event.h"
#include "question.h"
#include "rules.h"
#include "settings.h"
#include "store.h"

#define SERVER_OPERATORS	16	/* conversations on the operator's socket at once */
#define SERVER_CALLERS	32	/* calls over HTTP that are worked on at once */
#define SERVER_STACK		(1u << 20)	/* bytes, each thread */

/* What becomes of an item. */
enum server_item { SERVER_ITEM_KEPT, SERVER_ITEM_REFUSED, SERVER_ITEM_NO_ROOM, SERVER_ITEMS };

/* One connection; owned by its thread, and by the lobby while it is parked. */
struct device {
	struct server *server;
	struct tconn_channel *channel;	/* the owner's alone */
	char address[64];
	struct tconn_identity identity;	/* name "" until the handshake is done */
	char tls_serial[TCONN_SERIAL_TEXT];	/* of the certificates it showed; server.lock */
	char ak_serial[TCONN_SERIAL_TEXT];
	uint8_t ak[32];			/* SHA-256 of the AK that attested last; the owner's alone */
	struct tconn_party party;	/* the server's, with the device's log, by its rules */
	struct rules *rules;		/* the owner's alone */
	struct tconn_ima_state log;	/* what is known of it; the owner's alone */
	struct tconn_appraised shown;	/* with the evidence that came last; the owner's alone */
	struct tconn_appraised appraised;	/* likewise, and trusted */
	TAILQ_ENTRY(device) link;	/* server.devices; server.lock */
	int shut_fd;	/* to shut the socket down with: a duplicate of it, until there is a channel, whose
			 * own it is then; server.lock
			 */
	bool shut_fd_is_own;		/* a duplicate; server.lock */
	atomic_bool called_off;		/* revoked meanwhile: whoever has it ends it */
	bool trusted;			/* attested; server.lock */
	bool told;			/* other nodes know; server.lock */
	bool parked;			/* no thread has it; server.lock */
	bool active;			/* counted in server.active; server.lock */
	int64_t due;			/* CLOCK_BOOTTIME, seconds: to attest again; 0: never */
	int64_t end;			/* the same clock: its certificate ends, and it with it */
	int64_t fetch_due;		/* likewise: to be asked for items; server.lock while parked */
	uint64_t items_sent;
	int64_t quota_audited;		/* CLOCK_BOOTTIME, seconds: that there was no room; 0: never */
	struct question *question;	/* being asked; server.lock */
	char failed[TCONN_CHECK_NAME_MAX];	/* check of the last attestation, or ""; the owner's alone */
	char kernel[128];		/* a hint; written once, before trusted is set */
	char *checks, *service_checks;	/* JSON, of the last attestation; server.lock */
};

/* One that left, until other nodes know. */
struct gone {
	char id[TCONN_IDENTITY_MAX];
	struct gone *next;
};

struct server {
	const struct settings *settings;
	struct tconn_identity self;
	struct store *store;
	struct tconn_credentials *credentials;	/* ours; lock, see server_credentials() */
	struct tconn_renewal renewal;
	struct tconn_party party;	/* trust and refset: a connection's own rules */
	struct rules *rules;		/* in force; lock, see rules_get() */
	pthread_mutex_t intake_lock;	/* of one device's folder, across two connections of it */
	struct event_rules event_rules;
	struct actions *actions;	/* NULL: none is set */
	int64_t started;		/* CLOCK_BOOTTIME, seconds */
	_Atomic int64_t beat;		/* the same clock: the main loop's last turn */

	pthread_mutex_t health_lock;	/* protects what follows, and one look at a time */
	int64_t tpm_looked;		/* CLOCK_BOOTTIME, seconds; 0: never */
	bool tpm_failed;
	struct tconn_error tpm_error;

	char node[STORE_NODE_NAME];	/* this one, where there are several; node.h */
	pthread_t node_thread;
	atomic_bool node_ends;
	bool node_runs, node_failed;

	int lobby_fd;			/* epoll: sockets of parked connections */
	pthread_mutex_t lock;		/* protects all below, and what says so above */
	pthread_cond_t changed;		/* a question is done, or a thread has ended */
	TAILQ_HEAD(devices, device) devices;	/* who was parked longest comes first */
	int64_t scan_due;		/* CLOCK_BOOTTIME, seconds: to look at all of them again */
	void *known;			/* tree of struct known, by id */
	unsigned int pending, connections;
	unsigned int operators, callers, tickets; /* threads that work for an operator */
	struct gone *gone, **gone_last;
	unsigned int errands;		/* of other nodes, being carried */
	unsigned int active;		/* threads of connections that were parked before */
	uint64_t attestations[2];	/* evidence that was appraised: refused, trusted */
	uint64_t items[SERVER_ITEMS];	/* what became of devices' items */
	uint64_t calls[2];		/* over HTTP: with a token, without */
	uint64_t calls_cut;		/* ended because they were late, or for newer ones */
	uint64_t turned_away;		/* connections beyond the bound */
	uint64_t revocations;		/* number of the last one that connections know of; revocation_sweep()'s */
	bool full, stopping;
};

/* CLOCK_BOOTTIME, seconds. */
int64_t server_now(void);

int server_init(struct server *s, struct tconn_error *err);
void server_free(struct server *s);

/* Takes fd in all cases. */
void server_accept(struct server *s, int fd, const char *address);
/* Starts run(arg) as a detached thread with a small stack. */
int server_thread(void *(*run)(void *), void *arg);

/* A thread for an operator: false where there are max of its kind (a count of server.h), or the
 * service ends. Its last act is server_exit().
 */
bool server_enter(struct server *s, unsigned int *count, unsigned int max);
void server_exit(struct server *s, unsigned int *count);

/* What we show of ourselves, now: tconn_credentials_put() it. Another one once it is renewed;
 * connections that are there go on with what they began with.
 */
struct tconn_credentials *server_credentials(struct server *s);
/* We show these from now on; takes them. */
void server_change_credentials(struct server *s, struct tconn_credentials *fresh);
int server_renew_start(struct server *s, struct tconn_error *err);
void server_renew_end(struct server *s);

/* Who it is, by which certificate; what is known of its log. */
void server_admit(struct server *s, struct device *d, const struct tconn_identity *who);
/* The certificate of the AK that it attests with. */
void server_know_ak(struct server *s, struct device *d, const struct tconn_bytes *cert);
/* A trusted device joins; an older connection of the same device is ended. */
int server_join(struct server *s, struct device *d, struct tconn_error *err);
/* Leaves the list; whoever waits for an answer from it is told. */
void server_leave(struct server *s, struct device *d);

/* The operator's end: blocks until the device's thread has an answer or is gone. */
void server_ask(struct server *s, struct question *q);
/* The device's end: the question that waits, or NULL; and giving it back. */
struct question *server_take_question(struct server *s, struct device *d);
void server_done(struct server *s, struct device *d);

/* Nothing to do: true, and the thread must not touch d again; false: there is. */
bool server_park(struct server *s, struct device *d);
/* From the main loop, when lobby_fd is readable and once a second: threads for
 * those that need one. False while no more may start.
 */
bool server_lobby(struct server *s);
bool server_is_due(const struct device *d);
/* What the last attestation found; when the next is due. */
void server_note(struct server *s, struct device *d, const struct tconn_attestation *a);

bool server_is_connected(struct server *s, const char *id);
struct json_object *server_status(struct server *s);

/* Ends all connections and waits for their threads. */
void server_stop(struct server *s);

#endif
