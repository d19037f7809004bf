// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the machine its own USB keyboard before the dialog is there: a HID gadget (configfs)
 * on the dummy host controller, into which it types a PIN.
 *
 * attack: dummy_hcd_keyboard
 * class: input
 * when: before
 * judge: decided
 * spoils: yes
 * defence: module
 * why: to the kernel it is on a USB port, but that port is not below a controller
 *	that the policy lists
 */
#include "gadget.h"

int main(void)
{
	gadget_intrude();
}
