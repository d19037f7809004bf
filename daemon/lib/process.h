/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every daemon does to itself before it touches a secret, and how it tells
 * a service manager that it is ready.
 */
#ifndef TCONN_PROCESS_H
#define TCONN_PROCESS_H

#include "error.h"

/* Not dumpable (no ptrace, no /proc/pid/mem by the same user), no core file,
 * memory locked where the process may lock all of it (CAP_IPC_LOCK; a small
 * RLIMIT_MEMLOCK would make later allocations fail, so it is left alone then),
 * SIGPIPE ignored. Standard descriptors that are closed become /dev/null, so that no
 * later file takes their numbers.
 */
int tconn_process_harden(struct tconn_error *err);

/* sd_notify(3) protocol: sends state ("READY=1", "STOPPING=1", "STATUS=...") to
 * $NOTIFY_SOCKET; nothing happens where that is not set.
 */
void tconn_process_notify(const char *state);

#endif
