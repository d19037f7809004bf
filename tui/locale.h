/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a dialog that are not the service's, in each language there is.
 * The statement names the language, so the service knows every word on the
 * screen; nothing of the device's own setting takes part.
 */
#ifndef TCONN_LOCALE_H
#define TCONN_LOCALE_H

#include <stdbool.h>

#include "tui/statement.h"

struct tconn_locale {
	const char *tag;	/* ISO 639-1 */
	bool rtl;		/* written right to left: so is the whole dialog */
	const char *trusted, *lamp, *phrase;	/* the band */
	const char *confirm, *pin, *notice;	/* titles */
	const char *do_confirm, *do_deny;	/* what keys do */
	const char *hold, *twice;		/* how: "%s" seconds, and within a moment */
	char point;				/* of decimals */
	const char *do_digits, *do_delete, *do_send, *do_cancel, *do_read;
	const char *digits, *digits_range;	/* "%u", and "%u", "%u" */
	const char *early, *more, *full;	/* hints; more: "%s", the key that sends */
};

/* NULL where there is none of that tag; "" is English. */
const struct tconn_locale *tconn_locale_find(const char *tag);

/* Of a statement that was checked; English where its tag is not known. */
const struct tconn_locale *tconn_locale_of(const struct tconn_statement *s);

#endif
