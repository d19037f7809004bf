/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's socket, PROTOCOL.md; a thread for each conversation, bounded. */
#ifndef SERVICED_OPERATOR_H
#define SERVICED_OPERATOR_H

#include "server.h"

/* Takes fd in all cases. */
void operator_accept(struct server *s, int fd);

#endif
