// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a touch screen's reports from its hidraw node, which gets them before the input
 * core does.
 *
 * attack: hidraw_touch
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci touch-screen
 * defence: confinement
 * why: no grab reaches what comes before the input core; the REE has no hidraw nodes
 *	and cannot make any
 */
#include <stdint.h>
#include <unistd.h>

#include "nodes.h"
#include "touch.h"

#define RANGE 32767	/* of scripts/harness/touchscreen.py, whose report this is: */

struct report {
	uint8_t down, finger;
	uint16_t x, y;
	uint8_t fingers;
} __attribute__((packed));

static void collect(int fd, unsigned int index, struct digits *d)
{
	struct report report;

	(void)index;
	while (read(fd, &report, sizeof(report)) == sizeof(report))
		if (report.down)
			digits_add(d, touch_digit(report.x, RANGE));
}

int main(void)
{
	nodes_watch("/dev/hidraw*", collect);
}
