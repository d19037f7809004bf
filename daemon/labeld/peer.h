/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end of a socket, as the kernel says: process, user, executable
 * and its digest, cgroup. Held by a pidfd, so that the number cannot become another's.
 */
#ifndef LABELD_PEER_H
#define LABELD_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "../lib/label_policy.h"

struct peer {
	struct tconn_label_peer who;
	int pidfd;
	dev_t dev;			/* of the executable */
	ino_t ino;
};

/* The caller closes ret->pidfd. */
int peer_identify(int fd, struct peer *ret, struct tconn_error *err);
/* The process lives and still executes what it did. */
bool peer_unchanged(const struct peer *p);

#endif
