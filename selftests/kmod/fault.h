/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the kernel fail where it rarely does: the n-th allocation, or copy from or
 * to userspace, of this thread. Needs the debug kernel (scripts/debug-kernel).
 *
 *	for (n = 1; fault_more(&fault, n); n++) {
 *		...prepare...
 *		fault_arm(&fault, n);
 *		ret = ioctl(...);
 *		fault_disarm(&fault);
 *		...look...
 *	}
 *
 * The loop ends after a round in which the call was over before its n-th chance to
 * fail, or after FAULT_MAX. Functions return 0 or a negative errno.
 */
#ifndef TCONN_TEST_FAULT_H
#define TCONN_TEST_FAULT_H

#include <stdbool.h>

#define FAULT_MAX	3000

struct fault {
	int fd;			/* this thread's fail-nth */
	bool hit;		/* the last round failed something */
	unsigned int left;	/* if not: how many chances more it would have taken */
	unsigned int hits;	/* rounds that did */
};

int fault_open(struct fault *ret);	/* -ENOENT: no such kernel */
void fault_close(struct fault *fault);

bool fault_more(const struct fault *fault, unsigned int n);
void fault_arm(struct fault *fault, unsigned int n);
void fault_disarm(struct fault *fault);

/*
 * Until the next fault_open() single pages do not fail: for calls that ask for hundreds of
 * them in a row, for a buffer. What is to be seen where one fails, is where the buffer's
 * descriptors fail as well.
 */
int fault_spare_pages(void);

/* Starts a new loop. */
void fault_reset(struct fault *fault);

/* The n-th chance of another thread, a kernel thread for instance. */
int fault_arm_thread(int tid, unsigned int n);

#endif
