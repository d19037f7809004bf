/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: a fixed number of threads, each holding one conversation at a
 * time, so that at most SERVER_WORKERS are under way; the others wait in the
 * kernel's backlog. Every step of a conversation has a deadline (channel.h).
 */
#ifndef TCONN_CA_SERVER_H
#define TCONN_CA_SERVER_H

#include "desk.h"

#define SERVER_WORKERS	16
#define SERVER_STOP_MS	2000	/* for conversations under way, at the end */

/* Until SIGTERM or SIGINT, or until `once` enrolments have succeeded (0: for ever).
 * dir holds the issuer, whose key is the listener's too.
 */
int server_run(const struct desk *desk, const char *dir, const char *address, unsigned int once,
	       struct tconn_error *err);

#endif
