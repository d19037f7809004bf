// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tracer.h"

/* What the kernel has in rax where it means to call again (linux/errno.h, its own). */
#define RESTART_FIRST	-516
#define RESTART_LAST	-512

static int wait_stop(pid_t pid, int *ret_status)
{
	if (waitpid(pid, ret_status, __WALL) != pid || !WIFSTOPPED(*ret_status))
		return -ESRCH;
	return 0;
}

static int interrupt_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return -errno;
	if ((long)regs.orig_rax >= 0 && (long)regs.rax >= RESTART_FIRST &&
	    (long)regs.rax <= RESTART_LAST) {
		regs.orig_rax = (unsigned long long)-1;
		regs.rax = (unsigned long long)-EINTR;
	}
	return ptrace(PTRACE_SETREGS, pid, NULL, &regs) ? -errno : 0;
}

int tracer_stop(pid_t pid, unsigned long options)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL))
		return -errno;
	if (wait_stop(pid, &status))
		return -ESRCH;
	return interrupt_call(pid);
}

void tracer_release(pid_t pid)
{
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

int tracer_next_stop(pid_t pid, int how, struct user_regs_struct *ret)
{
	int status;

	do {
		if (ptrace(how, pid, NULL, NULL))
			return -errno;
		if (wait_stop(pid, &status))
			return -ESRCH;
		/* Events, such as a fork, are no steps. */
	} while (status >> 16);
	return ptrace(PTRACE_GETREGS, pid, NULL, ret) ? -errno : 0;
}

/* It was stopped in a system call, so there is a syscall instruction before rip. */
long tracer_call(pid_t pid, long number, unsigned long a, unsigned long b)
{
	struct user_regs_struct saved, regs;
	int ret;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &saved))
		return -errno;
	regs = saved;
	regs.rip -= 2;
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)number;
	regs.rdi = a;
	regs.rsi = b;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		return -errno;
	ret = tracer_next_stop(pid, PTRACE_SINGLESTEP, &regs);
	if (ret || ptrace(PTRACE_SETREGS, pid, NULL, &saved))
		return ret ? ret : -errno;
	return (long)regs.rax;
}

int tracer_peek(pid_t pid, uint64_t address, void *buf, size_t size)
{
	size_t at;
	long word;

	for (at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, (void *)(address + at), NULL);
		if (errno)
			return -errno;
		memcpy((char *)buf + at, &word, sizeof(word));
	}
	return 0;
}

int tracer_poke(pid_t pid, uint64_t address, const void *buf, size_t size)
{
	size_t at;
	long word;

	for (at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
		memcpy(&word, (const char *)buf + at, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, (void *)(address + at), word))
			return -errno;
	}
	return 0;
}
