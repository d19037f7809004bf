// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "evdev.h"
#include "touch.h"

#define NODES 64

size_t touch_open(unsigned int axis, int *fds)
{
	size_t count = 0;
	char path[32];
	int i, fd;

	for (i = 0; i < NODES && count < EVDEV_MAX; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (evdev_has(fd, EV_ABS, axis))
			fds[count++] = fd;
		else
			close(fd);
	}
	return count;
}

int touch_range(int fd, unsigned int axis)
{
	struct input_absinfo info = { 0 };

	ioctl(fd, EVIOCGABS(axis), &info);
	return info.maximum;
}

char touch_digit(int place, int range)
{
	return range > 0 ? (char)('0' + place * 10L / (range + 1L)) : 0;
}
