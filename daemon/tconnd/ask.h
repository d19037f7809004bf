/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the person: one run of tconn-tui, request in, reply out (tui/protocol.h).
 * The TUI is not trusted by being our child: what it says is checked here for
 * form, and by the service against the module's record.
 */
#ifndef TCONND_ASK_H
#define TCONND_ASK_H

#include <stdint.h>

#include "../lib/message.h"
#include "../../tui/protocol.h"

/* Beyond the request's own time-out: start-up, and giving the screen back. */
#define ASK_MARGIN_MS 15000

struct ask {
	const char *program;
	char *const *args;	/* NULL-terminated, without argv[0]; may be NULL */
	const char *phrase;	/* the holder's, for the band; NULL or "": none */
	int stop_fd;		/* readable: stop everything */
	int peer_fd;		/* hung up: nobody waits for the answer any more */
};

/* Fills the answer's status, record, answer and text. Returns 0 whatever the TUI
 * did (a run that failed is status TCONN_TUI_FAILED with the reason in text);
 * -ECANCELED: told to stop; -ECONNRESET: the service has gone.
 */
int ask_person(const struct ask *how, const struct tconn_message *request,
	       struct tconn_message *ret_answer, struct tconn_error *err);

#endif
