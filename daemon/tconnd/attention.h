/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secure attention key: the module says that it was pressed, and here the trusted
 * screen comes up with a notice of what this device is, whether it is connected, and
 * whether its policy is signed; or with the notice that is the TUI's own (notice.h). A question
 * that comes up first, or meanwhile, takes the notice's place; a press after it has its notice
 * as soon as the screen is free.
 */
#ifndef TCONND_ATTENTION_H
#define TCONND_ATTENTION_H

#include "notice.h"

#define ATTENTION_MS	30000	/* the notice goes away by itself */

struct attention {
	struct state *state;
	struct notice notice;
	int fd;			/* the module's file; -1: there is none, and no thread */
	pthread_t thread;
};

int attention_start(struct attention *a, struct state *state, struct tconn_error *err);
/* After state_stop(): ends the thread. */
void attention_end(struct attention *a);

#endif
