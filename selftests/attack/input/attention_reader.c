// SPDX-License-Identifier: Apache-2.0
/*
 * Reads every keyboard's events, to know when the attention key was pressed, and
 * put a picture of its own there.
 *
 * attack: attention_reader
 * class: input
 * when: idle
 * judge: attention
 * append: policy.attention-key=88
 * defence: module
 * why: open evdev nodes; the module takes the attention key out of what it passes on
 */
#include <linux/input.h>

#include "evdev.h"
#include "report.h"

int main(void)
{
	unsigned int presses = 0;
	int fds[EVDEV_MAX];
	size_t count;

	count = evdev_begin(fds);
	while (!attack_stopping())
		presses += evdev_count_presses(fds, count, 100, KEY_F12);
	if (!presses)
		attack_failed("it saw no press of the attention key");
	attack_succeeded("it saw %u presses of the attention key", presses);
}
