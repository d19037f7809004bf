// SPDX-License-Identifier: Apache-2.0
/*
 * The unprotected guest's attention key: a program like any other that counts its presses
 * on all keyboards there are, one line each, as long as it runs.
 */
#include <linux/input.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	int fds[EVDEV_MAX];
	unsigned int presses;
	size_t count;

	attack_init();
	count = evdev_open_keyboards(fds);
	attack_ready();
	while (!attack_stopping())
		for (presses = evdev_count_presses(fds, count, 100, KEY_F12); presses; presses--)
			attack_note("attention");
	return 0;
}
