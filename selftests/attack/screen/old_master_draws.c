// SPDX-License-Identifier: Apache-2.0
/*
 * Goes on drawing with the fd that is DRM master: modesets, page flips, damage.
 *
 * attack: old_master_draws
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * quick: yes
 * defence: module
 * why: whoever was master stays master in a session; what it asks for waits for the modeset locks
 */
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

int main(void)
{
	struct screen_buffer b[2];
	unsigned int turns = 0;
	struct screen s;

	attack_init();
	master_get(&s);
	if (screen_make(&s, SCREEN_MAGENTA, &b[0]) || screen_make(&s, SCREEN_MAGENTA, &b[1]))
		attack_failed("no buffers");
	do {
		screen_show(&s, &b[0]);
		drmModePageFlip(s.card, s.crtc, b[1].fb, 0, NULL);
		drmModeDirtyFB(s.card, b[0].fb, NULL, 0);
		drmModeDirtyFB(s.card, b[1].fb, NULL, 0);
		turns++;
	} while (!attack_wait(20));
	attack_succeeded("drew %u times", turns);
}
