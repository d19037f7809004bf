// SPDX-License-Identifier: Apache-2.0
/*
 * Brings another virtual terminal to the front while the dialog is up, and reads what is
 * typed into that.
 *
 * attack: vt_switch
 * class: input
 * when: session
 * judge: keys
 * dialog: tty
 * defence: module
 * why: keys go to the terminal in front; in a session they go to none, and the screen does
 *	not change either
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

#define LAST	12

/* The last one there is a node of; its number, or 0. */
static int open_terminal(int *ret_fd)
{
	char path[16];
	int i;

	for (i = LAST; i > 0; i--) {
		snprintf(path, sizeof(path), "/dev/tty%d", i);
		*ret_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (*ret_fd >= 0)
			return i;
	}
	return 0;
}

static void set_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode))
		return;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(fd, TCSANOW, &mode);
}

int main(void)
{
	struct digits digits = { 0 };
	int fd, number;
	char c;

	attack_init();
	number = open_terminal(&fd);
	if (!number)
		attack_failed("there is no terminal");
	set_raw(fd);
	if (ioctl(fd, VT_ACTIVATE, number))
		attack_note("VT_ACTIVATE %d: %s", number, strerror(errno));
	attack_ready();
	while (!attack_wait(20))
		while (read(fd, &c, 1) == 1)
			digits_add(&digits, c);
	ioctl(fd, VT_ACTIVATE, 1);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
