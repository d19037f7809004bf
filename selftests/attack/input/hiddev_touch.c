// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a touch screen's events from a hiddev node, which usbhid makes for any device that
 * its quirks name.
 *
 * attack: hiddev_touch
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci touch-screen
 * append: usbhid.quirks=0x1209:0x0001:0x0010
 * defence: confinement
 * why: hiddev is fed beside the input core; the REE has no hiddev nodes and cannot make any
 */
#include <linux/hiddev.h>
#include <stdbool.h>
#include <unistd.h>

#include "nodes.h"
#include "touch.h"

#define USAGE_DOWN	0xd0042u	/* tip switch */
#define USAGE_X		0x10030u
#define RANGE		32767		/* of scripts/harness/touchscreen.py */

/* The place comes after the touch. */
static void collect(int fd, unsigned int index, struct digits *d)
{
	static bool down[NODES_MAX];
	struct hiddev_event event;

	while (read(fd, &event, sizeof(event)) == sizeof(event)) {
		if (event.hid == USAGE_DOWN)
			down[index] = event.value;
		if (event.hid == USAGE_X && down[index])
			digits_add(d, touch_digit(event.value, RANGE));
	}
}

int main(void)
{
	nodes_watch("/dev/usb/hiddev*", collect);
}
