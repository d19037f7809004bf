// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/io.h>
#include <unistd.h>

#include "keyboard.h"

#define I8042_DATA	0x60
#define I8042_COMMAND	0x64	/* and status, when read */
#define I8042_FULL	0x01	/* the kernel has not taken the last byte yet */
#define I8042_BUSY	0x02
#define I8042_PATIENCE	1000	/* milliseconds; some byte may be nobody's */
#define I8042_PRETEND	0xd2	/* the next byte comes back as if from the keyboard */

static void i8042_write(unsigned short port, unsigned char byte)
{
	int tries;

	for (tries = 0; tries < I8042_PATIENCE; tries++) {
		if (!(inb(I8042_COMMAND) & (I8042_BUSY | I8042_FULL)))
			break;
		usleep(1000);
	}
	outb(byte, port);
}

int keyboard_scan(unsigned char code)
{
	if (ioperm(I8042_DATA, I8042_COMMAND - I8042_DATA + 1, 1))
		return -errno;
	i8042_write(I8042_COMMAND, I8042_PRETEND);
	i8042_write(I8042_DATA, code);
	usleep(20000);
	return 0;
}

int keyboard_type(unsigned char code)
{
	int ret = keyboard_scan(code);

	return ret ? ret : keyboard_scan(code | SCAN_RELEASE);
}
