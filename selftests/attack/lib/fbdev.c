// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fbdev.h"
#include "report.h"

#define PATH "/dev/fb0"

static int map(struct fbdev *f)
{
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;

	f->fd = open(PATH, O_RDWR | O_CLOEXEC);
	if (f->fd < 0 || ioctl(f->fd, FBIOGET_VSCREENINFO, &var) ||
	    ioctl(f->fd, FBIOGET_FSCREENINFO, &fix))
		return -errno;
	f->width = var.xres;
	f->height = var.yres;
	f->pitch = fix.line_length;
	f->size = (size_t)f->pitch * f->height;
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	return f->map == MAP_FAILED ? -errno : 0;
}

void fbdev_open(struct fbdev *ret)
{
	int r = map(ret);

	if (r)
		attack_failed(PATH ": %s", strerror(-r));
}

void fbdev_fill(struct fbdev *f, uint32_t colour)
{
	size_t i;

	for (i = 0; i < f->size / sizeof(*f->map); i++)
		f->map[i] = colour;
}
