// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the dialog's picture from the console's framebuffer device.
 *
 * attack: fbdev_read
 * class: screen
 * when: session
 * judge: picture-read
 * dialog: tty
 * defence: boot
 * why: /dev/fb0 is the console's picture; a session's is elsewhere, and there is no such device
 */
#include "fbdev.h"
#include "report.h"
#include "screen.h"

int main(void)
{
	struct fbdev f;

	attack_init();
	attack_ready();
	fbdev_open(&f);
	attack_wait(500);
	screen_report(f.map, f.pitch, f.width, f.height);
	attack_succeeded("read %u x %u pixels", f.width, f.height);
}
