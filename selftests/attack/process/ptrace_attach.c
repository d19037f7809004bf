// SPDX-License-Identifier: Apache-2.0
/*
 * Attaches to the trusted user interface as a debugger and reads its stack word by
 * word, again and again.
 *
 * attack: ptrace_attach
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: PTRACE_ATTACH and PEEKDATA; the REE has neither ptrace(2), nor CAP_SYS_PTRACE for a
 *      process that is not dumpable, nor a number for it (and yama.ptrace_scope is 3)
 */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "memory.h"
#include "tracer.h"

/* Words from the end of the stack, as far as it goes. */
static ssize_t read_attached(pid_t pid, uint64_t address, void *buf, size_t size)
{
	int ret, status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		return -errno;
	if (waitpid(pid, &status, 0) != pid)
		return -ESRCH;
	ret = tracer_peek(pid, address, buf, size);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return ret ? ret : (ssize_t)size;
}

int main(void)
{
	memory_watch(read_attached);
}
