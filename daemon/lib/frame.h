/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of a record, drawn again: what was seen is what is signed. The
 * kernel hashed what stood on the screen below the band; here the statement is
 * drawn for the same screen in the same look, and hashed in the same way. Nothing
 * that the device says is believed: what it says how it drew only has to lead to
 * the digest that the kernel took.
 */
#ifndef TCONN_FRAME_H
#define TCONN_FRAME_H

#include "../../kmod/uapi/tconn.h"
#include "../../tui/canvas.h"
#include "error.h"
#include "evidence.h"

#define TCONN_FRAME_PIXELS_MAX	(4096u * 4096u)	/* of a screen that is drawn again */

/*
 * 0: the frame digest is that of the statement. -EKEYREJECTED: it is not, or the
 * record's rectangles are not those of the layout. -E2BIG, -EBADMSG: screen or
 * statement cannot be drawn. -ENOMEM.
 */
int tconn_frame_check(const uint8_t *statement, size_t len, const struct tconn_record *record,
		      struct tconn_error *err);

/* What the digest of this record's screen, rectangles and look must be. Errors as above. */
int tconn_frame_digest(const uint8_t *statement, size_t len, const struct tconn_record *record,
		       uint8_t ret[32], struct tconn_error *err);

/* Did its band say that the module's policy is not signed? (If the frame is as it says.) */
bool tconn_frame_says_developer(const struct tconn_record *record);

/*
 * The whole picture as it was seen, but for the phrase and the digits of a PIN,
 * which nobody but the person knows. ret->pixels is malloc'ed.
 */
int tconn_frame_draw(const uint8_t *statement, size_t len, const struct tconn_record *record,
		     struct tconn_canvas *ret, struct tconn_error *err);

#endif
