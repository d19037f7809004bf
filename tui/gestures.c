// SPDX-License-Identifier: Apache-2.0
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <string.h>

#include "tui/gestures.h"

#define MS_MAX	5000	/* the policy's longest (uapi/tconn.h) */

static bool valid(const struct tconn_gesture *g)
{
	return g->type <= TCONN_GESTURE_DOUBLE && g->ms <= MS_MAX && g->code < KEY_CNT;
}

bool tconn_gestures_valid(const struct tconn_gestures *g)
{
	return valid(&g->confirm) && valid(&g->deny);
}

static struct tconn_gesture or_press(const struct tconn_gesture *g, uint16_t code)
{
	return g->type ? *g : (struct tconn_gesture){ TCONN_GESTURE_PRESS, code, 0 };
}

struct tconn_gestures tconn_gestures_or_default(const struct tconn_gestures *g)
{
	return (struct tconn_gestures){ or_press(&g->confirm, KEY_ENTER), or_press(&g->deny, KEY_ESC) };
}

/* Those that the policy has names for, and what else has the same word on each keyboard: letters
 * do not.
 */
static const struct {
	uint16_t code;
	const char *cap;
} caps[] = {
	{ KEY_ENTER, "Enter" }, { KEY_ESC, "Esc" }, { KEY_OK, "OK" }, { KEY_CANCEL, "Cancel" },
	{ KEY_SELECT, "Select" }, { KEY_POWER, "Power" }, { KEY_VOLUMEUP, "Volume +" },
	{ KEY_VOLUMEDOWN, "Volume \xe2\x88\x92" }, { KEY_TAB, "Tab" }, { KEY_DELETE, "Delete" },
	{ KEY_HOME, "Home" }, { KEY_END, "End" }, { KEY_INSERT, "Insert" },
};

void tconn_gesture_cap(const struct tconn_gesture *g, char ret[TCONN_GESTURES_WORDS])
{
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (caps[i].code == g->code) {
			snprintf(ret, TCONN_GESTURES_WORDS, "%s", caps[i].cap);
			return;
		}
	}
	if (g->code >= KEY_F1 && g->code <= KEY_F10)
		snprintf(ret, TCONN_GESTURES_WORDS, "F%u", g->code - KEY_F1 + 1u);
	else if (g->code == KEY_F11 || g->code == KEY_F12)
		snprintf(ret, TCONN_GESTURES_WORDS, "F%u", g->code - KEY_F11 + 11u);
	else
		snprintf(ret, TCONN_GESTURES_WORDS, "Key %u", g->code);
}

void tconn_gesture_action(const struct tconn_gesture *g, const struct tconn_locale *words,
			  const char *does, char ret[TCONN_GESTURES_WORDS])
{
	const unsigned int tenths = (g->ms + 99) / 100;
	char time[16], how[64] = "";

	if (tenths % 10)
		snprintf(time, sizeof(time), "%u%c%u", tenths / 10, words->point, tenths % 10);
	else
		snprintf(time, sizeof(time), "%u", tenths / 10);
	if (g->type == TCONN_GESTURE_HOLD)
		snprintf(how, sizeof(how), words->hold, time);
	else if (g->type == TCONN_GESTURE_DOUBLE)
		snprintf(how, sizeof(how), "%s", words->twice);
	snprintf(ret, TCONN_GESTURES_WORDS, "%s%s%s", how, *how ? ": " : "", does);
}
