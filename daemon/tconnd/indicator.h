/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The indicator: LEDs that tconnd hands to the module by choosing the trigger
 * "tconn", and then only watches. The module alone switches them.
 */
#ifndef TCONND_INDICATOR_H
#define TCONND_INDICATOR_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

#define INDICATOR_TRIGGER	"tconn"
#define INDICATOR_LEDS		4

enum indicator_state {
	INDICATOR_ABSENT,	/* no such LED */
	INDICATOR_REFUSED,	/* the kernel does not take the trigger: is tconn.ko loaded? */
	INDICATOR_DARK,		/* armed */
	INDICATOR_LIT,		/* armed, and on */
};

struct indicator_led {
	char path[256];			/* sysfs directory */
	char before[64];		/* trigger to give back, "" where none was chosen */
	enum indicator_state state;
};

struct indicator {
	const char *pattern;		/* a name or glob below /sys/class/leds, or an absolute
					 * glob; NULL: nothing to do
					 */
	struct indicator_led led[INDICATOR_LEDS];
	size_t count;
	bool told_absent;
};

/* Looks for LEDs, arms those that are not, reads their state, and says what
 * changed. To be called every so often: LEDs come and go with their devices.
 */
void indicator_watch(struct indicator *i);
/* Gives the LEDs back to the triggers they had. */
void indicator_release(struct indicator *i);
struct json_object *indicator_json(const struct indicator *i);

#endif
