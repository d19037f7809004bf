// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <linux/usb/ch9.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "hid.h"
#include "intruder.h"
#include "report.h"
#include "usbip.h"

#define ATTACH		"/sys/devices/platform/vhci_hcd.0/attach"
#define PORT		0		/* the first of those for up to 480 Mbit/s */
#define DEVICE		0x00010002	/* bus and number, for the far end alone */
#define ENDPOINT	1
#define HID_CLASS_DESCRIPTOR	0x21
#define HID_REPORT_DESCRIPTOR	0x22

/* Of the protocol (Documentation/usb/usbip_protocol.rst), big-endian. */
enum {
	CMD_SUBMIT	= 1,
	CMD_UNLINK	= 2,
	RET_SUBMIT	= 3,
	RET_UNLINK	= 4,
};

struct header {
	uint32_t command, sequence, device, direction, endpoint;
	union {
		struct {
			uint32_t flags, length, start, packets, interval;
			struct usb_ctrlrequest setup;
		} submit;
		struct {
			int32_t status;
			uint32_t length, start, packets, errors, padding[2];
		} done;
		struct {
			uint32_t sequence, padding[6];
		} unlink;
	};
};

static const struct __attribute__((packed)) {
	struct usb_config_descriptor config;
	struct usb_interface_descriptor interface;
	struct __attribute__((packed)) {
		uint8_t length, type;
		uint16_t version;
		uint8_t country, count, report_type;
		uint16_t report_length;
	} hid;
	uint8_t endpoint[USB_DT_ENDPOINT_SIZE];
} configuration = {
	.config = { USB_DT_CONFIG_SIZE, USB_DT_CONFIG, sizeof(configuration), 1, 1, 0,
		    USB_CONFIG_ATT_ONE, 50 },
	.interface = { USB_DT_INTERFACE_SIZE, USB_DT_INTERFACE, 0, 0, 1, USB_CLASS_HID, 1, 1, 0 },
	.hid = { 9, HID_CLASS_DESCRIPTOR, 0x0111, 0, 1, HID_REPORT_DESCRIPTOR,
		 HID_DESCRIPTOR_SIZE },
	.endpoint = { USB_DT_ENDPOINT_SIZE, USB_DT_ENDPOINT, USB_DIR_IN | ENDPOINT,
		      USB_ENDPOINT_XFER_INT, HID_REPORT_SIZE, 0, 10 },
};

static const struct usb_device_descriptor device_descriptor = {
	.bLength = USB_DT_DEVICE_SIZE, .bDescriptorType = USB_DT_DEVICE, .bcdUSB = 0x0110,
	.bMaxPacketSize0 = 8, .idVendor = 0x0627, .idProduct = 0x0001, .bNumConfigurations = 1,
};

static struct {
	pthread_mutex_t lock;		/* what follows, and writing to the socket */
	pthread_cond_t asked;
	int socket;
	uint32_t waiting;		/* sequence of the kernel's request for a report, or 0 */
} far_end = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.asked = PTHREAD_COND_INITIALIZER,
};

static void reply(uint32_t command, uint32_t sequence, int status, const void *data, size_t len)
{
	struct header h = {
		.command = htobe32(command),
		.sequence = htobe32(sequence),
		.done = { .status = (int32_t)htobe32((uint32_t)status),
			  .length = htobe32((uint32_t)len) },
	};

	(void)!write(far_end.socket, &h, sizeof(h));
	if (data && len)
		(void)!write(far_end.socket, data, len);
}

/* What the device tells of itself; NULL: nothing, with *ret_len 0. */
static const void *descriptor(const struct usb_ctrlrequest *setup, size_t *ret_len)
{
	static const uint8_t zeros[64];

	switch (le16toh(setup->wValue) >> 8) {
	case USB_DT_DEVICE:
		*ret_len = sizeof(device_descriptor);
		return &device_descriptor;
	case USB_DT_CONFIG:
		*ret_len = sizeof(configuration);
		return &configuration;
	case HID_REPORT_DESCRIPTOR:
		*ret_len = HID_DESCRIPTOR_SIZE;
		return hid_descriptor;
	}
	*ret_len = 0;
	return zeros;
}

static void control(const struct header *h)
{
	const struct usb_ctrlrequest *setup = &h->submit.setup;
	const void *data = NULL;
	size_t len = 0;

	if (setup->bRequestType & USB_DIR_IN && setup->bRequest == USB_REQ_GET_DESCRIPTOR)
		data = descriptor(setup, &len);
	if (len > le16toh(setup->wLength))
		len = le16toh(setup->wLength);
	/* Whatever is set, a LED for example: fine. */
	if (!(setup->bRequestType & USB_DIR_IN))
		len = be32toh(h->submit.length);
	reply(RET_SUBMIT, be32toh(h->sequence), 0, data, len);
}

static void submitted(const struct header *h)
{
	uint8_t scratch[4096];
	size_t len = be32toh(h->submit.length);

	if (!h->direction && len &&
	    recv(far_end.socket, scratch, len < sizeof(scratch) ? len : sizeof(scratch),
		 MSG_WAITALL) < 0)
		return;
	pthread_mutex_lock(&far_end.lock);
	if (!h->endpoint) {
		control(h);
	} else {
		far_end.waiting = be32toh(h->sequence);
		pthread_cond_signal(&far_end.asked);
	}
	pthread_mutex_unlock(&far_end.lock);
}

static void unlinked(const struct header *h)
{
	pthread_mutex_lock(&far_end.lock);
	if (far_end.waiting == be32toh(h->unlink.sequence))
		far_end.waiting = 0;
	reply(RET_UNLINK, be32toh(h->sequence), -ECONNRESET, NULL, 0);
	pthread_mutex_unlock(&far_end.lock);
}

static void *serve(void *arg)
{
	struct header h;

	while (recv(far_end.socket, &h, sizeof(h), MSG_WAITALL) == sizeof(h)) {
		if (h.command == htobe32(CMD_SUBMIT))
			submitted(&h);
		else if (h.command == htobe32(CMD_UNLINK))
			unlinked(&h);
	}
	return arg;
}

static int plug_keyboard(void)
{
	pthread_t thread;
	char text[64];
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	far_end.socket = ends[0];
	if (pthread_create(&thread, NULL, serve, NULL))
		return -EAGAIN;
	snprintf(text, sizeof(text), "%d %d %d %d", PORT, ends[1], DEVICE, USB_SPEED_FULL);
	ret = file_write(ATTACH, text);
	close(ends[1]);
	if (!ret)
		attack_wait(3000);
	return ret;
}

static void send_report(char key)
{
	uint8_t report[HID_REPORT_SIZE];
	struct timespec until;

	hid_report(report, key);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&far_end.lock);
	while (!far_end.waiting)
		if (pthread_cond_timedwait(&far_end.asked, &far_end.lock, &until))
			break;
	if (far_end.waiting)
		reply(RET_SUBMIT, far_end.waiting, 0, report, sizeof(report));
	far_end.waiting = 0;
	pthread_mutex_unlock(&far_end.lock);
	attack_wait(30);
}

static void press(void *device, char key)
{
	(void)device;
	send_report(key);
	send_report(0);
}

void usbip_intrude(void)
{
	int ret;

	attack_init();
	ret = plug_keyboard();
	attack_ready();
	if (ret)
		attack_failed("no USB device can be made: %s", strerror(-ret));
	intruder_type(press, NULL);
}
