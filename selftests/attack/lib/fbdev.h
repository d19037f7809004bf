/* SPDX-License-Identifier: Apache-2.0 */
/* The framebuffer device that the console is drawn on. */
#ifndef ATTACK_FBDEV_H
#define ATTACK_FBDEV_H

#include <stddef.h>
#include <stdint.h>

struct fbdev {
	int fd;
	uint32_t width, height, pitch;
	size_t size;
	uint32_t *map;
};

/* Opens and maps /dev/fb0; prints the last line if that cannot be. */
void fbdev_open(struct fbdev *ret);

void fbdev_fill(struct fbdev *f, uint32_t colour);

#endif
