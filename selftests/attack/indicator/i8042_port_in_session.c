// SPDX-License-Identifier: Apache-2.0
/*
 * Talks to the keyboard itself, by its ports, and has it switch its LEDs off while a
 * session is up.
 *
 * attack: i8042_port_in_session
 * class: indicator
 * when: session
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
	/* A few times, and not while somebody types. */
	i8042_set_leds(0);
	attack_wait(200);
	i8042_set_leds(0);
	attack_done();
}
