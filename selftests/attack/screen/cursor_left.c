// SPDX-License-Identifier: Apache-2.0
/*
 * Puts a cursor over the middle of the screen, as DRM master, and leaves it there.
 *
 * attack: cursor_left
 * class: screen
 * when: before
 * judge: cursor
 * ree: attack
 * defence: module
 * why: a cursor plane lies over every picture; a session switches off all planes but its own
 */
#include <errno.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

#define SIZE 64

int main(void)
{
	struct screen_buffer b;
	struct screen s, small;
	int ret;

	attack_init();
	master_get(&s);
	small = s;
	small.mode.hdisplay = SIZE;
	small.mode.vdisplay = SIZE;
	ret = screen_make(&small, 0xff000000u | SCREEN_MAGENTA, &b);
	if (ret)
		attack_failed("no buffer: %s", strerror(-ret));
	ret = drmModeSetCursor(s.card, s.crtc, b.handle, SIZE, SIZE);
	if (ret == -ENXIO || ret == -ENOTTY)
		attack_unavailable("the display has no cursor: %s", strerror(-ret));
	if (ret)
		attack_failed("the cursor cannot be set: %s", strerror(-ret));
	drmModeMoveCursor(s.card, s.crtc, s.mode.hdisplay / 2, s.mode.vdisplay / 2);
	attack_done();
}
