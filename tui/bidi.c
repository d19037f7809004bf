// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include <fribidi.h>

#include "tui/bidi.h"
#include "tui/utf8.h"

#define FIRST_RTL 0x590	/* nothing below is written right to left, or joined */

_Static_assert(sizeof(FriBidiChar) == sizeof(uint32_t), "characters are handed over in place");
_Static_assert(sizeof(FriBidiCharType) == sizeof(uint32_t), "types are handed over in place");
_Static_assert(sizeof(FriBidiLevel) == sizeof(int8_t), "levels are handed over in place");

static void decode(const char *text, size_t len, struct tconn_bidi *b)
{
	size_t at = 0;

	b->plain = true;
	for (b->n = 0; at < len && b->n < TCONN_BIDI_MAX; b->n++) {
		int32_t c;

		b->at[b->n] = (uint32_t)at;
		c = tconn_utf8_next(text, len, &at);
		if (c < 0)
			break;
		b->c[b->n] = (uint32_t)c;
		b->plain = b->plain && c < FIRST_RTL;
	}
	b->at[b->n] = (uint32_t)at;
}

int tconn_bidi_shape(const char *text, size_t len, bool rtl, struct tconn_bidi *b)
{
	FriBidiParType par = rtl ? FRIBIDI_PAR_WRTL : FRIBIDI_PAR_WLTR;
	FriBidiBracketType brackets[TCONN_BIDI_MAX];
	FriBidiArabicProp joining[TCONN_BIDI_MAX];
	FriBidiStrIndex n;

	decode(text, len, b);
	b->plain = b->plain && !rtl;
	if (b->plain || b->n == 0)
		return 0;
	n = (FriBidiStrIndex)b->n;
	fribidi_get_bidi_types(b->c, n, b->type);
	fribidi_get_bracket_types(b->c, n, b->type, brackets);
	if (!fribidi_get_par_embedding_levels_ex(b->type, brackets, n, &par, b->level))
		return -ENOMEM;
	b->par_type = par;
	fribidi_get_joining_types(b->c, n, joining);
	fribidi_join_arabic(b->type, n, b->level, joining);
	fribidi_shape(FRIBIDI_FLAG_SHAPE_MIRRORING | FRIBIDI_FLAGS_ARABIC, b->level, n, joining,
		      b->c);
	return 0;
}

int tconn_bidi_order(struct tconn_bidi *b, uint32_t first, uint32_t end)
{
	if (b->plain || first >= end)
		return 0;
	if (!fribidi_reorder_line(FRIBIDI_FLAG_REORDER_NSM, b->type,
				  (FriBidiStrIndex)(end - first), (FriBidiStrIndex)first,
				  b->par_type, b->level, b->c, NULL))
		return -ENOMEM;
	return 0;
}
