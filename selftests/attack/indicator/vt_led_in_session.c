// SPDX-License-Identifier: Apache-2.0
/*
 * Switches the LEDs off through the terminals (KDSETLED) while a session is up.
 *
 * attack: vt_led_in_session
 * class: indicator
 * when: session
 * judge: lamp
 * dialog: tty
 * defence: module
 * why: KDSETLED drives all keyboards' LEDs; the kernel's grab lets nobody else write to the device
 */
#include "report.h"
#include "terminal.h"

int main(void)
{
	int fd;

	attack_init();
	fd = terminal_open();
	if (fd < 0)
		attack_failed("no terminal can be opened");
	attack_ready();
	while (!attack_wait(50)) {
		/* What is set already is not set again. */
		terminal_set_leds(fd, TERMINAL_LEDS);
		terminal_set_leds(fd, 0);
	}
	attack_done();
}
