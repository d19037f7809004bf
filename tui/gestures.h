/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What answers a dialog, in words: the device policy's gestures, as BIND answers them and
 * the record has them. The legend says them, so that a service draws the same one.
 */
#ifndef TCONN_GESTURES_H
#define TCONN_GESTURES_H

#include <stdbool.h>

#include "kmod/uapi/tconn.h"
#include "tui/locale.h"

#define TCONN_GESTURES_WORDS	96	/* bytes of the longest cap or action, terminator included */

/* All zero, as where no policy is known: the press of Enter and of Esc. */
struct tconn_gestures {
	struct tconn_gesture confirm, deny;
};

/* False where a type, or a time, is none that the module knows. */
bool tconn_gestures_valid(const struct tconn_gestures *g);

/* The same, with Enter and Esc in place of none. */
struct tconn_gestures tconn_gestures_or_default(const struct tconn_gestures *g);

/* What is printed on the key: "Enter", "F5", or "Key 183" where no keyboard agrees. */
void tconn_gesture_cap(const struct tconn_gesture *g, char ret[TCONN_GESTURES_WORDS]);

/* What it does, with how it is done where a press is not enough: "hold 1.5 s: confirm". The time
 * is rounded up to tenths.
 */
void tconn_gesture_action(const struct tconn_gesture *g, const struct tconn_locale *words,
			  const char *does, char ret[TCONN_GESTURES_WORDS]);

#endif
