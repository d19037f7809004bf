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
#include "uhid.h"

int main(void)
{
	uhid_intrude();
}
