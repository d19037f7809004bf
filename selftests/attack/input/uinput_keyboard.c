// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a keyboard with name and ids of the real one before the dialog is there and
 * types a PIN into it.
 *
 * attack: uinput_keyboard
 * class: input
 * when: before
 * judge: decided
 * quick: yes
 * defence: module
 * why: a made-up keyboard has no place in the topology the policy lists
 */
#include "uinput.h"

int main(void)
{
	uinput_intrude();
}
