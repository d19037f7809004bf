// SPDX-License-Identifier: Apache-2.0
#include "say.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAY_MAX		2048
#define SAY_JSON_MAX	(6 * SAY_MAX)	/* of escapes, and the fields beside the message */

static atomic_int form = TCONN_SAY_TEXT;

void tconn_say_in(enum tconn_say_form f)
{
	form = (int)f;
}

/* How many bytes the character at s has, 0: it is no UTF-8. */
static size_t character(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
		   s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, a surrogate, or beyond the last one. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

static void put_string(FILE *f, const char *text)
{
	fputc('"', f);
	for (const unsigned char *s = (const unsigned char *)text; *s;) {
		size_t n = character(s);

		if (n == 1 && (*s == '"' || *s == '\\'))
			fputc('\\', f);
		if (!n || *s < 0x20 || *s == 0x7f)
			fputc('?', f);
		else
			fwrite(s, 1, n, f);
		s += n ? n : 1;
	}
	fputc('"', f);
}

static void put_member(FILE *f, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(f, ",\"%s\":", key);
	put_string(f, text);
}

static void say_json(FILE *to, const struct tconn_say_fields *fields, const char *text)
{
	char line[SAY_JSON_MAX], when[32] = "";
	FILE *f = fmemopen(line, sizeof(line) - 2, "w");
	struct timespec now;
	struct tm tm;

	if (!f)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(f, "{\"time\":\"%s.%03ldZ\"", when, now.tv_nsec / 1000000);
	put_member(f, "level", fields->level ? fields->level : "info");
	put_member(f, "event", fields->event);
	put_member(f, "device", fields->device);
	put_member(f, "check", fields->check);
	put_member(f, "message", text);
	fputs("}", f);
	fclose(f);
	fprintf(to, "%s\n", line);
}

static void say_line(FILE *to, const char *text)
{
	char line[SAY_MAX];

	snprintf(line, sizeof(line), "%s", text);
	for (unsigned char *p = (unsigned char *)line; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(to, "%s\n", line);
}

static void say(FILE *to, const struct tconn_say_fields *f, const char *text)
{
	if (form == TCONN_SAY_JSON)
		say_json(to, f, text);
	else
		say_line(to, text);
}

void tconn_say_fields(const struct tconn_say_fields *f, const char *text)
{
	say(stderr, f, text);
}

void tconn_say(const char *fmt, ...)
{
	static const struct tconn_say_fields none = { .level = NULL };
	char line[SAY_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	tconn_say_fields(&none, line);
}

/* All lines in one write: others' lines do not come between, and it costs one system call. */
void tconn_say_verdict(const char *who, const struct tconn_verdict *v)
{
	char line[SAY_MAX], *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	for (size_t i = 0; i < v->count; i++) {
		const struct tconn_say_fields fields = {
			.level = v->check[i].pass ? "info" : "error", .check = v->check[i].name,
		};

		snprintf(line, sizeof(line), "check %s %s: %s: %s", who, v->check[i].name,
			 v->check[i].pass ? "pass" : "FAIL", v->check[i].reason);
		say(f, &fields, line);
	}
	if (fclose(f) == 0)
		fputs(text, stderr);
	free(text);
}

void tconn_verdict_reason(const struct tconn_verdict *v, char *buf, size_t size)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->check[i].pass)
			continue;
		snprintf(buf, size, "%s: %s", v->check[i].name, v->check[i].reason);
		return;
	}
	snprintf(buf, size, "%s", v->trusted ? "" : "no check was made");
}
