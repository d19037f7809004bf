// SPDX-License-Identifier: Apache-2.0
/*
 * Switches the output off, as DRM master.
 *
 * attack: crtc_off
 * class: screen
 * when: before
 * judge: picture-hidden
 * ree: attack
 * defence: module
 * why: a modeset to nothing; it waits for the modeset locks, which the session holds
 */
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

int main(void)
{
	unsigned int done = 0;
	struct screen s;

	attack_init();
	master_get(&s);
	while (!attack_wait(200))
		done += !drmModeSetCrtc(s.card, s.crtc, 0, 0, 0, NULL, 0, NULL);
	attack_succeeded("switched it off %u times", done);
}
