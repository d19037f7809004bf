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
#include "uhid.h"

int main(void)
{
	uhid_intrude();
}
