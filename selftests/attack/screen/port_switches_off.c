// SPDX-License-Identifier: Apache-2.0
/*
 * Switches the display's mode off through its I/O ports.
 *
 * attack: port_switches_off
 * class: screen
 * when: session
 * judge: picture-hidden
 * devices: VGA
 * spoils: yes
 * defence: boot
 * why: iopl and ioperm; lockdown refuses them, the REE lacks CAP_SYS_RAWIO
 */
#include <errno.h>
#include <string.h>
#include <sys/io.h>

#include "report.h"

/* The display's index and data registers, 16 bits each. */
#define INDEX	0x1ce
#define DATA	0x1cf
#define ENABLE	4

int main(void)
{
	attack_init();
	attack_ready();
	attack_wait(500);
	if (ioperm(INDEX, 3, 1))
		attack_failed("ioperm: %s", strerror(errno));
	do {
		outw(ENABLE, INDEX);
		outw(0, DATA);
	} while (!attack_wait(200));
	attack_succeeded("switched its mode off");
}
