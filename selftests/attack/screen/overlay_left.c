// SPDX-License-Identifier: Apache-2.0
/*
 * Puts an overlay over the screen, as DRM master, and leaves it there.
 *
 * attack: overlay_left
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * defence: module
 * why: an overlay plane lies over every picture; a session switches off all planes but its own
 */
#include <errno.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

/* Without universal planes the kernel lists overlays only. */
static uint32_t find_overlay(int card)
{
	drmModePlaneRes *res = drmModeGetPlaneResources(card);
	uint32_t found = res && res->count_planes ? res->planes[0] : 0;

	drmModeFreePlaneResources(res);
	return found;
}

int main(void)
{
	uint32_t width, height, plane;
	struct screen_buffer b;
	struct screen s;

	attack_init();
	master_get(&s);
	plane = find_overlay(s.card);
	if (!plane)
		attack_unavailable("this display has no overlay planes");
	if (screen_make(&s, SCREEN_MAGENTA, &b))
		attack_failed("no buffer");
	width = s.mode.hdisplay / 2u;
	height = s.mode.vdisplay / 2u;
	if (drmModeSetPlane(s.card, plane, s.crtc, b.fb, 0, 0, 0, width, height, 0, 0, width << 16,
			    height << 16))
		attack_failed("the overlay cannot be set: %s", strerror(errno));
	attack_done();
}
