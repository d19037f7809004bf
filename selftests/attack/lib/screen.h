/* SPDX-License-Identifier: Apache-2.0 */
/* The screen as a DRM client has it, and what a capture tells the runner. */
#ifndef ATTACK_SCREEN_H
#define ATTACK_SCREEN_H

#include <stdint.h>
#include <xf86drmMode.h>

#define SCREEN_CARD	"/dev/dri/card0"
#define SCREEN_MAGENTA	0x00ff00ffu	/* what the judge picture-write looks for */

struct screen {
	int card;
	uint32_t connector, crtc;
	drmModeModeInfo mode;
};

struct screen_buffer {
	uint32_t width, height, pitch, handle, fb;
	uint64_t size;
	uint32_t *map;
};

/* Opens the card and finds a connected output; needs no master. 0 or a negative errno. */
int screen_open(struct screen *s);

/*
 * Becomes DRM master; where somebody is, takes a copy of the fd of whoever that is
 * (pidfd_getfd), which then is s->card. 0 or a negative errno.
 */
int screen_become_master(struct screen *s);

/* A buffer of the mode's size in one colour. 0 or a negative errno. */
int screen_make(const struct screen *s, uint32_t colour, struct screen_buffer *ret);

void screen_fill(struct screen_buffer *b, uint32_t colour);

/* Shows the buffer on the output; needs the master. 0 or a negative errno. */
int screen_show(const struct screen *s, const struct screen_buffer *b);

/* Maps the framebuffer with that id, as kmsgrab does (GETFB2). 0 or a negative errno. */
int screen_map_fb(int card, uint32_t fb, struct screen_buffer *ret);

/* Maps the buffer that has b's handle; b's size says how much. 0 or a negative errno. */
int screen_map_handle(int card, struct screen_buffer *b);

void screen_unmap(int card, struct screen_buffer *b);

/* Prints a grid of the pixels of a picture in memory (XRGB8888). */
void screen_report(const void *pixels, uint32_t pitch, uint32_t width, uint32_t height);

#endif
