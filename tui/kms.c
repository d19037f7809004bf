// SPDX-License-Identifier: Apache-2.0
/*
 * The development backend: a screen anybody can take, keys anybody can read.
 * It makes no record, and every picture says what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libevdev/libevdev.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "tui/backend.h"
#include "tui/card.h"
#include "tui/keys.h"

#define INPUT_NODES 64	/* /dev/input/event0.. that are looked at */

struct kms {
	struct tui_backend backend;
	const char *card;
	int fd;
	drmModeConnector *connector;
	drmModeCrtc *saved;	/* what the CRTC showed before us */
	uint32_t crtc, handle, fb;
	size_t size;
	struct libevdev *keyboards[TUI_BACKEND_FDS];
	size_t n_keyboards, next;
};

static struct kms *kms_of(struct tui_backend *b)
{
	return (struct kms *)b;
}

static int open_card(struct kms *k, struct tui_reply *reply)
{
	char found[TUI_CARD_PATH_MAX];
	const char *path = k->card;

	if (!path && tui_card_path(0, found) == 0)
		path = found;
	if (!path)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, ENODEV,
				      "there is no display device: no /dev/dri/card* exists");
	k->fd = open(path, O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, errno, "%s cannot be opened: %s",
				      path, strerror(errno));
	if (drmSetMaster(k->fd) < 0)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, errno,
				      "%s belongs to another program: stop the compositor first",
				      path);
	return 0;
}

static drmModeConnector *find_connector(int fd, const drmModeRes *resources)
{
	for (int i = 0; i < resources->count_connectors; i++) {
		drmModeConnector *c = drmModeGetConnector(fd, resources->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes > 0)
			return c;
		drmModeFreeConnector(c);
	}
	return NULL;
}

/* The CRTC the connector has, or the first one its encoders can have. */
static uint32_t find_crtc(int fd, const drmModeRes *resources, const drmModeConnector *c)
{
	for (int i = 0; i < c->count_encoders; i++) {
		drmModeEncoder *e = drmModeGetEncoder(fd, c->encoders[i]);
		uint32_t crtc = e ? e->crtc_id : 0;

		for (int j = 0; e && !crtc && j < resources->count_crtcs; j++)
			if (e->possible_crtcs & (1u << j))
				crtc = resources->crtcs[j];
		drmModeFreeEncoder(e);
		if (crtc)
			return crtc;
	}
	return 0;
}

static int find_output(struct kms *k, struct tui_reply *reply)
{
	drmModeRes *resources = drmModeGetResources(k->fd);

	if (resources) {
		k->connector = find_connector(k->fd, resources);
		if (k->connector)
			k->crtc = find_crtc(k->fd, resources, k->connector);
	}
	drmModeFreeResources(resources);
	if (!k->crtc)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, ENODEV,
				      "no display is connected to this device");
	return 0;
}

static int make_canvas(struct kms *k, struct tui_reply *reply)
{
	const drmModeModeInfo *mode = &k->connector->modes[0];
	uint32_t pitch;
	uint64_t size, offset;
	void *pixels;

	if (drmModeCreateDumbBuffer(k->fd, mode->hdisplay, mode->vdisplay, 32, 0, &k->handle,
				    &pitch, &size) ||
	    drmModeAddFB(k->fd, mode->hdisplay, mode->vdisplay, 24, 32, pitch, k->handle, &k->fb) ||
	    drmModeMapDumbBuffer(k->fd, k->handle, &offset))
		return tui_reply_fail(reply, TCONN_TUI_FAILED, errno,
				      "the display device gives no buffer: %s", strerror(errno));
	pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, (off_t)offset);
	if (pixels == MAP_FAILED)
		return tui_reply_fail(reply, TCONN_TUI_FAILED, errno,
				      "the display's buffer cannot be mapped: %s", strerror(errno));
	k->size = size;
	k->backend.canvas = (struct tconn_canvas){ pixels, mode->hdisplay, mode->vdisplay, pitch };
	return 0;
}

static int kms_bind(struct tui_backend *b, const struct tui_request *request, uint16_t kind,
		    struct tui_reply *reply)
{
	struct kms *k = kms_of(b);

	(void)request;
	(void)kind;
	if (open_card(k, reply) || find_output(k, reply))
		return -1;
	return make_canvas(k, reply);
}

static void add_keyboard(struct kms *k, unsigned int minor)
{
	struct libevdev *device = NULL;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/input/event%u", minor);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (libevdev_new_from_fd(fd, &device) == 0 &&
	    libevdev_has_event_code(device, EV_KEY, KEY_ENTER) &&
	    libevdev_grab(device, LIBEVDEV_GRAB) == 0) {
		k->keyboards[k->n_keyboards++] = device;
		return;
	}
	libevdev_free(device);
	close(fd);
}

