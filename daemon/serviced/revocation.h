/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was revoked ends: at the door (each certificate that is checked, each device
 * that comes), and where it is connected already. The list is in the store, which
 * other programs may write to as well; nothing of it is kept here.
 */
#ifndef SERVICED_REVOCATION_H
#define SERVICED_REVOCATION_H

#include "server.h"

/* Called by tconn_trust_revocation()'s list; arg is the store. */
int revocation_look(void *store, const char *serial);

/* 0, or -EKEYREVOKED: the device, or the certificate that it showed. */
int revocation_check(struct server *s, const struct device *d, struct tconn_error *err);

/* What ended with r because its connection was called off ended for that reason. */
int revocation_reason(const struct device *d, int r, struct tconn_error *err);

/* Finds what was revoked since the last time, at any node, and calls off the connections it hits:
 * each ends at once, with a REFUSAL. From one thread, once a second: the main loop's, or node.h's.
 */
int revocation_sweep(struct server *s, struct tconn_error *err);

#endif
