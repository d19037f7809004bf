// SPDX-License-Identifier: Apache-2.0
/*
 * Plugs a made-up USB keyboard, with the ids of a real one, into the virtual host
 * controller of usbip while a dialog is there and types a PIN into it.
 *
 * attack: vhci_in_session
 * class: input
 * when: session
 * judge: decided
 * dialog: tty
 * spoils: yes
 * defence: module
 * why: a device that comes during a session ends it; this one would not be listed either
 */
#include <string.h>

#include "intruder.h"
#include "report.h"
#include "usbip.h"

static void press(void *device, char key)
{
	(void)device;
	usbip_press(key);
}

int main(void)
{
	int ret;

	attack_init();
	ret = usbip_plug_keyboard();
	attack_ready();
	if (ret)
		attack_failed("no USB device can be made: %s", strerror(-ret));
	intruder_type(press, NULL);
}
