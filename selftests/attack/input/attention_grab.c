// SPDX-License-Identifier: Apache-2.0
/*
 * Has all keyboards to itself (EVIOCGRAB), so that nobody hears the attention key.
 *
 * attack: attention_grab
 * class: input
 * when: idle
 * judge: attention
 * append: policy.attention-key=88
 * defence: module
 * why: who grabs first has the keys; the module holds the grab of a keyboard with an
 *	attention key all the time
 */
#include <linux/input.h>
#include <sys/ioctl.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	size_t count, i, grabbed = 0;
	int fds[EVDEV_MAX];

	attack_init();
	count = evdev_open_keyboards(fds);
	for (i = 0; i < count; i++)
		grabbed += ioctl(fds[i], EVIOCGRAB, 1) == 0;
	attack_note("%zu of %zu keyboards are grabbed", grabbed, count);
	attack_ready();
	attack_done();
}
