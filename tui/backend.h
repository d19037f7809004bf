/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen with a keyboard, for the length of one session. There are two:
 * module.c (tconn.ko, the one that is worth something) and kms.c (plain KMS
 * and evdev, for working on dialogs without the module).
 *
 * Called in the order bind, activate, then show, keys and decide as it comes,
 * and close at the end whatever happened. Calls that return -1 have filled the
 * reply: the session is over.
 */
#ifndef TCONN_TUI_BACKEND_H
#define TCONN_TUI_BACKEND_H

#include <poll.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/reply.h"
#include "tui/request.h"

#define TUI_BACKEND_FDS 32

struct tui_backend;

struct tui_backend_ops {
	/* Fixes the statement, opens and maps the canvas (backend->canvas). */
	int (*bind)(struct tui_backend *b, const struct tui_request *request, uint16_t kind,
		    struct tui_reply *reply);
	/* Takes screen and keyboard and shows the canvas. live: tconn_render_live(). */
	int (*activate)(struct tui_backend *b, struct tconn_box live, struct tui_reply *reply);
	/* Shows what changed in the canvas. */
	int (*show)(struct tui_backend *b, struct tconn_box damage, struct tui_reply *reply);
	/* Fills fds with what to poll for keys; returns how many, up to TUI_BACKEND_FDS. */
	size_t (*fds)(struct tui_backend *b, struct pollfd *fds);
	/* 1 and the key that went down; 0: none waits. */
	int (*key)(struct tui_backend *b, uint16_t *ret_key, struct tui_reply *reply);
	/* Gives screen and keyboard back; fills the reply with what was decided. 1: it is
	 * not, for the module saw no gesture for this outcome so far.
	 */
	int (*decide)(struct tui_backend *b, enum tconn_outcome outcome, struct tui_reply *reply);
	/* Gives back what is still held, and frees b. */
	void (*close)(struct tui_backend *b);
};

struct tui_backend {
	const struct tui_backend_ops *ops;
	struct tconn_canvas canvas;
	bool developer;		/* the module's policy is not signed; known once bound */
	bool untrusted;		/* pictures are marked; nobody but us ends it in time */
	struct tconn_gestures gestures;	/* their keys come as KEY_ENTER and KEY_ESC */
	uint8_t picture[TCONN_PICTURE_SIZE];	/* for decide: tconn_render_word() of what is shown */
	uint8_t service_ca[TCONN_DIGEST_SIZE];	/* the policy's, known once bound; zero: none */
	uint32_t grace_ms;	/* how long a picture stands before it can be confirmed */
};

/* card: path of the display device, or NULL to look for one. NULL: no memory. */
struct tui_backend *tui_module_new(const char *card);
struct tui_backend *tui_kms_new(const char *card);

#endif
