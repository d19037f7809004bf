/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the operator's, run without a shell, with a deadline. */
#ifndef SERVICED_CHILD_H
#define SERVICED_CHILD_H

#include <stddef.h>

#define CHILD_INPUT_MAX	32768	/* bytes: below what a pipe holds, so that nobody waits */

/* in goes to its standard input, which then ends; it has no other descriptors of this process, and
 * env alone. Killed after timeout_ms. 0: it ended, *ret_status as of waitpid(2); -EAGAIN no
 * process, -EMSGSIZE, -EIO it did not take the input, -ETIMEDOUT.
 */
int child_run(char *const argv[], char *const env[], const void *in, size_t len, int timeout_ms,
	      int *ret_status);

#endif
