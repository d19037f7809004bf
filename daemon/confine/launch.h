/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the REE's first program confined, and stays outside until it ends.
 *
 *	tconn-confine		trusted side: passes signals on, says how it ended
 *	`- tconn-confine	first process of the REE, confined: reaps orphans
 *	   `- PROGRAM
 *
 * When either of the first two dies, the kernel kills the whole REE.
 */
#ifndef CONFINE_LAUNCH_H
#define CONFINE_LAUNCH_H

#include "policy.h"

#define LAUNCH_FAILED	125	/* nothing was started */
#define LAUNCH_CANNOT	126	/* PROGRAM cannot be executed */
#define LAUNCH_MISSING	127	/* there is no PROGRAM */

struct launch {
	const struct policy *policy;
	const char *policy_path;
	char *const *argv;	/* PROGRAM and its arguments */
	bool init;		/* PROGRAM is the REE's first process itself */
};

/* PROGRAM's exit status, 128 + signal, or one of the above. */
int launch(const struct launch *l);

#endif
