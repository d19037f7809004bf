// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the machine its own USB keyboard while a dialog is there: a HID gadget (configfs)
 * on the dummy host controller, into which it types a PIN.
 *
 * attack: dummy_hcd_in_session
 * class: input
 * when: session
 * judge: decided
 * dialog: tty
 * spoils: yes
 * defence: module
 * why: a device that comes during a session ends it; this one would not be listed either
 */
#include "gadget.h"

int main(void)
{
	gadget_intrude();
}
