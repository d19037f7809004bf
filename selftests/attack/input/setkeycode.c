// SPDX-License-Identifier: Apache-2.0
/*
 * Changes which key a button of the keyboard is (EVIOCSKEYCODE), so that Escape, which
 * denies, is Enter, which confirms. Needs no grab and works under anybody's.
 *
 * attack: setkeycode
 * class: input
 * when: before
 * judge: self
 * quick: yes
 * defence: module
 * why: the table from buttons to keys is the driver's and anybody's with the event node
 *	open; that of a listed keyboard stays as the driver made it
 */
#include <errno.h>
#include <linux/input.h>
#include <string.h>
#include <sys/ioctl.h>

#include "evdev.h"
#include "report.h"

/* The table's entry for that key; 0 or -1. */
static int find(int fd, unsigned int key, struct input_keymap_entry *ret)
{
	struct input_keymap_entry ke = { .flags = INPUT_KEYMAP_BY_INDEX };

	for (; !ioctl(fd, EVIOCGKEYCODE_V2, &ke); ke.index++, ke.flags = INPUT_KEYMAP_BY_INDEX) {
		if (ke.keycode != key)
			continue;
		*ret = ke;
		ret->flags = 0;
		return 0;
	}
	return -1;
}

static bool is_key(int fd, struct input_keymap_entry ke, unsigned int key)
{
	return !ioctl(fd, EVIOCGKEYCODE_V2, &ke) && ke.keycode == key;
}

int main(void)
{
	struct input_keymap_entry escape;
	int fds[EVDEV_MAX], error = ENOENT;
	size_t count, i;

	attack_init();
	count = evdev_open_keyboards(fds);
	attack_ready();
	for (i = 0; i < count; i++) {
		if (find(fds[i], KEY_ESC, &escape))
			continue;
		escape.keycode = KEY_ENTER;
		if (ioctl(fds[i], EVIOCSKEYCODE_V2, &escape)) {
			error = errno;
			continue;
		}
		while (!attack_wait(1000))
			;
		if (!is_key(fds[i], escape, KEY_ENTER))
			attack_failed("it did not stay");
		escape.keycode = KEY_ESC;
		ioctl(fds[i], EVIOCSKEYCODE_V2, &escape);
		attack_succeeded("the button of Escape was Enter, in the dialog too");
	}
	attack_failed("no keyboard took it: %s", strerror(error));
}
