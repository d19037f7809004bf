// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include <libevdev/libevdev.h>

#include "tui/keys.h"

int tui_keys_next(struct libevdev *device, uint16_t *ret_key)
{
	unsigned int flag = LIBEVDEV_READ_FLAG_NORMAL;
	struct input_event event;
	int r, found = 0;

	while (!found) {
		r = libevdev_next_event(device, flag, &event);
		if (r == -EAGAIN && flag == LIBEVDEV_READ_FLAG_SYNC) {
			flag = LIBEVDEV_READ_FLAG_NORMAL;
			continue;
		}
		if (r < 0)
			break;
		if (r == LIBEVDEV_READ_STATUS_SYNC)
			flag = LIBEVDEV_READ_FLAG_SYNC;
		else
			found = event.type == EV_KEY && event.value == 1;
	}
	if (found)
		*ret_key = event.code;
	explicit_bzero(&event, sizeof(event));
	if (found)
		return 1;
	return r == -EAGAIN ? 0 : r;
}
