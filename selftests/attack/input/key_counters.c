// SPDX-License-Identifier: Apache-2.0
/*
 * Counts keys, and tells when each was pressed, by what the kernel counts for others:
 * the keyboard's interrupts and its wake-ups. How long a PIN is and its rhythm come out.
 *
 * attack: key_counters
 * class: input
 * when: session
 * judge: self
 * unprotected: module
 * defence: confinement
 * why: /proc/interrupts and the like are hidden from the REE, and it cannot have the
 *	keyboard count wake-ups
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "report.h"

#define ENOUGH	16	/* 8 digits, pressed and released */
#define WAKEUP	"/sys/devices/platform/i8042/serio0/power/wakeup"

/* "  1:  0  42  IO-APIC  1-edge  i8042": of all processors together. */
static long interrupts(void)
{
	static char text[65536];
	long count = 0, n;
	char *line;
	int len;

	if (file_read("/proc/interrupts", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, " 1:");
	for (line = line ? line + strlen(" 1:") : text; sscanf(line, "%ld%n", &n, &len) == 1;
	     line += len)
		count += n;
	return count;
}

/* "intr SUM INTERRUPT_0 INTERRUPT_1 ..." */
static long summary(void)
{
	static char text[65536];
	const char *line;
	long count = 0;

	if (file_read("/proc/stat", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, "\nintr ");
	if (line)
		sscanf(line, "\nintr %*s %*s %ld", &count);
	return count;
}

static long wakeups(void)
{
	char text[32];

	file_write(WAKEUP, "enabled");
	return file_read(WAKEUP "_count", text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : 0;
}

int main(void)
{
	long (*const sources[])(void) = { interrupts, summary, wakeups };
	static const char *const names[] = { "/proc/interrupts", "/proc/stat", WAKEUP "_count" };
	long before[3], most = 0, now;
	int i;

	attack_init();
	for (i = 0; i < 3; i++)
		before[i] = sources[i]();
	attack_ready();
	while (!attack_wait(1000))
		;
	for (i = 0; i < 3; i++) {
		now = sources[i]() - before[i];
		attack_note("%s: %ld", names[i], now);
		most = now > most ? now : most;
	}
	if (most >= ENOUGH)
		attack_succeeded("%ld times a key went down or up", most);
	attack_failed("no counter moved with the keys");
}
