// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int tconn_fail(struct tconn_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return code;
}

int tconn_fail_in(struct tconn_error *err, int code, const char *where)
{
	char rest[TCONN_ERROR_MAX];

	if (!err)
		return code;
	/* Cut silently where both do not fit: the front says where to look. */
	snprintf(rest, sizeof(rest), "%s", err->text);
	if (snprintf(err->text, sizeof(err->text), "%s: %s", where, rest) < 0)
		err->text[0] = '\0';
	return code;
}
