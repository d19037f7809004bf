/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DRM primary nodes. Opening one makes the opener its master if nobody is, so
 * whoever only wants to name a display to the module gives that up at once.
 */
#ifndef TCONN_TUI_CARD_H
#define TCONN_TUI_CARD_H

#include <stddef.h>

#define TUI_CARD_PATH_MAX 32

/* Path of the nth card there is, from 0. 0, or -ENOENT past the last. */
int tui_card_path(size_t nth, char ret[static TUI_CARD_PATH_MAX]);

/* An fd without mastership, or a negative errno. */
int tui_card_open(const char *path);

#endif
