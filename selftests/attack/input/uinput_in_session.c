// SPDX-License-Identifier: Apache-2.0
/*
 * Plugs in a made-up keyboard, with name and ids of the real one, while a dialog is
 * there, and types a PIN into it.
 *
 * attack: uinput_in_session
 * class: input
 * when: session
 * judge: decided
 * dialog: tty
 * defence: module
 * why: a device that comes during a session ends it; this one would not be listed either
 */
#include <linux/input.h>
#include <string.h>

#include "evdev.h"
#include "intruder.h"
#include "report.h"
#include "uinput.h"

static void press(void *device, char key)
{
	uinput_press(*(int *)device, key == '\n' ? KEY_ENTER : evdev_key(key));
}

int main(void)
{
	struct input_id id = { .bustype = BUS_I8042 };
	char name[80] = "keyboard";
	int fd;

	attack_init();
	uinput_copy_real(name, sizeof(name), &id);
	fd = uinput_keyboard(name, &id);
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	intruder_type(press, &fd);
}
