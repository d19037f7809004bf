// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/io.h>
#include <unistd.h>

#include "i8042.h"
#include "report.h"

#define DATA		0x60
#define STATUS		0x64
#define COMMAND		0x64
#define INPUT_FULL	0x02
#define SET_LEDS	0xed	/* the keyboard's */
#define PRETEND		0xd2	/* the controller's */

static int port_fd = -1;	/* /dev/port, where ioperm() is denied */

int i8042_open(void)
{
	int denied;

	if (!ioperm(DATA, STATUS - DATA + 1, 1))
		return 0;
	denied = -errno;
	attack_note("ioperm: errno %d", errno);
	port_fd = open("/dev/port", O_RDWR | O_CLOEXEC);
	return port_fd < 0 ? denied : 0;
}

static uint8_t get(unsigned short port)
{
	uint8_t byte = 0;

	if (port_fd < 0)
		return inb(port);
	return pread(port_fd, &byte, 1, port) == 1 ? byte : 0xff;
}

static void send(unsigned short port, uint8_t byte)
{
	int tries;

	for (tries = 0; tries < 1000 && get(STATUS) & INPUT_FULL; tries++)
		;
	if (port_fd < 0)
		outb(byte, port);
	else if (pwrite(port_fd, &byte, 1, port) != 1)
		attack_note("/dev/port: errno %d", errno);
}

uint8_t i8042_data(void)
{
	return get(DATA);
}

void i8042_pretend(uint8_t byte)
{
	send(COMMAND, PRETEND);
	send(DATA, byte);
	attack_wait(20);
}

void i8042_set_leds(uint8_t leds)
{
	send(DATA, SET_LEDS);
	attack_wait(20);
	send(DATA, leds);
	attack_wait(20);
}
