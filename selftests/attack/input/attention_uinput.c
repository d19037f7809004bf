// SPDX-License-Identifier: Apache-2.0
/*
 * Presses the attention key on a made-up keyboard with name and ids of the real one.
 *
 * attack: attention_uinput
 * class: input
 * when: idle
 * judge: attention
 * append: policy.attention-key=88
 * defence: module
 * why: a made-up keyboard has no place in the topology the policy lists, and only a
 *	listed one has an attention key
 */
#include <linux/input.h>
#include <string.h>

#include "report.h"
#include "uinput.h"

int main(void)
{
	int fd;

	attack_init();
	fd = uinput_copy();
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	while (!attack_wait(200))
		uinput_press(fd, KEY_F12);
	attack_done();
}
