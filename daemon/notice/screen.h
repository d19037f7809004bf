/* SPDX-License-Identifier: Apache-2.0 */
/* Every screen that is connected, by DRM dumb buffers: before anything that draws has started. */
#ifndef TCONN_NOTICE_SCREEN_H
#define TCONN_NOTICE_SCREEN_H

#include "tui/font.h"

/* Shows why (picture.h) on all of them. They stay so for as long as this process lives. How many
 * there are; none is no error.
 */
int screen_show(struct tconn_font *font, const char *why);

#endif
