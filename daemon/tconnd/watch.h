/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watching thread: signals, the LED, and the status socket. It never blocks
 * for long on any of them.
 */
#ifndef TCONND_WATCH_H
#define TCONND_WATCH_H

#include "indicator.h"
#include "phrase.h"
#include "state.h"

struct watch {
	struct state *state;
	struct phrase *phrase;		/* for clients that want another */
	struct indicator indicator;
	int signal_fd, status_fd;
	pthread_t thread;
};

/* Blocks SIGTERM and SIGINT for all threads to come, opens the status socket,
 * arms the LED, starts the thread.
 */
int watch_start(struct watch *w, struct state *state, struct phrase *phrase,
		struct tconn_error *err);
/* Ends the thread, gives the LED back, removes the socket. */
void watch_end(struct watch *w);

#endif
