/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_DISPLAY_H
#define TCONN_DISPLAY_H

#include <linux/types.h>
#include "uapi/tconn.h"

struct tconn_display;
struct tconn_policy;

/*
 * What one session needs of a display: a hidden framebuffer the size of its
 * mode, which is that of the first listed output that is lit, else what a listed
 * output prefers. Takes nothing yet. -ENODEV: fd is no primary node, or it has no
 * connected output that the policy lists. -EBUSY: somebody put the framebuffer on a
 * plane before it was hidden.
 */
int tconn_display_open(int fd, const struct tconn_policy *policy, struct tconn_display **ret_d);
/* Frees all; the screen has been given back. NULL is fine. */
void tconn_display_close(struct tconn_display *d);

/* The mode, as BIND answers it. */
void tconn_display_describe(const struct tconn_display *d, struct tconn_bind *bind);

/*
 * Shows the canvas and keeps everyone else off the screen until
 * tconn_display_give(), which is fine to call when nothing was taken.
 */
int tconn_display_take(struct tconn_display *d, const void *canvas);
int tconn_display_present(struct tconn_display *d, const void *canvas,
			  const struct tconn_rect *rect);
void tconn_display_give(struct tconn_display *d);

/*
 * Mode and frame, as the record has them, which says what is attested. Once, after
 * tconn_display_give(): the frame is hashed and wiped, and a driver that wants to leave may.
 */
void tconn_display_report(struct tconn_display *d, struct tconn_record *record);

#endif
