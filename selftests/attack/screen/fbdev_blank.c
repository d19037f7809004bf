// SPDX-License-Identifier: Apache-2.0
/*
 * Blanks the screen through the console's framebuffer device.
 *
 * attack: fbdev_blank
 * class: screen
 * when: session
 * judge: picture-hidden
 * dialog: tty
 * defence: boot
 * why: FBIOBLANK on /dev/fb0; there is no such device, and blanking needs the modeset locks
 */
#include <errno.h>
#include <linux/fb.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fbdev.h"
#include "report.h"

int main(void)
{
	struct fbdev f;

	attack_init();
	attack_ready();
	fbdev_open(&f);
	attack_wait(500);
	if (ioctl(f.fd, FBIOBLANK, FB_BLANK_POWERDOWN))
		attack_failed("FBIOBLANK: %s", strerror(errno));
	while (!attack_wait(1000))
		;
	ioctl(f.fd, FBIOBLANK, FB_BLANK_UNBLANK);
	attack_succeeded("blanked it");
}