static int kms_activate(struct tui_backend *b, struct tconn_box live, struct tui_reply *reply)
{
	struct kms *k = kms_of(b);

	(void)live;	/* of no record */
	for (unsigned int i = 0; i < INPUT_NODES && k->n_keyboards < TUI_BACKEND_FDS; i++)
		add_keyboard(k, i);
	if (k->n_keyboards == 0)
		return tui_reply_fail(reply, TCONN_TUI_FAILED, ENODEV,
				      "no keyboard below /dev/input can be taken: is evdev loaded, "
				      "and is another program holding it?");
	k->saved = drmModeGetCrtc(k->fd, k->crtc);
	if (drmModeSetCrtc(k->fd, k->crtc, k->fb, 0, 0, &k->connector->connector_id, 1,
			   &k->connector->modes[0]))
		return tui_reply_fail(reply, TCONN_TUI_FAILED, errno,
				      "the display refuses the mode: %s", strerror(errno));
	return 0;
}

static int kms_show(struct tui_backend *b, struct tconn_box damage, struct tui_reply *reply)
{
	struct kms *k = kms_of(b);
	drmModeClip clip = {
		.x1 = (uint16_t)damage.x0,
		.y1 = (uint16_t)damage.y0,
		.x2 = (uint16_t)damage.x1,
		.y2 = (uint16_t)damage.y1,
	};
	int r = drmModeDirtyFB(k->fd, k->fb, &clip, 1);

	/* ENOSYS: the hardware scans the buffer out by itself. */
	if (r && r != -ENOSYS)
		return tui_reply_fail(reply, TCONN_TUI_FAILED, -r, "the picture is not shown: %s",
				      strerror(-r));
	return 0;
}

static size_t kms_fds(struct tui_backend *b, struct pollfd *fds)
{
	struct kms *k = kms_of(b);

	for (size_t i = 0; i < k->n_keyboards; i++)
		fds[i] = (struct pollfd){
			.fd = libevdev_get_fd(k->keyboards[i]), .events = POLLIN,
		};
	return k->n_keyboards;
}

static int kms_key(struct tui_backend *b, uint16_t *ret_key, struct tui_reply *reply)
{
	struct kms *k = kms_of(b);

	for (size_t i = 0; i < k->n_keyboards; i++) {
		int r = tui_keys_next(k->keyboards[i], ret_key);

		if (r < 0)
			return tui_reply_fail(reply, TCONN_TUI_FAILED, -r,
					      "a keyboard cannot be read: %s", strerror(-r));
		if (r > 0)
			return 1;
	}
	return 0;
}

static int kms_decide(struct tui_backend *b, enum tconn_outcome outcome, struct tui_reply *reply)
{
	(void)b;
	tui_reply_fail(reply, TCONN_TUI_UNTRUSTED, 0,
		       "%s on the development backend: worth nothing",
		       outcome == TCONN_OUTCOME_CONFIRMED ? "confirmed" :
		       outcome == TCONN_OUTCOME_ENTERED	  ? "entered" :
							    "denied");
	return 0;
}

static void give_screen_back(struct kms *k)
{
	drmModeCrtc *s = k->saved;

	if (s && s->buffer_id)
		drmModeSetCrtc(k->fd, s->crtc_id, s->buffer_id, s->x, s->y,
			       &k->connector->connector_id, 1, s->mode_valid ? &s->mode : NULL);
	drmModeFreeCrtc(s);
}

static void kms_close(struct tui_backend *b)
{
	struct kms *k = kms_of(b);

	for (size_t i = 0; i < k->n_keyboards; i++) {
		close(libevdev_get_fd(k->keyboards[i]));
		libevdev_free(k->keyboards[i]);
	}
	give_screen_back(k);
	drmModeFreeConnector(k->connector);
	if (k->backend.canvas.pixels)
		munmap(k->backend.canvas.pixels, k->size);
	if (k->fb)
		drmModeRmFB(k->fd, k->fb);
	if (k->handle)
		drmModeDestroyDumbBuffer(k->fd, k->handle);
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static const struct tui_backend_ops kms_ops = {
	.bind = kms_bind,
	.activate = kms_activate,
	.show = kms_show,
	.fds = kms_fds,
	.key = kms_key,
	.decide = kms_decide,
	.close = kms_close,
};

struct tui_backend *tui_kms_new(const char *card)
{
	struct kms *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->backend.ops = &kms_ops;
	k->backend.untrusted = true;
	k->backend.gestures = tconn_gestures_or_default(&k->backend.gestures);
	k->backend.grace_ms = TCONN_GRACE_MS;
	k->card = card;
	k->fd = -1;
	return &k->backend;
}
