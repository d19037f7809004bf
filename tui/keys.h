/* SPDX-License-Identifier: Apache-2.0 */
/* Key presses out of a libevdev device. */
#ifndef TCONN_TUI_KEYS_H
#define TCONN_TUI_KEYS_H

#include <stdint.h>

struct libevdev;

/*
 * 1 and the next key that went down; 0: none waits; or a negative errno.
 * Repeats and releases are skipped. After lost events (SYN_DROPPED) the device
 * is brought up to date in silence: a press that was lost stays lost, and none
 * is made up.
 */
int tui_keys_next(struct libevdev *device, uint16_t *ret_key);

#endif
