// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <sys/ioctl.h>

#include "terminal.h"

int terminal_open(void)
{
	static const char * const paths[] = { "/dev/tty0", "/dev/tty1", "/dev/console" };
	unsigned int i;
	int fd = -1;

	for (i = 0; fd < 0 && i < sizeof(paths) / sizeof(*paths); i++)
		fd = open(paths[i], O_RDWR | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int terminal_set_leds(int fd, unsigned int leds)
{
	return ioctl(fd, KDSETLED, (unsigned long)leds) ? -errno : 0;
}
