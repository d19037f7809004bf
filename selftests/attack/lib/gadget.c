// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "gadget.h"
#include "hid.h"
#include "intruder.h"
#include "report.h"

#define SETTLE	3000	/* milliseconds until the machine knows its own device */
#define FOLDER		"/tmp/configfs"
#define GADGET		FOLDER "/usb_gadget/keyboard"
#define FUNCTION	GADGET "/functions/hid.usb0"
#define CONFIG		GADGET "/configs/c.1"
#define CONTROLLER	"dummy_udc.0"

static const char *const folders[] = { FOLDER "/usb_gadget", GADGET, FUNCTION, CONFIG };
static const char *const settings[][2] = {
	{ GADGET "/idVendor", "0x0627" },
	{ GADGET "/idProduct", "0x0001" },
	{ FUNCTION "/protocol", "1" },
	{ FUNCTION "/subclass", "1" },
	{ FUNCTION "/report_length", "8" },
};

static int write_descriptor(void)
{
	int fd = open(FUNCTION "/report_desc", O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, hid_descriptor, HID_DESCRIPTOR_SIZE) != HID_DESCRIPTOR_SIZE)
		ret = -errno;
	close(fd);
	return ret;
}

static int make_gadget(void)
{
	size_t i;
	int ret;

	mkdir(FOLDER, 0700);
	if (mount("none", FOLDER, "configfs", 0, NULL))
		return -errno;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0755) && errno != EEXIST)
			return -errno;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		ret = file_write(settings[i][0], settings[i][1]);
		if (ret)
			return ret;
	}
	ret = write_descriptor();
	if (ret)
		return ret;
	if (symlink(FUNCTION, CONFIG "/hid.usb0"))
		return -errno;
	return file_write(GADGET "/UDC", CONTROLLER);
}

static int gadget_keyboard(void)
{
	int fd, ret = make_gadget();

	if (ret)
		return ret;
	attack_wait(SETTLE);
	fd = open("/dev/hidg0", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void send_report(int fd, char key)
{
	uint8_t report[HID_REPORT_SIZE];

	hid_report(report, key);
	if (write(fd, report, sizeof(report)) != sizeof(report))
		attack_note("/dev/hidg0: errno %d", errno);
	attack_wait(30);
}

static void press(void *fd, char key)
{
	send_report(*(int *)fd, key);
	send_report(*(int *)fd, 0);
}

void gadget_intrude(void)
{
	int fd;

	attack_init();
	fd = gadget_keyboard();
	attack_ready();
	if (fd < 0)
		attack_failed("no gadget can be made: %s", strerror(-fd));
	intruder_type(press, &fd);
}
