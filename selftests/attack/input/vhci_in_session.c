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
#include "usbip.h"

int main(void)
{
	usbip_intrude();
}
