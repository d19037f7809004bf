// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a keyboard and presses its scroll lock key, so that the console lights the
 * LED of all keyboards, with no session.
 *
 * attack: uinput_scroll_lock
 * class: indicator
 * when: idle
 * judge: lamp
 * defence: confinement
 * why: the console keeps all keyboards' LEDs alike; the REE has no /dev/uinput
 */
#include <linux/input.h>
#include <string.h>

#include "report.h"
#include "terminal.h"
#include "uinput.h"

int main(void)
{
	const struct input_id id = { .bustype = BUS_USB, .vendor = 1, .product = 1 };
	int fd;

	attack_init();
	/* Scroll lock stops a terminal that somebody has open. */
	terminal_open();
	fd = uinput_keyboard("keyboard", &id);
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	uinput_press(fd, KEY_SCROLLLOCK);
	while (!attack_wait(1000))
		;
	uinput_press(fd, KEY_SCROLLLOCK);
	attack_succeeded("pressed scroll lock");
}
