/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace(2), and what a tracer makes another process do. */
#ifndef ATTACK_TRACER_H
#define ATTACK_TRACER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

/*
 * Seizes a process and stops it; a system call that it waits in returns EINTR
 * when it goes on. Options as PTRACE_O_*. 0 or a negative errno.
 */
int tracer_stop(pid_t pid, unsigned long options);

/* Lets a stopped process go. */
void tracer_release(pid_t pid);

/* Runs a stopped one up to its next stop and fills its registers; -ESRCH if it ended. */
int tracer_next_stop(pid_t pid, int how, struct user_regs_struct *ret);

/* Has a stopped process make a system call; the call's result, or a negative errno. */
long tracer_call(pid_t pid, long number, unsigned long a, unsigned long b);

/* Its memory, word by word: 0 or a negative errno. */
int tracer_peek(pid_t pid, uint64_t address, void *buf, size_t size);
int tracer_poke(pid_t pid, uint64_t address, const void *buf, size_t size);

#endif
