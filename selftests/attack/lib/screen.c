// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "process.h"
#include "report.h"
#include "screen.h"

#define GRID	8	/* pixels, in both directions */

static uint32_t find_crtc(int card, const drmModeRes *res, const drmModeConnector *connector)
{
	drmModeEncoder *encoder;
	uint32_t crtc = 0;
	int i;

	if (!connector->count_encoders)
		return 0;
	encoder = drmModeGetEncoder(card, connector->encoders[0]);
	for (i = 0; encoder && !crtc && i < res->count_crtcs; i++)
		if (encoder->possible_crtcs & (1u << i))
			crtc = res->crtcs[i];
	drmModeFreeEncoder(encoder);
	return crtc;
}

static int find_output(struct screen *s)
{
	drmModeRes *res = drmModeGetResources(s->card);
	int i;

	s->crtc = 0;
	for (i = 0; res && i < res->count_connectors && !s->crtc; i++) {
		drmModeConnector *c = drmModeGetConnector(s->card, res->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes) {
			s->connector = c->connector_id;
			s->mode = c->modes[0];
			s->crtc = find_crtc(s->card, res, c);
		}
		drmModeFreeConnector(c);
	}
	drmModeFreeResources(res);
	return s->crtc ? 0 : -ENODEV;
}

int screen_open(struct screen *s)
{
	int ret;

	s->card = open(SCREEN_CARD, O_RDWR | O_CLOEXEC);
	if (s->card < 0)
		return -errno;
	/* The first to open is master at once: it asks what is plugged in, then is not in the way. */
	ret = find_output(s);
	drmDropMaster(s->card);
	if (ret)
		close(s->card);
	return ret;
}

int screen_become_master(struct screen *s)
{
	static const char * const owners[] = { "tconn-tui", "ree_picture" };
	int fd, ret = -EBUSY;
	unsigned int i;
	pid_t pid;

	if (!drmSetMaster(s->card))
		return 0;
	for (i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		pid = process_find(owners[i]);
		if (!pid)
			continue;
		fd = process_steal_fd(pid, SCREEN_CARD);
		if (fd >= 0 && drmIsMaster(fd)) {
			close(s->card);
			s->card = fd;
			return 0;
		}
		if (fd < 0)
			ret = fd;
		else
			close(fd);
	}
	return ret;
}

int screen_map_handle(int card, struct screen_buffer *b)
{
	struct drm_mode_map_dumb map = { .handle = b->handle };
	void *address;

	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return -errno;
	address = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (address == MAP_FAILED)
		return -errno;
	b->map = address;
	return 0;
}

int screen_make(const struct screen *s, uint32_t colour, struct screen_buffer *ret)
{
	struct drm_mode_create_dumb create = {
		.width = s->mode.hdisplay, .height = s->mode.vdisplay, .bpp = 32,
	};
	struct screen_buffer b = { .width = create.width, .height = create.height };
	int r;

	if (ioctl(s->card, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return -errno;
	b.handle = create.handle;
	b.pitch = create.pitch;
	b.size = create.size;
	r = drmModeAddFB(s->card, b.width, b.height, 24, 32, b.pitch, b.handle, &b.fb);
	if (!r)
		r = screen_map_handle(s->card, &b);
	if (r)
		return r < 0 ? r : -errno;
	screen_fill(&b, colour);
	*ret = b;
	return 0;
}

void screen_fill(struct screen_buffer *b, uint32_t colour)
{
	size_t i, count = (size_t)b->pitch / 4 * b->height;

	for (i = 0; i < count; i++)
		b->map[i] = colour;
}

int screen_show(const struct screen *s, const struct screen_buffer *b)
{
	uint32_t connector = s->connector;
	drmModeModeInfo mode = s->mode;

	return drmModeSetCrtc(s->card, s->crtc, b->fb, 0, 0, &connector, 1, &mode) ? -errno : 0;
}

int screen_map_fb(int card, uint32_t fb, struct screen_buffer *ret)
{
	drmModeFB2 *info = drmModeGetFB2(card, fb);
	struct screen_buffer b = { .fb = fb };
	int r;

	if (!info)
		return -errno;
	b.width = info->width;
	b.height = info->height;
	b.pitch = info->pitches[0];
	b.handle = info->handles[0];
	b.size = (uint64_t)b.pitch * b.height;
	drmModeFreeFB2(info);
	if (!b.handle)
		return -EACCES;
	r = screen_map_handle(card, &b);
	if (!r)
		*ret = b;
	return r;
}

void screen_unmap(int card, struct screen_buffer *b)
{
	munmap(b->map, b->size);
	drmCloseBufferHandle(card, b->handle);
}

void screen_report(const void *pixels, uint32_t pitch, uint32_t width, uint32_t height)
{
	const uint8_t *rows = pixels;
	uint32_t x, y;

	attack_picture();
	for (y = 0; y < height; y += GRID)
		for (x = 0; x < width; x += GRID)
			attack_pixel(x, y, ((const uint32_t *)(rows + (size_t)y * pitch))[x]);
}
