/* SPDX-License-Identifier: Apache-2.0 */
/* The real tconn-tui, started by somebody who has no business with it. */
#ifndef ATTACK_QUESTION_H
#define ATTACK_QUESTION_H

#include <stddef.h>
#include <sys/types.h>

#include "kmod/uapi/tconn.h"

#define QUESTION_TUI "/usr/sbin/tconn-tui"

struct question {
	pid_t pid;
	int reply;	/* tconn-tui's standard output */
	char message[512];
};

/*
 * Asks for a PIN in our name for so long. The child calls start, which executes
 * tconn-tui in its way and does not return if it can. 0 or a negative errno.
 */
int question_start(struct question *q, unsigned int timeout_ms, void (*start)(void));

/* execve() and nothing else. */
void question_execute(void);

/*
 * Waits for the answer. 0: a session was held, this is its record; else -EACCES,
 * and the message says why not.
 */
int question_end(struct question *q, struct tconn_record *ret);

#endif
