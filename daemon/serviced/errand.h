/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to a device, wherever it is. Where several nodes share the database,
 * and the device is at another one, that node is sent on an errand: a row that it
 * takes, carries to its device, and answers in. Nodes look for errands five times a second
 * rather than be told by LISTEN/NOTIFY: a connection that only listens, and would have to
 * ask anyway for what it missed while it was broken, saves a person nothing noticeable;
 * one indexed look at an empty table costs the server next to nothing; and it works
 * through a pooler too.
 */
#ifndef SERVICED_ERRAND_H
#define SERVICED_ERRAND_H

#include "server.h"

#define ERRAND_LOOK_MS	200
#define ERRAND_TAKE_S	5	/* until the other node has taken it */
#define ERRAND_MAX	16	/* from other nodes at once */

/* As server_ask(), at any node. */
void errand_ask(struct server *s, struct question *q);

/* From the node's thread: takes what is for this node, and carries each in a thread. */
int errand_look(struct server *s, struct tconn_error *err);

#endif
