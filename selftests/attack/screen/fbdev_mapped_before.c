// SPDX-License-Identifier: Apache-2.0
/*
 * Maps the console's framebuffer device before the session and draws on it in there.
 *
 * attack: fbdev_mapped_before
 * class: screen
 * when: before
 * judge: picture-write
 * dialog: tty
 * defence: boot
 * why: a mapping of /dev/fb0 outlives whatever is done to the device; there is no such device
 */
#include "fbdev.h"
#include "report.h"
#include "screen.h"

int main(void)
{
	struct fbdev f;

	attack_init();
	fbdev_open(&f);
	attack_ready();
	attack_wait(1000);
	do
		fbdev_fill(&f, SCREEN_MAGENTA);
	while (!attack_wait(100));
	fbdev_fill(&f, 0);
	attack_succeeded("drew on %u x %u pixels", f.width, f.height);
}
