// SPDX-License-Identifier: Apache-2.0
/*
 * Switches the scroll lock LED off through every evdev node while a session is up.
 *
 * attack: ev_led_in_session
 * class: indicator
 * when: session
 * judge: lamp
 * dialog: tty
 * quick: yes
 * defence: module
 * why: EV_LED written to evdev; the kernel's grab lets nobody else write to the device
 */
#include <linux/input.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	int fds[EVDEV_MAX];
	size_t count, i;

	count = evdev_begin(fds);
	while (!attack_wait(50))
		for (i = 0; i < count; i++)
			evdev_set_led(fds[i], LED_SCROLLL, 0);
	attack_done();
}
