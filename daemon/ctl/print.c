// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

void print(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	puts(text);
	free(text);
}

void print_json(struct json_object *obj)
{
	puts(json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *member(struct json_object *obj, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, key, &v) || !v)
		return "";
	return json_object_get_string(v);
}

bool flag(struct json_object *obj, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) && json_object_get_boolean(v);
}

void print_checks(struct json_object *checks)
{
	if (!json_object_is_type(checks, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *c = json_object_array_get_idx(checks, i);

		print("  %s  %-18s %s", !flag(c, "pass") ? "FAIL" : flag(c, "warning") ? "warn" : "pass",
		      member(c, "name"),
		      member(c, "reason"));
	}
}

static void print_lines(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		print("  | %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void print_receipt(struct json_object *receipt)
{
	time_t when = (time_t)strtoll(member(receipt, "time"), NULL, 10);
	struct json_object *checks = NULL;
	struct tm tm;
	char at[32] = "";

	if (gmtime_r(&when, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S UTC", &tm);
	print("service %s asked device %s", member(receipt, "service"), member(receipt, "device"));
	print_lines(member(receipt, "text"));
	print("outcome: %s, at %s, request %s", member(receipt, "outcome"), at,
	      member(receipt, "request"));
	print("trusted: %s", flag(receipt, "trusted") ? "yes" : "NO");
	if (json_object_object_get_ex(receipt, "checks", &checks))
		print_checks(checks);
}
