// SPDX-License-Identifier: Apache-2.0
/*
 * Lights the LEDs through the terminals (KDSETLED), with no session.
 *
 * attack: vt_led_idle
 * class: indicator
 * when: idle
 * judge: lamp
 * defence: confinement
 * why: KDSETLED drives all keyboards' LEDs; tconn-confine denies it
 */
#include <string.h>

#include "report.h"
#include "terminal.h"

int main(void)
{
	int fd, ret;

	attack_init();
	fd = terminal_open();
	if (fd < 0)
		attack_failed("no terminal can be opened");
	attack_ready();
	ret = terminal_set_leds(fd, TERMINAL_LEDS);
	if (ret)
		attack_failed("KDSETLED: %s", strerror(-ret));
	while (!attack_wait(1000))
		;
	terminal_set_leds(fd, 0);
	attack_succeeded("set all LEDs");
}
