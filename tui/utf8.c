// SPDX-License-Identifier: Apache-2.0
#include "tui/utf8.h"

/* The lead byte says how many bytes follow and the least value that needs them. */
struct lead {
	uint8_t mask, value;
	uint8_t follow;
	int32_t least;
};

static const struct lead leads[] = {
	{ 0x80, 0x00, 0, 0x0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

static const struct lead *find_lead(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if ((byte & leads[i].mask) == leads[i].value)
			return &leads[i];
	return NULL;
}

int32_t tconn_utf8_next(const char *text, size_t len, size_t *at)
{
	const uint8_t *p = (const uint8_t *)text + *at;
	const struct lead *lead = find_lead(*p);
	int32_t c;

	if (!lead || len - *at <= lead->follow)
		return -1;
	c = *p & (uint8_t)~lead->mask;
	for (uint8_t i = 1; i <= lead->follow; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = (c << 6) | (p[i] & 0x3f);
	}
	if (c < lead->least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*at += lead->follow + 1;
	return c;
}
