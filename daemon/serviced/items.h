/* SPDX-License-Identifier: Apache-2.0 */
/* Labelled data over the channel, from the service's end (PROTOCOL.md: ITEM, TAKEN, FETCH). */
#ifndef SERVICED_ITEMS_H
#define SERVICED_ITEMS_H

#include "server.h"

/* What the device has for us, up to some: each is checked and kept, or refused. That an item
 * was refused is no error here.
 */
int items_fetch(struct device *d, struct tconn_error *err);
/* q's item to the device. The device's refusal is in q, and no error here. */
int items_send(struct device *d, struct question *q, struct tconn_error *err);
bool items_is_due(const struct device *d);

#endif
