// SPDX-License-Identifier: Apache-2.0
/*
 * Plugs a made-up USB keyboard, with the ids of a real one, into the virtual host
 * controller of usbip before the dialog is there and types a PIN into it.
 *
 * attack: vhci_keyboard
 * class: input
 * when: before
 * judge: decided
 * spoils: yes
 * defence: module
 * why: to the kernel it is on a USB port, but that port is not below a controller
 *	that the policy lists
 */
#include "usbip.h"

int main(void)
{
	usbip_intrude();
}
