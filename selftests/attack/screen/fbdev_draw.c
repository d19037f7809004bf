// SPDX-License-Identifier: Apache-2.0
/*
 * Draws on the console's framebuffer device, opened in the session.
 *
 * attack: fbdev_draw
 * class: screen
 * when: session
 * judge: picture-write
 * dialog: tty
 * defence: boot
 * why: /dev/fb0; the boot line wants no framebuffer device, the REE has no such node, and its pictures
 *	need the modeset locks
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
	do
		fbdev_fill(&f, SCREEN_MAGENTA);
	while (!attack_wait(100));
	fbdev_fill(&f, 0);
	attack_succeeded("drew on %u x %u pixels", f.width, f.height);
}
