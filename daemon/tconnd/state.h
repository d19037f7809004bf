/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tconnd knows about itself, shared between the thread that talks to the
 * service and the one that watches (status socket, LED, signals).
 */
#ifndef TCONND_STATE_H
#define TCONND_STATE_H

#include <pthread.h>
#include <stdbool.h>

#include "../lib/attest.h"
#include "settings.h"

struct json_object;

struct state {
	const struct settings *settings;
	struct tconn_identity self;
	int64_t started;		/* CLOCK_BOOTTIME, seconds */
	/* Why this device connects to nobody, or "": known before any thread starts. */
	char unfit[TCONN_ERROR_MAX];
	int stop_fd;			/* eventfd, readable once told to stop */

	pthread_mutex_t screen;		/* held by who has the person's attention */
	int wanted_fd;			/* eventfd, readable while a question waits for it */
	const char *phrase;		/* the holder's, "" for none: phrase.h. Changed by who holds the
					 * screen; for a dialog, state_phrase_shown().
					 */

	pthread_mutex_t lock;		/* protects all below */
	bool connected, trusted;	/* trusted: by both sides */
	bool asking;			/* a dialog is open */
	struct tconn_attestation last;	/* of the last attempt */
	char error[TCONN_ERROR_MAX];	/* why the last connection ended, "" */
	uint64_t requests, receipts;
	char phrase_state[TCONN_ERROR_MAX];	/* a word on it, never the phrase */
	int channel_fd;			/* a duplicate, to shut the channel down with; or -1 */
};

int state_init(struct state *s, const struct settings *settings, struct tconn_error *err);
void state_free(struct state *s);

void state_connected(struct state *s, int fd);
/* Another channel in its place; it has attested. */
void state_moved(struct state *s, int fd);
void state_attested(struct state *s, const struct tconn_attestation *a, bool trusted);
/* The service's later word about this device. */
void state_reattested(struct state *s, const struct tconn_verdict *own, bool trusted);
void state_asking(struct state *s, bool asking);
void state_receipt(struct state *s);
void state_disconnected(struct state *s, const char *why);

/* One dialog at a time. A question waits for the screen, and makes a notice leave it. */
void state_take_screen(struct state *s);
bool state_try_screen(struct state *s);		/* for a notice: false if it is taken */
void state_give_screen(struct state *s);

/* What goes into the band of a dialog: "" where there is no phrase, or no place for it. */
const char *state_phrase_shown(const struct state *s);
void state_phrase(struct state *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For the person: which device this is, to whom it is connected, what its policy is. */
void state_describe(struct state *s, char *ret, size_t size);

/* Makes stop_fd readable and ends the channel's blocking calls. */
void state_stop(struct state *s);
/* Sleeps; true when told to stop. */
bool state_stopped_within(const struct state *s, int ms);

/* The reply to {"do":"status"} but for the indicator. */
struct json_object *state_json(struct state *s);

#endif
