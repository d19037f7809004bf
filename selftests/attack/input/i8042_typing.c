// SPDX-License-Identifier: Apache-2.0
/*
 * Types with the real keyboard, by its controller: a command has it return any byte as if
 * it had come from the keyboard.
 *
 * attack: i8042_typing
 * class: input
 * when: session
 * judge: decided
 * unprotected: module
 * spoils: yes
 * defence: boot
 * why: to every driver this is the keyboard; lockdown shuts ioperm() and /dev/port, and
 *	the REE has neither
 */
#include <string.h>

#include "i8042.h"
#include "intruder.h"
#include "report.h"

#define RELEASE	0x80
#define ENTER	0x1c

static void press(void *device, char key)
{
	const uint8_t code = key == '\n' ? ENTER :
			     key == '0' ? 0x0b : (uint8_t)(0x02 + (key - '1'));

	(void)device;
	i8042_pretend(code);
	i8042_pretend(code | RELEASE);
}

int main(void)
{
	int ret;

	attack_init();
	ret = i8042_open();
	attack_ready();
	if (ret)
		attack_failed("no way to the ports: %s", strerror(-ret));
	intruder_type(press, NULL);
}
