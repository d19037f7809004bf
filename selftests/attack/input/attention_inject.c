// SPDX-License-Identifier: Apache-2.0
/*
 * Presses the attention key by writing it to every keyboard's event node.
 *
 * attack: attention_inject
 * class: input
 * when: idle
 * judge: attention
 * append: policy.attention-key=88
 * defence: module
 * why: what is written to a node comes out as typed; the module holds the grab of a
 *	keyboard with an attention key, and written events go to the grab's owner alone
 */
#include <linux/input.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	int fds[EVDEV_MAX];
	size_t count, i;

	count = evdev_begin(fds);
	while (!attack_wait(200))
		for (i = 0; i < count; i++)
			evdev_inject(fds[i], KEY_F12);
	attack_done();
}
