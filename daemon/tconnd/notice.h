/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice that tconnd itself puts on the trusted screen, no service asking: after the
 * attention key, and to set up a phrase. Where the policy lets the TUI show nothing that
 * no service vouches for, it is the TUI's own text (TCONN_TUI_ATTENTION) instead of ours.
 */
#ifndef TCONND_NOTICE_H
#define TCONND_NOTICE_H

#include "state.h"

struct tconn_message;

struct notice {
	struct state *state;
	bool plain;		/* the TUI shows no notice but its own */
};

/* The caller holds the screen, and frees the answer. As ask_person(), but that a question of the
 * service ends it, too: -ECANCELED. peer_fd: who waits for it, or -1.
 */
int notice_show(struct notice *n, const char *text, const char *phrase, uint32_t ms, int peer_fd,
		struct tconn_message *ret_answer, struct tconn_error *err);

#endif
