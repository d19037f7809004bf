// SPDX-License-Identifier: Apache-2.0
#include <linux/input.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "evdev.h"
#include "report.h"
#include "typing.h"

static bool any_down(const int *fds, size_t count)
{
	unsigned char keys[KEY_CNT / 8];
	size_t i, k;

	for (i = 0; i < count; i++) {
		if (ioctl(fds[i], EVIOCGKEY(sizeof(keys)), keys) < 0)
			continue;
		for (k = 0; k < sizeof(keys); k++)
			if (keys[k])
				return true;
	}
	return false;
}

bool typing_wait(unsigned int presses)
{
	const struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };
	bool down, was_down = false;
	int fds[EVDEV_MAX];
	size_t count = evdev_open_keyboards(fds);

	while (presses && !attack_stopping()) {
		down = any_down(fds, count);
		if (down && !was_down)
			presses--;
		was_down = down;
		nanosleep(&pause, NULL);
	}
	while (count)
		close(fds[--count]);
	return !presses;
}
