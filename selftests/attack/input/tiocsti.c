// SPDX-License-Identifier: Apache-2.0
/*
 * Types into the console's terminal without any keyboard (TIOCSTI).
 *
 * attack: tiocsti
 * class: input
 * when: session
 * judge: decided
 * dialog: tty
 * defence: module
 * why: a dialog that reads a terminal gets what any program puts there; the trusted one
 *	reads listed keyboards only, and the REE may not use TIOCSTI at all
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "intruder.h"
#include "report.h"

static void press(void *device, char key)
{
	if (ioctl(*(int *)device, TIOCSTI, &key))
		attack_note("TIOCSTI: %s", strerror(errno));
}

int main(void)
{
	int fd;

	attack_init();
	fd = open("/dev/tty1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	attack_ready();
	if (fd < 0)
		attack_failed("/dev/tty1: %s", strerror(errno));
	intruder_type(press, &fd);
}
