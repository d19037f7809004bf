// SPDX-License-Identifier: Apache-2.0
/*
 * Talks to the keyboard itself, by its ports, and has it light its LEDs, with no session.
 *
 * attack: i8042_port_idle
 * class: indicator
 * when: idle
 * judge: lamp
 * spoils: yes
 * defence: boot
 * why: /dev/port and ioperm() reach the controller; lockdown shuts both, the REE has neither
 */
#include <string.h>

#include "i8042.h"
#include "report.h"

int main(void)
{
	int ret;

	attack_init();
	ret = i8042_open();
	attack_ready();
	if (ret)
		attack_failed("no way to the ports: %s", strerror(-ret));
	while (!attack_wait(200))
		i8042_set_leds(I8042_LED_ALL);
	attack_done();
}
