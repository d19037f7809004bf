/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_APP_H
#define TCONN_APP_H

#include <linux/types.h>
#include "uapi/tconn.h"

struct mm_struct;
struct task_struct;
struct tconn_policy;

/*
 * Judges the calling process. Fills all of event but session and admitted.
 * Returns TCONN_REFUSAL_NONE or why not.
 */
enum tconn_refusal tconn_app_admit(const struct tconn_policy *policy,
				   struct tconn_event_app *event);

/* During a session: are its mappings, dumpability and tracers still as they were admitted? */
enum tconn_refusal tconn_app_check(void);

/* Is a thread of that process stopped, frozen or traced? From any process. */
bool tconn_app_is_held(struct task_struct *leader);

/* As tconn_app_check() for its mappings and dumpability, from any process; mm: with a reference. */
bool tconn_app_has_changed(struct mm_struct *mm);

#endif
