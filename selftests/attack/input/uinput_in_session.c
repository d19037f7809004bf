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
#include "uinput.h"

int main(void)
{
	uinput_intrude();
}
