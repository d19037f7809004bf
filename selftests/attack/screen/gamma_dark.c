// SPDX-License-Identifier: Apache-2.0
/*
 * Makes every colour black by the output's gamma ramp, as DRM master.
 *
 * attack: gamma_dark
 * class: screen
 * when: before
 * judge: picture-hidden
 * ree: attack
 * defence: module
 * why: a gamma ramp left behind; a session's commits say that there is none
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

int main(void)
{
	drmModeCrtc *crtc;
	struct screen s;
	uint16_t *dark;

	attack_init();
	master_get(&s);
	crtc = drmModeGetCrtc(s.card, s.crtc);
	if (!crtc || crtc->gamma_size < 2)
		attack_unavailable("this display has no gamma ramp");
	dark = calloc((size_t)crtc->gamma_size, sizeof(*dark));
	if (!dark)
		attack_failed("no memory");
	while (!attack_wait(200))
		if (drmModeCrtcSetGamma(s.card, s.crtc, (uint32_t)crtc->gamma_size, dark, dark,
					dark))
			attack_failed("the ramp cannot be set: %s", strerror(errno));
	attack_succeeded("made everything black");
}
