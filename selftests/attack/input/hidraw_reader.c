// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a USB keyboard's reports from its hidraw node, which gets them before the
 * input core does.
 *
 * attack: hidraw_reader
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci usb-kbd
 * defence: confinement
 * why: no grab reaches what comes before the input core; the REE has no hidraw nodes
 *	and cannot make any
 */
#include <stdint.h>
#include <unistd.h>

#include "nodes.h"

static void collect(int fd, unsigned int index, struct digits *d)
{
	static struct digits_hid hid[NODES_MAX];
	uint8_t report[64];
	ssize_t got = read(fd, report, sizeof(report));

	if (got > 0)
		digits_add_report(d, &hid[index], report, (size_t)got);
}

int main(void)
{
	nodes_watch("/dev/hidraw*", collect);
}
