/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes, the trusted user interface first of all. */
#ifndef ATTACK_PROCESS_H
#define ATTACK_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/* The newest process of that name (comm); 0 if there is none. */
pid_t process_find(const char *name);

/* tconn-tui, waited for until it is there; 0 after SIGTERM. */
pid_t process_wait_tui(void);

/*
 * Copies an open file of another process into this one (pidfd_getfd): the first
 * one of which /proc/PID/fd says that it is path. An fd or a negative errno.
 */
int process_steal_fd(pid_t pid, const char *path);

/*
 * Looks for the secret in memory that was read out of another process: prints the
 * runs of 4 to 12 decimal digits, standing alone, as digits; returns how many.
 */
size_t process_report_digits(const char *memory, size_t size);

#endif
