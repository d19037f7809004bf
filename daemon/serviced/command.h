/* SPDX-License-Identifier: Apache-2.0 */
/* An event to a program of the operator's: its JSON on standard input, no shell. */
#ifndef SERVICED_COMMAND_H
#define SERVICED_COMMAND_H

#include "action.h"

/* argv as set; TCONN_EVENT, TCONN_SEVERITY and TCONN_DEVICE in its environment. 0: its exit
 * status is that.
 */
int command_run(char *const argv[], const struct action_event *e, struct tconn_error *err);

#endif
