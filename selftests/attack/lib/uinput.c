// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "evdev.h"
#include "intruder.h"
#include "report.h"
#include "uinput.h"

#define KEYS	248	/* from 1, as an AT keyboard may have */

static int configure(int fd, const char *name, const struct input_id *id)
{
	struct uinput_setup setup = { .id = *id };
	int i;

	snprintf(setup.name, sizeof(setup.name), "%s", name);
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY) || ioctl(fd, UI_SET_EVBIT, EV_LED))
		return -errno;
	for (i = 1; i < KEYS; i++)
		if (ioctl(fd, UI_SET_KEYBIT, i))
			return -errno;
	for (i = LED_NUML; i <= LED_SCROLLL; i++)
		if (ioctl(fd, UI_SET_LEDBIT, i))
			return -errno;
	return ioctl(fd, UI_DEV_SETUP, &setup) || ioctl(fd, UI_DEV_CREATE) ? -errno : 0;
}

int uinput_keyboard(const char *name, const struct input_id *id)
{
	int fd = open("/dev/uinput", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	ret = configure(fd, name, id);
	if (ret) {
		close(fd);
		return ret;
	}
	attack_wait(200);
	return fd;
}

static int emit(int fd, unsigned int type, unsigned int code, int value)
{
	struct input_event event = {
		.type = (unsigned short)type, .code = (unsigned short)code, .value = value,
	};

	return write(fd, &event, sizeof(event)) == sizeof(event) ? 0 : -errno;
}

int uinput_press(int fd, unsigned int code)
{
	int ret = emit(fd, EV_KEY, code, 1);

	if (!ret)
		ret = emit(fd, EV_SYN, SYN_REPORT, 0);
	attack_wait(30);
	if (!ret)
		ret = emit(fd, EV_KEY, code, 0);
	if (!ret)
		ret = emit(fd, EV_SYN, SYN_REPORT, 0);
	attack_wait(30);
	return ret;
}

int uinput_copy_real(char *ret_name, size_t size, struct input_id *ret_id)
{
	int fds[EVDEV_MAX];
	size_t count = evdev_open_keyboards(fds), i;
	int ret = -ENOENT;

	for (i = 0; i < count; i++) {
		if (ret && !ioctl(fds[i], EVIOCGID, ret_id) && ret_id->bustype != BUS_VIRTUAL &&
		    ioctl(fds[i], EVIOCGNAME(size), ret_name) > 0)
			ret = 0;
		close(fds[i]);
	}
	return ret;
}

int uinput_copy(void)
{
	struct input_id id = { .bustype = BUS_I8042 };
	char name[80] = "keyboard";

	uinput_copy_real(name, sizeof(name), &id);
	return uinput_keyboard(name, &id);
}

static void press(void *fd, char key)
{
	uinput_press(*(int *)fd, key == '\n' ? KEY_ENTER : evdev_key(key));
}

void uinput_intrude(void)
{
	int fd;

	attack_init();
	fd = uinput_copy();
	attack_ready();
	if (fd < 0)
		attack_failed("no keyboard can be made: %s", strerror(-fd));
	intruder_type(press, &fd);
}
