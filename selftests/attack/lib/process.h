/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes, the trusted user interface first of all. */
#ifndef ATTACK_PROCESS_H
#define ATTACK_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_PAGE 4096

/* The newest process of that name (comm); 0 if there is none. */
pid_t process_find(const char *name);

/* tconn-tui, waited for until it is there; 0 after SIGTERM. */
pid_t process_wait_tui(void);

/*
 * Copies an open file of another process into this one (pidfd_getfd): the first
 * one of which /proc/PID/fd says that it is path. An fd or a negative errno.
 */
int process_steal_fd(pid_t pid, const char *path);

/* Called for each private writable range of a process' memory, devices' left out. */
typedef void (*process_range_fn)(uint64_t start, uint64_t end, void *context);

/* 0 or a negative errno. */
int process_writable(pid_t pid, process_range_fn fn, void *context);

/* Called for each page of those, with its place in physical memory. */
typedef void (*process_page_fn)(uint64_t physical, void *context);

int process_physical_pages(pid_t pid, process_page_fn fn, void *context);

/*
 * Looks for the secret in memory that was read out of another process: prints the
 * runs of 4 to 12 decimal digits, standing alone, as digits; returns how many.
 */
size_t process_report_digits(const char *memory, size_t size);

#endif
