// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "evdev.h"
#include "report.h"

#define NODES 64	/* /dev/input/event0.. that are looked at */

bool evdev_has(int fd, unsigned int type, unsigned int code)
{
	unsigned char bits[KEY_CNT / 8] = { 0 };

	if (code >= KEY_CNT || ioctl(fd, EVIOCGBIT(type, sizeof(bits)), bits) < 0)
		return false;
	return bits[code / 8] & (1u << (code % 8));
}

size_t evdev_open_keyboards(int fds[EVDEV_MAX])
{
	size_t count = 0;
	char path[32];
	int i, fd;

	for (i = 0; i < NODES && count < EVDEV_MAX; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (evdev_has(fd, EV_KEY, KEY_ENTER))
			fds[count++] = fd;
		else
			close(fd);
	}
	return count;
}

size_t evdev_begin(int fds[EVDEV_MAX])
{
	size_t count;

	attack_init();
	count = evdev_open_keyboards(fds);
	if (!count)
		attack_failed("no keyboard can be opened");
	attack_ready();
	return count;
}

/* In the order of the digits 0 to 9. */
static const unsigned int upper[] = {
	KEY_0, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9,
};
static const unsigned int keypad[] = {
	KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9,
};

char evdev_digit(unsigned int code)
{
	int i;

	for (i = 0; i < 10; i++)
		if (code == upper[i] || code == keypad[i])
			return (char)('0' + i);
	return 0;
}

unsigned int evdev_key(char digit)
{
	return upper[(digit - '0') % 10];
}

static void append(char *digits, size_t size, char digit)
{
	size_t len = strlen(digits);

	if (digit && len + 1 < size) {
		digits[len] = digit;
		digits[len + 1] = '\0';
	}
}

static int drain(int fd, char *digits, size_t size)
{
	struct input_event event;
	ssize_t got;

	while ((got = read(fd, &event, sizeof(event))) == sizeof(event))
		if (event.type == EV_KEY && event.value == 1)
			append(digits, size, evdev_digit(event.code));
	return got < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

int evdev_collect(const int *fds, size_t count, unsigned int ms, char *digits, size_t size)
{
	struct pollfd polled[EVDEV_MAX];
	size_t i;

	for (i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	if (poll(polled, count, (int)ms) <= 0)
		return 0;
	for (i = 0; i < count; i++)
		if (polled[i].revents && drain(fds[i], digits, size))
			return -1;
	return 0;
}

static unsigned int drain_presses(int fd, unsigned int code)
{
	struct input_event event;
	unsigned int presses = 0;

	while (read(fd, &event, sizeof(event)) == sizeof(event))
		presses += event.type == EV_KEY && event.code == code && event.value == 1;
	return presses;
}

unsigned int evdev_count_presses(const int *fds, size_t count, unsigned int ms, unsigned int code)
{
	struct pollfd polled[EVDEV_MAX];
	unsigned int presses = 0;
	size_t i;

	for (i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	if (poll(polled, count, (int)ms) > 0)
		for (i = 0; i < count; i++)
			presses += drain_presses(fds[i], code);
	return presses;
}

void evdev_inject(int fd, unsigned int code)
{
	struct input_event events[] = {
		{ .type = EV_KEY, .code = (unsigned short)code, .value = 1 },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	(void)!write(fd, events, sizeof(events));
	events[0].value = 0;
	(void)!write(fd, events, sizeof(events));
}

void evdev_set_led(int fd, unsigned int led, int on)
{
	const struct input_event events[] = {
		{ .type = EV_LED, .code = (unsigned short)led, .value = on },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	if (write(fd, events, sizeof(events)) != sizeof(events))
		attack_note("EV_LED: errno %d", errno);
}

void evdev_light_scroll_lock(void)
{
	int fds[EVDEV_MAX];
	size_t count, i;

	count = evdev_begin(fds);
	for (i = 0; i < count; i++)
		evdev_set_led(fds[i], LED_SCROLLL, 1);
	while (!attack_wait(1000))
		;
	for (i = 0; i < count; i++)
		evdev_set_led(fds[i], LED_SCROLLL, 0);
	attack_done();
}
