// SPDX-License-Identifier: Apache-2.0
/*
 * Reads every keyboard's events, as a key logger does.
 *
 * attack: evdev_reader
 * class: input
 * when: before
 * judge: keys
 * dialog: tty
 * defence: module
 * why: open evdev nodes; during a session the kernel's grab lets nobody else have events
 */
#include "evdev.h"
#include "report.h"

int main(void)
{
	char digits[256] = "";
	int fds[EVDEV_MAX];
	size_t count;

	count = evdev_begin(fds);
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			break;
	attack_digits(digits);
	attack_failed("these are all the digits it saw");
}
