// SPDX-License-Identifier: Apache-2.0
#include <linux/input-event-codes.h>
#include <string.h>

#include "tui/dialog.h"

void tui_dialog_init(struct tui_dialog *dialog, const struct tconn_statement *statement)
{
	*dialog = (struct tui_dialog){ .statement = statement };
}

/* By position, not by layout: the digit row is the same on every keyboard that
 * the policy may list. Returns 0 where the key is no digit.
 */
static char digit_of(uint16_t key)
{
	static const struct {
		uint16_t key;
		char digit;
	} pad[] = {
		{ KEY_KP0, '0' }, { KEY_KP1, '1' }, { KEY_KP2, '2' }, { KEY_KP3, '3' },
		{ KEY_KP4, '4' }, { KEY_KP5, '5' }, { KEY_KP6, '6' }, { KEY_KP7, '7' },
		{ KEY_KP8, '8' }, { KEY_KP9, '9' }, { KEY_0, '0' },
	};

	if (key >= KEY_1 && key <= KEY_9)
		return (char)('1' + (key - KEY_1));
	if (key >= KEY_NUMERIC_0 && key <= KEY_NUMERIC_9)
		return (char)('0' + (key - KEY_NUMERIC_0));
	for (size_t i = 0; i < sizeof(pad) / sizeof(pad[0]); i++)
		if (pad[i].key == key)
			return pad[i].digit;
	return 0;
}

static enum tconn_outcome hint(struct tui_dialog *dialog, enum tconn_hint which)
{
	dialog->hint = which;
	return TCONN_OUTCOME_NONE;
}

static enum tconn_outcome press_enter(struct tui_dialog *dialog)
{
	if (dialog->statement->kind != TCONN_KIND_PIN)
		return TCONN_OUTCOME_CONFIRMED;
	if (dialog->entered < dialog->statement->pin_min)
		return hint(dialog, TCONN_HINT_SHORT);
	return TCONN_OUTCOME_ENTERED;
}

static enum tconn_outcome press_digit(struct tui_dialog *dialog, char digit)
{
	if (dialog->entered >= dialog->statement->pin_max)
		return hint(dialog, TCONN_HINT_FULL);
	dialog->pin[dialog->entered++] = digit;
	return hint(dialog, TCONN_HINT_NONE);
}

static enum tconn_outcome press_backspace(struct tui_dialog *dialog)
{
	if (dialog->entered > 0)
		dialog->pin[--dialog->entered] = 0;
	return hint(dialog, TCONN_HINT_NONE);
}

static bool is_enter(uint16_t key)
{
	return key == KEY_ENTER || key == KEY_KPENTER;
}

enum tconn_outcome tui_dialog_key(struct tui_dialog *dialog, uint16_t key)
{
	bool pin = dialog->statement->kind == TCONN_KIND_PIN;
	char digit = pin ? digit_of(key) : 0;

	if (key == KEY_ESC)
		return dialog->statement->kind == TCONN_KIND_NOTICE ? TCONN_OUTCOME_NONE :
								      TCONN_OUTCOME_DENIED;
	if (!is_enter(key) && !digit && !(pin && key == KEY_BACKSPACE))
		return TCONN_OUTCOME_NONE;
	if (!dialog->ready)
		return hint(dialog, TCONN_HINT_EARLY);
	if (is_enter(key))
		return press_enter(dialog);
	return digit ? press_digit(dialog, digit) : press_backspace(dialog);
}

void tui_dialog_refused(struct tui_dialog *dialog)
{
	dialog->hint = TCONN_HINT_EARLY;
}

void tui_dialog_shown(struct tui_dialog *dialog)
{
	if (dialog->statement->kind != TCONN_KIND_PIN)
		dialog->ready = false;
}

void tui_dialog_settled(struct tui_dialog *dialog)
{
	dialog->ready = true;
}

struct tconn_render tui_dialog_picture(const struct tui_dialog *dialog)
{
	return (struct tconn_render){
		.statement = dialog->statement,
		.entered = dialog->entered,
		.hint = dialog->hint,
	};
}

void tui_dialog_wipe(struct tui_dialog *dialog)
{
	explicit_bzero(dialog->pin, sizeof(dialog->pin));
	dialog->entered = 0;
}
