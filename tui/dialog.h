/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keys do. No device and no clock in here: the session says when a
 * picture was shown and when it has been there long enough, and hands over
 * each key press; the dialog says what to show next and what was decided.
 *
 * Grace. A key meant for the program that had the screen a moment ago must not
 * answer a question that nobody has read. So the dialog starts unready, gets
 * ready when the session has seen the grace pass without a key waiting, and
 * keys before that only bring up a hint. Where the answer is Enter alone
 * (confirm, notice) each new picture makes it unready again. A PIN is typed
 * faster than that, and its digits change the picture: there the grace is for
 * the first picture. Esc is never too early: it gives nothing away.
 */
#ifndef TCONN_TUI_DIALOG_H
#define TCONN_TUI_DIALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "kmod/uapi/tconn.h"
#include "tui/render.h"
#include "tui/statement.h"

struct tui_dialog {
	const struct tconn_statement *statement;
	char pin[TCONN_PIN_MAX];	/* secret: ASCII digits */
	uint32_t entered;
	enum tconn_hint hint;
	bool ready;
};

void tui_dialog_init(struct tui_dialog *dialog, const struct tconn_statement *statement);

/* A key went down (KEY_* of linux/input-event-codes.h; never a repeat).
 * TCONN_OUTCOME_NONE: go on.
 */
enum tconn_outcome tui_dialog_key(struct tui_dialog *dialog, uint16_t key);

/* The module saw no gesture for what the last key decided: it was too early. */
void tui_dialog_refused(struct tui_dialog *dialog);

/* A changed picture was shown. */
void tui_dialog_shown(struct tui_dialog *dialog);

/* The picture has been there for the grace, and no key is waiting. */
void tui_dialog_settled(struct tui_dialog *dialog);

/* What to draw: the number of digits, never which. Whose screen it is, the session knows. */
struct tconn_render tui_dialog_picture(const struct tui_dialog *dialog);

void tui_dialog_wipe(struct tui_dialog *dialog);

#endif
