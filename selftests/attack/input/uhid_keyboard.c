// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a HID keyboard (/dev/uhid) with name and ids of the real one before the dialog
 * is there and types a PIN into it.
 *
 * attack: uhid_keyboard
 * class: input
 * when: before
 * judge: decided
 * defence: module
 * why: to the kernel it is a keyboard as any, but it has no place in the topology the
 *	policy lists
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
