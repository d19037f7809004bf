/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialogs, as pixels. The picture is a function of the state below and of
 * width and height in pixels alone: the device draws it, the kernel hashes it,
 * and the service draws it again and compares digests. Hence no clock (there
 * is no bar for the remaining time), no physical size (the record does not
 * carry it), no setting of the system's, no floating point.
 *
 * From top to bottom: a band that says whose screen this is, with the holder's
 * phrase, which the service does not know; the kind of question, a card with the
 * statement, and the keys that work; then the live strip with, for a PIN, one
 * ring a digit that fills as digits are entered, and a line for a hint. Phrase,
 * rings and hints change nothing elsewhere. The band is as high at every scale.
 */
#ifndef TCONN_RENDER_H
#define TCONN_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/font.h"
#include "tui/gestures.h"
#include "tui/look.h"
#include "tui/statement.h"

#define TCONN_RENDER_MIN_WIDTH	320	/* pixels; nothing fits a smaller screen */
#define TCONN_RENDER_MIN_HEIGHT	240
#define TCONN_RENDER_MAX	16384	/* pixels either way */
#define TCONN_PHRASE_MAX	63	/* bytes of UTF-8 */

enum tconn_hint {
	TCONN_HINT_NONE,
	TCONN_HINT_EARLY,	/* a key came before the picture could be read */
	TCONN_HINT_SHORT,	/* Enter came before there were pin_min digits */
	TCONN_HINT_FULL,	/* a digit came after pin_max digits */
	TCONN_HINTS,
};

struct tconn_render {
	const struct tconn_statement *statement;	/* parsed, and checked for glyphs */
	uint32_t entered;	/* PIN digits so far; the digits themselves never get here */
	enum tconn_hint hint;
	struct tconn_look look;
	const char *phrase;	/* the holder's; NULL: none was set up */
	bool untrusted;		/* development backend: says so in red */
	bool developer;		/* the module's policy is not signed: says so in amber */
	struct tconn_gestures gestures;	/* that the legend names */
};

/*
 * How a picture was drawn, in bytes of its own: `picture` of a record. Form 2: the
 * number 2, scale, theme, hint (0 for a PIN: there it is in the live strip), developer
 * (0 or 1), zeros. The legend names the gestures that the record has. Form 1, of older
 * records, is the same but for the number, and there the legend has Enter and Esc
 * whatever the gestures are.
 */
#define TCONN_PICTURE_BYTES	32
void tconn_render_word(const struct tconn_render *state, uint8_t ret[TCONN_PICTURE_BYTES]);
/* Look, hint and developer of it; of form 1 also no gestures. False where it is of neither form;
 * *ret is then untouched.
 */
bool tconn_render_of_word(const uint8_t word[TCONN_PICTURE_BYTES], struct tconn_render *ret);

/* Whether the statement fits at the smallest size; if not, *ret_at is the byte
 * of the text where the screen ends (0 where the screen itself is too small).
 */
bool tconn_render_fits(struct tconn_font *font, const struct tconn_statement *statement,
		       const struct tconn_gestures *gestures, uint32_t width, uint32_t height,
		       size_t *ret_at);

/*
 * What the module's record is to leave out of the frame digest (`live` in kmod/uapi/tconn.h):
 * the live strip of a PIN dialog, whose changes would tell about the PIN; empty for other
 * kinds. Errors as below.
 */
int tconn_render_live(struct tconn_font *font, const struct tconn_render *state, uint32_t width,
		      uint32_t height, struct tconn_box *ret);

/* Height of the band at its top, in pixels. */
uint32_t tconn_render_band(uint32_t width, uint32_t height);

/*
 * Draws the part of the picture that lies in damage, or all of it where damage
 * is NULL. 0; -E2BIG where the statement does not fit; -ERANGE where the canvas
 * has no room or damage reaches outside it; -EINVAL or -ENOMEM from the font.
 */
int tconn_render_draw(struct tconn_font *font, const struct tconn_canvas *canvas,
		      const struct tconn_render *state, const struct tconn_box *damage);

/* What differs between two states of the same statement on the same screen;
 * empty where nothing does. Errors as above.
 */
int tconn_render_damage(struct tconn_font *font, const struct tconn_canvas *canvas,
			const struct tconn_render *from, const struct tconn_render *to,
			struct tconn_box *ret);

#endif
