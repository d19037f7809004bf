/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A paragraph as the characters that are drawn: Unicode's bidirectional
 * algorithm (UAX #9) by FriBidi, Arabic letters in their joined forms. Its base
 * direction is the paragraph's first strong character's, else the dialog's.
 */
#ifndef TCONN_BIDI_H
#define TCONN_BIDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/statement.h"

#define TCONN_BIDI_MAX	TCONN_TEXT_MAX	/* characters of a paragraph; never more than bytes */
#define TCONN_BIDI_NONE	0xfeff		/* drawn with its neighbour, as one glyph */

/* In logical order. Large: 100 KB. */
struct tconn_bidi {
	uint32_t n;
	uint32_t c[TCONN_BIDI_MAX];		/* characters, joined */
	uint32_t at[TCONN_BIDI_MAX + 1];	/* byte of the text where each starts; [n]: the end */
	/* FriBidi's; not set where plain */
	uint32_t type[TCONN_BIDI_MAX], par_type;
	int8_t level[TCONN_BIDI_MAX];
	bool plain;				/* left to right throughout */
};

/* Valid UTF-8 without line feeds, up to TCONN_TEXT_MAX bytes. 0 or -ENOMEM. */
int tconn_bidi_shape(const char *text, size_t len, bool rtl, struct tconn_bidi *ret);

/*
 * Brings the characters from first to before end, which make one line, into the
 * order in which they are drawn, left to right, in place. A line is ordered
 * once. 0 or -ENOMEM.
 */
int tconn_bidi_order(struct tconn_bidi *b, uint32_t first, uint32_t end);

#endif
