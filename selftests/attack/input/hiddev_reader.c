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
#include <linux/hiddev.h>
#include <unistd.h>

#include "nodes.h"

#define PAGE_KEYBOARD	0x70000u

static void collect(int fd, unsigned int index, struct digits *d)
{
	struct hiddev_event event;

	(void)index;
	while (read(fd, &event, sizeof(event)) == sizeof(event))
		if (event.value == 1 && (event.hid & ~0xffffu) == PAGE_KEYBOARD)
			digits_add(d, digits_of_usage(event.hid & 0xffff));
}

int main(void)
{
	nodes_watch("/dev/usb/hiddev*", collect);
}
