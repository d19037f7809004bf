// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>

#include "digits.h"

#define SCANCODE_1	0x02
#define SCANCODE_0	0x0b
#define USAGE_1		0x1e
#define USAGE_0		0x27
#define REPORT_KEYS	2	/* where they begin, after modifiers and a reserved byte */

void digits_add(struct digits *d, char digit)
{
	if (isdigit((unsigned char)digit) && d->len + 1 < sizeof(d->text)) {
		d->text[d->len++] = digit;
		d->text[d->len] = '\0';
	}
}

/* Both tables go 1, 2, ... 9, 0. */
static char in_row(unsigned int code, unsigned int first, unsigned int last)
{
	return code < first || code > last ? 0 : code == last ? '0' : (char)('1' + (code - first));
}

char digits_of_scancode(uint8_t code)
{
	return in_row(code, SCANCODE_1, SCANCODE_0);
}

char digits_of_usage(unsigned int usage)
{
	return in_row(usage, USAGE_1, USAGE_0);
}

void digits_add_report(struct digits *d, struct digits_hid *hid, const uint8_t *report,
		       size_t len)
{
	size_t i;

	if (len != sizeof(hid->last))
		return;
	for (i = REPORT_KEYS; i < len; i++)
		if (!memchr(hid->last + REPORT_KEYS, report[i], len - REPORT_KEYS))
			digits_add(d, digits_of_usage(report[i]));
	memcpy(hid->last, report, len);
}
