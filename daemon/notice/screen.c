// SPDX-License-Identifier: Apache-2.0
#include "screen.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#include "picture.h"
#include "tui/card.h"

/* One card while its screens are taken. */
struct card {
	int fd;
	drmModeRes *resources;
	uint32_t taken;		/* bit n: CRTC n shows the notice */
};

/* A CRTC that one of the connector's encoders can have and no other screen has; 0: none. */
static uint32_t take_crtc(struct card *c, const drmModeConnector *connector)
{
	uint32_t possible = 0;

	for (int i = 0; i < connector->count_encoders; i++) {
		drmModeEncoder *e = drmModeGetEncoder(c->fd, connector->encoders[i]);

		possible |= e ? e->possible_crtcs : 0;
		drmModeFreeEncoder(e);
	}
	possible &= ~c->taken;
	for (int i = 0; i < c->resources->count_crtcs && i < 32; i++)
		if (possible & (1u << i)) {
			c->taken |= 1u << i;
			return c->resources->crtcs[i];
		}
	return 0;
}

/* Buffer and mapping last as long as the process does. */
static bool make_canvas(int fd, const drmModeModeInfo *mode, struct tconn_canvas *ret, uint32_t *ret_fb)
{
	uint32_t handle, pitch;
	uint64_t size, offset;
	void *pixels;

	if (drmModeCreateDumbBuffer(fd, mode->hdisplay, mode->vdisplay, 32, 0, &handle, &pitch, &size) ||
	    drmModeAddFB(fd, mode->hdisplay, mode->vdisplay, 24, 32, pitch, handle, ret_fb) ||
	    drmModeMapDumbBuffer(fd, handle, &offset))
		return false;
	pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (pixels == MAP_FAILED)
		return false;
	*ret = (struct tconn_canvas){ pixels, mode->hdisplay, mode->vdisplay, pitch };
	return true;
}

static bool show_on(struct card *c, drmModeConnector *connector, struct tconn_font *font,
		    const char *why)
{
	drmModeModeInfo *mode = connector->modes;
	struct tconn_canvas canvas;
	uint32_t crtc, fb;

	if (connector->connection != DRM_MODE_CONNECTED || !connector->count_modes)
		return false;
	crtc = take_crtc(c, connector);
	return crtc && make_canvas(c->fd, mode, &canvas, &fb) && !picture_draw(font, &canvas, why) &&
	       !drmModeSetCrtc(c->fd, crtc, fb, 0, 0, &connector->connector_id, 1, mode);
}

static int show_on_card(struct card *c, struct tconn_font *font, const char *why)
{
	int shown = 0;

	for (int i = 0; i < c->resources->count_connectors; i++) {
		drmModeConnector *connector = drmModeGetConnector(c->fd, c->resources->connectors[i]);

		if (connector && show_on(c, connector, font, why))
			shown++;
		drmModeFreeConnector(connector);
	}
	return shown;
}

int screen_show(struct tconn_font *font, const char *why)
{
	char path[TUI_CARD_PATH_MAX];
	int shown = 0;

	for (size_t i = 0; !tui_card_path(i, path); i++) {
		struct card c = { .fd = open(path, O_RDWR | O_CLOEXEC) };

		c.resources = c.fd < 0 ? NULL : drmModeGetResources(c.fd);
		if (c.resources)
			shown += show_on_card(&c, font, why);
		drmModeFreeResources(c.resources);
		/* A card that shows the notice stays open: its screen would go dark. */
		if (c.fd >= 0 && !c.taken)
			close(c.fd);
	}
	return shown;
}
