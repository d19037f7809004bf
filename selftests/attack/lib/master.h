/* SPDX-License-Identifier: Apache-2.0 */
/* DRM master, by the best way there is. */
#ifndef ATTACK_MASTER_H
#define ATTACK_MASTER_H

#include "screen.h"

/*
 * For attacks that are started before the dialog and are the REE ("ree: attack"). Who
 * is not confined waits for tconn-tui to be on the screen and takes a copy of its
 * fd; who is confined has been master since before, with a grey picture. Says ready
 * and prints the last line if there is no way.
 */
void master_get(struct screen *ret);

#endif
