// SPDX-License-Identifier: Apache-2.0
/*
 * takeover_vs_modeset, inside a guest: from a request to the lit indicator, against
 * a bare libdrm modeset on the same device in the same run, turn by turn.
 *
 *	takeover [ROUNDS] [CARD]
 *
 * One round is (a) BIND, first picture, ACTIVATE, until the module's own lit_ns,
 * then DECIDE; (b) dumb buffer, picture, framebuffer, drmModeSetCrtc, all through
 * libdrm as master. Both paint the whole screen once. Prints one JSON object with
 * the times of every round in nanoseconds. This program has to be on the policy.
 *
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "../../kmod/uapi/tconn.h"
#include "times.h"

static int fail(const char *what)
{
	fprintf(stderr, "takeover: %s: %s\n", what, strerror(errno));
	return -1;
}

/* The same work on both sides: every pixel written once. */
static void paint(void *map, size_t size, uint8_t shade)
{
	memset(map, shade, size);
}

static int session_round(int card, unsigned int round, uint64_t *ret_ns)
{
	static const char text[] = "takeover benchmark";
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = TCONN_KIND_NOTICE,
		.timeout_ms = 10000,
		.display_fd = card,
		.statement = (uintptr_t)text,
		.statement_len = sizeof(text) - 1,
	};
	struct tconn_decide decide = { .outcome = TCONN_OUTCOME_CONFIRMED };
	uint64_t start = bench_now_ns();
	void *canvas;
	int fd, ret = -1;

	fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(TCONN_DEVICE);
	if (ioctl(fd, TCONN_IOC_BIND, &bind)) {
		fail("BIND");
		goto out;
	}
	canvas = mmap(NULL, bind.canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (canvas == MAP_FAILED) {
		fail("mmap of the canvas");
		goto out;
	}
	paint(canvas, bind.canvas_size, (uint8_t)round);
	if (ioctl(fd, TCONN_IOC_ACTIVATE))
		fail("ACTIVATE");
	else if (ioctl(fd, TCONN_IOC_DECIDE, &decide))
		fail("DECIDE");
	else
		ret = 0;
	if (!ret && decide.record.lit_ns <= start) {
		fprintf(stderr, "takeover: the record says the indicator was never lit\n");
		ret = -1;
	}
	*ret_ns = decide.record.lit_ns - start;
	munmap(canvas, bind.canvas_size);
out:
	close(fd);
	return ret;
}

struct output {
	uint32_t connector, crtc;
	drmModeModeInfo mode;
};

static int find_output(int card, struct output *ret)
{
	drmModeRes *res = drmModeGetResources(card);
	int found = -1;

	if (!res)
		return fail("drmModeGetResources");
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
		fprintf(stderr, "takeover: no connected output\n");
	return found;
}

/* What a modeset leaves behind until the next one has replaced it. */
struct picture {
	uint32_t handle, fb;
};

static void picture_free(int card, struct picture *p)
{
	struct drm_mode_destroy_dumb destroy = { .handle = p->handle };

	if (p->fb)
		drmModeRmFB(card, p->fb);
	if (p->handle)
		drmIoctl(card, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	*p = (struct picture){ 0 };
}

static int modeset_round(int card, struct output *o, unsigned int round, struct picture *shown,
			 uint64_t *ret_ns)
{
	struct drm_mode_create_dumb create = {
		.width = o->mode.hdisplay, .height = o->mode.vdisplay, .bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	struct picture fresh = { 0 };
	uint64_t start = bench_now_ns();
	void *pixels;

	if (drmIoctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return fail("CREATE_DUMB");
	fresh.handle = map.handle = create.handle;
	if (drmIoctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return fail("MAP_DUMB");
	pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (pixels == MAP_FAILED)
		return fail("mmap of the dumb buffer");
	paint(pixels, create.size, (uint8_t)~round);
	munmap(pixels, create.size);
	if (drmModeAddFB(card, create.width, create.height, 24, 32, create.pitch, create.handle,
			 &fresh.fb))
		return fail("drmModeAddFB");
	if (drmModeSetCrtc(card, o->crtc, fresh.fb, 0, 0, &o->connector, 1, &o->mode))
		return fail("drmModeSetCrtc");
	*ret_ns = bench_now_ns() - start;
	picture_free(card, shown);
	*shown = fresh;
	return 0;
}

int main(int argc, char **argv)
{
	static uint64_t takeover[ROUNDS_MAX], modeset[ROUNDS_MAX];
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20;
	const char *path = argc > 2 ? argv[2] : "/dev/dri/card0";
	struct picture shown = { 0 };
	struct output output;
	uint64_t warm_up;
	int card;

	if (argc > 3 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: takeover [ROUNDS 1..%d] [CARD]\n", ROUNDS_MAX);
		return 2;
	}
	prctl(PR_SET_DUMPABLE, 0);
	card = open(path, O_RDWR | O_CLOEXEC);
	if (card < 0)
		return fail(path), 1;
	if (drmSetMaster(card) || find_output(card, &output))
		return fail("no display to measure on"), 1;
	if (modeset_round(card, &output, 0, &shown, &warm_up))
		return 1;
	for (unsigned int i = 0; i < rounds; i++)
		if (session_round(card, i, &takeover[i]) ||
		    modeset_round(card, &output, i, &shown, &modeset[i]))
			return 1;
	printf("{");
	bench_print_times("takeover_ns", takeover, rounds, ", ");
	bench_print_times("modeset_ns", modeset, rounds, "}\n");
	picture_free(card, &shown);
	close(card);
	return 0;
}
