/* SPDX-License-Identifier: Apache-2.0 */
/* A program that passes for tconn-tui. */
#ifndef ATTACK_IMPOSTOR_H
#define ATTACK_IMPOSTOR_H

#include <stdbool.h>

#define IMPOSTOR_OF "/usr/sbin/tconn-tui"

/* Was this program started under the name of tconn-tui? */
bool impostor_is_called(const char *argv0);

/* Then it shows a dialog of its own, until it is asked for a decision (Enter, Esc). */
int impostor_run(void);

#endif
