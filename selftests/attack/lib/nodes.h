/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes that tell digits as they come (hidraw, hiddev). */
#ifndef ATTACK_NODES_H
#define ATTACK_NODES_H

#include "digits.h"

#define NODES_MAX 8

/* Reads what waits on the node with that index, without blocking. */
typedef void nodes_collect(int fd, unsigned int index, struct digits *d);

/*
 * All of an attack that reads such nodes: opens those that the pattern names, says ready,
 * collects until SIGTERM. For the judge keys.
 */
__attribute__((noreturn)) void nodes_watch(const char *pattern, nodes_collect *collect);

#endif
