// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/input.h>

#include "evdev.h"
#include "impostor.h"
#include "report.h"
#include "screen.h"

#define PATIENCE 20000	/* milliseconds */

bool impostor_is_called(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	return !strcmp(slash ? slash + 1 : argv0, "tconn-tui");
}

static bool is_decision(int fd)
{
	struct input_event event;

	return read(fd, &event, sizeof(event)) == sizeof(event) && event.type == EV_KEY &&
	       (event.code == KEY_ENTER || event.code == KEY_ESC) && event.value == 1;
}

static void wait_decision(void)
{
	struct pollfd polled[EVDEV_MAX];
	int fds[EVDEV_MAX];
	size_t count = evdev_open_keyboards(fds), i;

	for (i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	while (!attack_stopping() && poll(polled, count, PATIENCE) > 0)
		for (i = 0; i < count; i++)
			if (polled[i].revents && is_decision(fds[i]))
				return;
}

int impostor_run(void)
{
	struct screen_buffer buffer;
	struct screen screen;

	attack_init();
	if (screen_open(&screen) || screen_become_master(&screen) ||
	    screen_make(&screen, SCREEN_MAGENTA, &buffer) || screen_show(&screen, &buffer))
		return 1;
	wait_decision();
	return 0;
}
