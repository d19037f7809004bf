/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person sees where a device refuses to start: that it does, why, and whom to ask. It has
 * neither the band nor the marks of the trusted screen, whose place it does not take.
 */
#ifndef TCONN_NOTICE_PICTURE_H
#define TCONN_NOTICE_PICTURE_H

#include "tui/canvas.h"
#include "tui/font.h"

#define PICTURE_WHY_MAX	512	/* bytes of the reason that are shown */

/* why: any bytes; those that are no printable ASCII show as question marks. 0 or a negative errno:
 * -ERANGE where the canvas is smaller than TCONN_RENDER_MIN_WIDTH by TCONN_RENDER_MIN_HEIGHT.
 */
int picture_draw(struct tconn_font *font, const struct tconn_canvas *canvas, const char *why);

#endif
