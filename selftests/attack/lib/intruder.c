// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "intruder.h"
#include "report.h"

#define PIN		"24681357"
#define SETTLED_MS	1500	/* dialogs take no Enter right after a change */

/* What was typed when the dialog was gone is on the console, where the next one may read. */
static void clean_up(void)
{
	int fd = open("/dev/tty1", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0) {
		tcflush(fd, TCIFLUSH);
		close(fd);
	}
}

void intruder_type(void (*press)(void *device, char key), void *device)
{
	const char *c;

	while (!attack_wait(1000)) {
		for (c = PIN; *c; c++)
			press(device, *c);
		if (!attack_wait(SETTLED_MS))
			press(device, '\n');
	}
	clean_up();
	attack_done();
}
