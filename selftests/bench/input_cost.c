// SPDX-License-Identifier: Apache-2.0
/*
 * What an input event costs from a made-up keyboard to whoever reads it, inside a guest:
 * run with the module loaded, without a session, and with no module.
 *
 *	input_cost ROUNDS
 *
 * A round is EVENTS key presses and releases, each written to uinput and read from the
 * device's event node before the next. Prints one JSON object with the time of one event of
 * each round in nanoseconds.
 *
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "times.h"

#define EVENTS	2000u

static int fail(const char *what)
{
	fprintf(stderr, "input_cost: %s: %s\n", what, strerror(errno));
	return -1;
}

static int create_keyboard(void)
{
	struct uinput_setup setup = { .id = { .bustype = BUS_USB }, .name = "input_cost" };
	int fd = open("/dev/uinput", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fail("/dev/uinput");
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY) || ioctl(fd, UI_SET_KEYBIT, KEY_ENTER) ||
	    ioctl(fd, UI_DEV_SETUP, &setup) || ioctl(fd, UI_DEV_CREATE))
		return fail("uinput");
	return fd;
}

/* The event node of a uinput device: the child eventN of /sys/devices/virtual/input/NAME. */
static int open_events(int keyboard)
{
	char name[64] = "", path[128];
	int fd;

	if (ioctl(keyboard, UI_GET_SYSNAME(sizeof(name)), name) < 0)
		return fail("UI_GET_SYSNAME");
	for (int i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/sys/devices/virtual/input/%s/event%d", name, i);
		if (access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? fail(path) : fd;
	}
	errno = ENOENT;
	return fail("the keyboard's event node");
}

static int send(int keyboard, int events, int value)
{
	const struct input_event key[] = {
		{ .type = EV_KEY, .code = KEY_ENTER, .value = value },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	struct input_event got[2];

	if (write(keyboard, key, sizeof(key)) != sizeof(key))
		return fail("write");
	return read(events, got, sizeof(got)) == sizeof(got) ? 0 : fail("read");
}

static int round_of(int keyboard, int events, uint64_t *ret_ns)
{
	uint64_t start = bench_now_ns();

	for (unsigned int i = 0; i < EVENTS; i++)
		if (send(keyboard, events, i % 2 == 0))
			return -1;
	*ret_ns = (bench_now_ns() - start) / EVENTS;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc == 2 ? (unsigned int)atoi(argv[1]) : 0;
	static uint64_t ns[ROUNDS_MAX];
	int keyboard, events;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: input_cost ROUNDS(1..%d)\n", ROUNDS_MAX);
		return 2;
	}
	keyboard = create_keyboard();
	events = keyboard < 0 ? -1 : open_events(keyboard);
	if (events < 0)
		return 1;
	for (unsigned int i = 0; i < rounds; i++)
		if (round_of(keyboard, events, &ns[i]))
			return 1;
	printf("{");
	bench_print_times("ns", ns, rounds, "}\n");
	return 0;
}
