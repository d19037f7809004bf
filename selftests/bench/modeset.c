// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include "modeset.h"

int bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	return -1;
}

int output_find(int card, struct output *ret)
{
	drmModeRes *res = drmModeGetResources(card);
	int found = -1;

	if (!res)
		return bench_fail("drmModeGetResources");
	for (int i = 0; i < res->count_connectors && found; i++) {
		drmModeConnector *c = drmModeGetConnector(card, res->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes && res->count_crtcs) {
			ret->connector = c->connector_id;
			ret->crtc = res->crtcs[0];
			ret->mode = c->modes[0];
			found = 0;
		}
		drmModeFreeConnector(c);
	}
	drmModeFreeResources(res);
	if (found)
		fprintf(stderr, "bench: no connected output\n");
	return found;
}

static int map_pixels(int card, struct picture *p)
{
	struct drm_mode_map_dumb map = { .handle = p->handle };

	if (drmIoctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return bench_fail("MAP_DUMB");
	p->pixels = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	return p->pixels == MAP_FAILED ? bench_fail("mmap of the dumb buffer") : 0;
}

int picture_make(int card, const struct output *o, uint8_t shade, struct picture *ret)
{
	struct drm_mode_create_dumb create = {
		.width = o->mode.hdisplay, .height = o->mode.vdisplay, .bpp = 32,
	};

	if (drmIoctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return bench_fail("CREATE_DUMB");
	*ret = (struct picture){
		.handle = create.handle, .pitch = create.pitch, .size = create.size,
	};
	if (map_pixels(card, ret))
		return -1;
	memset(ret->pixels, shade, ret->size);
	if (drmModeAddFB(card, create.width, create.height, 24, 32, create.pitch, create.handle,
			 &ret->fb))
		return bench_fail("drmModeAddFB");
	return 0;
}

int picture_show(int card, const struct output *o, const struct picture *p)
{
	uint32_t connector = o->connector;
	drmModeModeInfo mode = o->mode;

	if (drmModeSetCrtc(card, o->crtc, p->fb, 0, 0, &connector, 1, &mode))
		return bench_fail("drmModeSetCrtc");
	return 0;
}

void picture_free(int card, struct picture *p)
{
	struct drm_mode_destroy_dumb destroy = { .handle = p->handle };

	if (p->pixels)
		munmap(p->pixels, p->size);
	if (p->fb)
		drmModeRmFB(card, p->fb);
	if (p->handle)
		drmIoctl(card, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	*p = (struct picture){ 0 };
}
