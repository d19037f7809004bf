// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "appraise_part.h"
#include "digest.h"

bool tconn_pass(struct tconn_reason *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return true;
}

bool tconn_reserve(struct tconn_reason *why, const char *fmt, ...)
{
	va_list args;

	why->warning = true;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return true;
}

bool tconn_refuse(struct tconn_reason *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return false;
}

struct tconn_digest_text tconn_digest_text(const uint8_t digest[32])
{
	struct tconn_digest_text ret;

	tconn_hex(digest, 32, ret.text);
	return ret;
}

struct tconn_digest_text tconn_digest_short(const uint8_t digest[32])
{
	struct tconn_digest_text ret;

	tconn_hex(digest, 8, ret.text);
	memcpy(ret.text + 16, "..", 3);
	return ret;
}
