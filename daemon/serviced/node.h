/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process as one of several that share the database: a thread that says it is
 * alive and which devices are here, calls off what was revoked at any node, and does
 * other nodes' errands. Nothing of it where the database is this process's own.
 */
#ifndef SERVICED_NODE_H
#define SERVICED_NODE_H

#include "server.h"

/* Once the store is open. */
int node_start(struct server *s, struct tconn_error *err);
/* Before the store is closed, where it was started or not. */
void node_end(struct server *s);

#endif
