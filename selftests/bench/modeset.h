/* SPDX-License-Identifier: Apache-2.0 */
/* A picture on the screen with bare libdrm, which the module is measured against. */
#ifndef TCONN_BENCH_MODESET_H
#define TCONN_BENCH_MODESET_H

#include <stddef.h>
#include <stdint.h>
#include <xf86drmMode.h>

/* Says on standard error what failed, and errno; -1. */
int bench_fail(const char *what);

struct output {
	uint32_t connector, crtc;
	drmModeModeInfo mode;
};

/* The first that is connected. 0, or -1 and said why, as all below. */
int output_find(int card, struct output *ret);

struct picture {
	uint32_t handle, fb, pitch;
	size_t size;
	void *pixels;	/* mapped */
};

/* A dumb buffer of the output's size, every byte of it set, and its framebuffer. */
int picture_make(int card, const struct output *o, uint8_t shade, struct picture *ret);

/* drmModeSetCrtc() with it; the caller is DRM master. */
int picture_show(int card, const struct output *o, const struct picture *p);

void picture_free(int card, struct picture *p);

#endif
