/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with one device, from handshake to close; one thread each. */
#ifndef SERVICED_DEVICE_H
#define SERVICED_DEVICE_H

#include "server.h"

/* Takes fd in all cases; returns when the connection is over. */
void device_converse(struct device *d, int fd);

#endif
