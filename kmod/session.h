/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_SESSION_H
#define TCONN_SESSION_H

#include <linux/fs.h>
#include <linux/wait.h>
#include "uapi/tconn.h"

extern const struct file_operations tconn_state_fops;

/* Woken when the session's state changes or keys arrive. */
extern wait_queue_head_t tconn_session_wait;

int tconn_session_init(void);
int tconn_session_publish(void);	/* /dev/tconn */
void tconn_session_unpublish(void);
void tconn_session_exit(void);

/*
 * The session's ground has gone: give everything back soon, for this cause.
 * Returns at once, from any context, with any lock held; nothing happens
 * without a session.
 */
void tconn_session_abort(enum tconn_cause cause);

#endif
