// SPDX-License-Identifier: Apache-2.0
/*
 * Plugs in a made-up HID keyboard (/dev/uhid), with name and ids of the real one, while
 * a dialog is there, and types a PIN into it.
 *
 * attack: uhid_in_session
 * class: input
 * when: session
 * judge: decided
 * dialog: tty
 * defence: module
 * why: a device that comes during a session ends it; this one would not be listed either
 */
#include <string.h>

#include "intruder.h"
#include "report.h"
#include "uhid.h"

static void press(void *device, char key)
{
	uhid_press(*(int *)device, key);
}

int main(void)
{
	int fd;

	attack_init();
	fd = uhid_keyboard();
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	intruder_type(press, &fd);
}
