/* SPDX-License-Identifier: Apache-2.0 */
/* A canvas as a PNG file, for people and their papers; no session writes one. */
#ifndef TCONN_TUI_PNG_FILE_H
#define TCONN_TUI_PNG_FILE_H

#include "tui/canvas.h"

/* NULL, or what is wrong. */
const char *tui_png_write(const struct tconn_canvas *canvas, const char *path);

#endif
