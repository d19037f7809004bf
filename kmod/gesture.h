/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_GESTURE_H
#define TCONN_GESTURE_H

#include <linux/types.h>
#include "uapi/tconn.h"

struct input_id;
struct tconn_policy;

/* Nothing has been seen, the picture is there: the session listens from now on. */
void tconn_gesture_begin(const struct tconn_policy *policy, u32 kind);

/* Around a change of the attested picture: what comes meanwhile does not count. */
void tconn_gesture_changing(void);
void tconn_gesture_changed(void);

/* A key went down, not as a repeat. From any context. */
void tconn_gesture_press(u16 code, const struct input_id *device);

/* Errors: uapi/tconn.h, DECIDE. On success it is settled: nothing counts from now on. */
int tconn_gesture_decide(enum tconn_outcome outcome);

/* As the record wants it; of the last session. */
void tconn_gesture_report(struct tconn_record *record);

#endif
