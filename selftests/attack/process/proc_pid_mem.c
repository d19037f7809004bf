// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the trusted user interface's stack from /proc/PID/mem.
 *
 * attack: proc_pid_mem
 * class: process
 * when: session
 * judge: keys
 * quick: yes
 * defence: confinement
 * why: lockdown does not restrict /proc/PID/mem; the REE's /proc has no process of the trusted
 *      side, and without CAP_SYS_PTRACE it would not open
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "memory.h"

static ssize_t read_file(pid_t pid, uint64_t address, void *buf, size_t size)
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = pread(fd, buf, size, (off_t)address);
	if (got < 0)
		got = -errno;
	close(fd);
	return got;
}

int main(void)
{
	memory_watch(read_file);
}
