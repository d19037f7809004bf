// SPDX-License-Identifier: Apache-2.0
/*
 * Blanks the console, as the screen saver of old does.
 *
 * attack: console_blank
 * class: screen
 * when: session
 * judge: picture-hidden
 * dialog: tty
 * defence: boot
 * why: TIOCLINUX on a terminal; the console has no screen, and blanking needs the modeset locks
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "report.h"
#include "terminal.h"

/* Codes of TIOCLINUX. */
#define UNBLANK	4
#define BLANK	14

int main(void)
{
	char code = BLANK;
	int fd;

	attack_init();
	attack_ready();
	fd = terminal_open();
	if (fd < 0)
		attack_failed("no terminal: %s", strerror(-fd));
	attack_wait(500);
	if (ioctl(fd, TIOCLINUX, &code))
		attack_failed("TIOCLINUX: %s", strerror(errno));
	while (!attack_wait(1000))
		;
	code = UNBLANK;
	ioctl(fd, TIOCLINUX, &code);
	attack_succeeded("blanked it");
}
