// SPDX-License-Identifier: Apache-2.0
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SAY_MAX 2048

static void make_line(char *line)
{
	for (unsigned char *p = (unsigned char *)line; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void tconn_say(const char *fmt, ...)
{
	char line[SAY_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	make_line(line);
	fprintf(stderr, "%s\n", line);
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
		snprintf(line, sizeof(line), "check %s %s: %s: %s", who, v->check[i].name,
			 v->check[i].pass ? "pass" : "FAIL", v->check[i].reason);
		make_line(line);
		fprintf(f, "%s\n", line);
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
