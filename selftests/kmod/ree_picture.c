// SPDX-License-Identifier: Apache-2.0
/*
 * A rich environment in small: becomes DRM master and shows a picture on the
 * first connected output until it is killed: a grey ground with a red, a green
 * and a blue field, and a white square that moves with every page flip.
 *
 *	ree_picture [FILE]
 *
 * Prints "shown WIDTH HEIGHT" after the first picture. FILE, if given, always
 * holds the number of flips done, as 8 bytes in host order.
 *
 * Exit codes: 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define SQUARE		64	/* pixels */
#define STEP		8
#define GROUND		0xff606060u

struct buffer {
	uint32_t id;
	uint32_t pitch;
	uint32_t *map;
};

struct picture {
	int card;
	uint32_t connector, crtc;
	drmModeModeInfo mode;
	struct buffer buffer[2];
	uint64_t flips;
	uint64_t *count;	/* in FILE, or &flips */
};

static int fail(const char *what)
{
	fprintf(stderr, "ree_picture: %s: %s\n", what, strerror(errno));
	return -1;
}

static int find_crtc(struct picture *p, const drmModeRes *res, const drmModeConnector *connector)
{
	drmModeEncoder *encoder;
	int i;

	encoder = drmModeGetEncoder(p->card, connector->encoders[0]);
	if (!encoder)
		return fail("encoder");
	for (i = 0; i < res->count_crtcs; i++)
		if (encoder->possible_crtcs & (1u << i)) {
			p->crtc = res->crtcs[i];
			break;
		}
	drmModeFreeEncoder(encoder);
	return p->crtc ? 0 : -1;
}

static int find_output(struct picture *p)
{
	drmModeRes *res = drmModeGetResources(p->card);
	int i, ret = -1;

	if (!res)
		return fail("resources");
	for (i = 0; i < res->count_connectors && ret; i++) {
		drmModeConnector *c = drmModeGetConnector(p->card, res->connectors[i]);

		if (!c)
			continue;
		if (c->connection == DRM_MODE_CONNECTED && c->count_modes && c->count_encoders) {
			p->connector = c->connector_id;
			p->mode = c->modes[0];
			ret = find_crtc(p, res, c);
		}
		drmModeFreeConnector(c);
	}
	drmModeFreeResources(res);
	if (ret)
		fprintf(stderr, "ree_picture: no connected output\n");
	return ret;
}

static int make_buffer(struct picture *p, struct buffer *b)
{
	struct drm_mode_create_dumb create = {
		.width = p->mode.hdisplay, .height = p->mode.vdisplay, .bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	void *address;

	if (ioctl(p->card, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return fail("buffer");
	b->pitch = create.pitch;
	if (drmModeAddFB(p->card, create.width, create.height, 24, 32, create.pitch,
			 create.handle, &b->id))
		return fail("framebuffer");
	map.handle = create.handle;
	if (ioctl(p->card, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return fail("map");
	address = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, p->card,
		       (off_t)map.offset);
	if (address == MAP_FAILED)
		return fail("mmap");
	b->map = address;
	return 0;
}

static void fill(const struct picture *p, struct buffer *b, uint32_t x, uint32_t y, uint32_t width,
		 uint32_t height, uint32_t colour)
{
	uint32_t i, j;

	for (j = y; j < y + height && j < p->mode.vdisplay; j++)
		for (i = x; i < x + width && i < p->mode.hdisplay; i++)
			b->map[(size_t)j * (b->pitch / 4) + i] = colour;
}

static void draw_still(const struct picture *p, struct buffer *b)
{
	uint32_t w = p->mode.hdisplay, h = p->mode.vdisplay;

	fill(p, b, 0, 0, w, h, GROUND);
	fill(p, b, w / 8, h / 8, w / 8, h / 4, 0xffe02020);
	fill(p, b, 3 * w / 8, h / 8, w / 8, h / 4, 0xff20e020);
	fill(p, b, 5 * w / 8, h / 8, w / 8, h / 4, 0xff2020e0);
}

/* Where the square is at a flip; this buffer has it where it was two flips ago. */
static uint32_t square_at(const struct picture *p, uint64_t flip)
{
	return (uint32_t)(flip * STEP % (p->mode.hdisplay - SQUARE));
}

static void draw_square(const struct picture *p, struct buffer *b, uint64_t flip)
{
	uint32_t y = p->mode.vdisplay / 2;

	if (flip >= 2)
		fill(p, b, square_at(p, flip - 2), y, SQUARE, SQUARE, GROUND);
	fill(p, b, square_at(p, flip), y, SQUARE, SQUARE, 0xffffffff);
}

static int wait_flip(struct picture *p)
{
	struct pollfd pollfd = { .fd = p->card, .events = POLLIN };
	drmEventContext context = { .version = 2 };

	if (poll(&pollfd, 1, -1) < 0)
		return errno == EINTR ? 0 : fail("poll");
	return drmHandleEvent(p->card, &context) ? fail("event") : 0;
}

static int flip(struct picture *p)
{
	struct buffer *b = &p->buffer[(p->flips + 1) % 2];

	draw_square(p, b, p->flips + 1);
	if (drmModePageFlip(p->card, p->crtc, b->id, DRM_MODE_PAGE_FLIP_EVENT, NULL))
		return fail("page flip");
	if (wait_flip(p))
		return -1;
	*p->count = ++p->flips;
	usleep(20000);		/* a slow emulator has other things to do */
	return 0;
}

static int show(struct picture *p)
{
	int i;

	if (drmSetMaster(p->card))
		return fail("become master");
	if (find_output(p))
		return -1;
	for (i = 0; i < 2; i++) {
		if (make_buffer(p, &p->buffer[i]))
			return -1;
		draw_still(p, &p->buffer[i]);
	}
	draw_square(p, &p->buffer[0], 0);
	if (drmModeSetCrtc(p->card, p->crtc, p->buffer[0].id, 0, 0, &p->connector, 1, &p->mode))
		return fail("modeset");
	printf("shown %u %u\n", p->mode.hdisplay, p->mode.vdisplay);
	fflush(stdout);
	return 0;
}

static int map_count(struct picture *p, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *address;

	if (fd < 0 || ftruncate(fd, sizeof(uint64_t)))
		return fail(path);
	address = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		return fail(path);
	p->count = address;
	*p->count = 0;
	return 0;
}

int main(int argc, char **argv)
{
	static struct picture p;

	if (argc > 2)
		return 2;
	p.count = &p.flips;
	if (argc == 2 && map_count(&p, argv[1]))
		return 1;
	p.card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (p.card < 0) {
		fail("/dev/dri/card0");
		return 1;
	}
	if (show(&p))
		return 1;
	while (!flip(&p))
		;
	return 1;
}
