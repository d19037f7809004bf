// SPDX-License-Identifier: Apache-2.0
/*
 * Lights the scroll lock LED through every evdev node, with no session.
 *
 * attack: ev_led_idle
 * class: indicator
 * when: idle
 * judge: lamp
 * defence: limit
 * why: EV_LED written to evdev by a REE that has the keyboard; a lamp that is no keyboard's has no such door
 */
#include <linux/input.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	int fds[EVDEV_MAX];
	size_t count, i;

	attack_init();
	count = evdev_open_keyboards(fds);
	if (!count)
		attack_failed("no keyboard can be opened");
	attack_ready();
	for (i = 0; i < count; i++)
		evdev_set_led(fds[i], LED_SCROLLL, 1);
	while (!attack_wait(1000))
		;
	for (i = 0; i < count; i++)
		evdev_set_led(fds[i], LED_SCROLLL, 0);
	attack_done();
}
