// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tconn_strings_free(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

void tconn_config_free(const struct tconn_setting *settings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (settings[i].type == TCONN_SETTING_STRING) {
			free(*(char **)settings[i].value);
			*(char **)settings[i].value = NULL;
		} else if (settings[i].type == TCONN_SETTING_STRINGS) {
			tconn_strings_free(*(char ***)settings[i].value);
			*(char ***)settings[i].value = NULL;
		}
	}
}

static int read_file(const char *path, char *buf, size_t size, size_t *ret_len,
		     struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	len = fread(buf, 1, size, f);
	if (ferror(f)) {
		fclose(f);
		return tconn_fail(err, -EIO, "%s: cannot be read", path);
	}
	fclose(f);
	if (len == size)
		return tconn_fail(err, -EFBIG, "%s: over %zu bytes", path, size - 1);
	*ret_len = len;
	return 0;
}

static int parse(const char *path, const char *text, size_t len, struct json_object **ret,
		 struct tconn_error *err)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *obj;
	enum json_tokener_error e;
	size_t end;

	if (!tok)
		return tconn_fail(err, -ENOMEM, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
			       JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	e = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (e != json_tokener_success || end != len ||
	    !json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		return tconn_fail(err, -EINVAL, "%s: byte %zu: not one JSON object: %s", path, end,
				  e == json_tokener_success ? "something else is there"
							    : json_tokener_error_desc(e));
	}
	*ret = obj;
	return 0;
}

static int take_string(const char *path, const char *key, struct json_object *v, char **ret,
		       struct tconn_error *err)
{
	const char *s = json_object_get_string(v);
	char *copy;

	if (!json_object_is_type(v, json_type_string) || !*s ||
	    strlen(s) != (size_t)json_object_get_string_len(v))
		return tconn_fail(err, -EINVAL, "%s: \"%s\" must be a non-empty string", path, key);
	copy = strdup(s);
	if (!copy)
		return tconn_fail(err, -ENOMEM, "out of memory");
	*ret = copy;
	return 0;
}

static int set_string(const char *path, const struct tconn_setting *s, struct json_object *v,
		      struct tconn_error *err)
{
	char *copy;
	int r = take_string(path, s->key, v, &copy, err);

	if (r < 0)
		return r;
	free(*(char **)s->value);
	*(char **)s->value = copy;
	return 0;
}

static int set_strings(const char *path, const struct tconn_setting *s, struct json_object *v,
		       struct tconn_error *err)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : SIZE_MAX;
	char **list;

	if (n > TCONN_CONFIG_STRINGS)
		return tconn_fail(err, -EINVAL, "%s: \"%s\" must be an array of at most %d strings",
				  path, s->key, TCONN_CONFIG_STRINGS);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return tconn_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int r = take_string(path, s->key, json_object_array_get_idx(v, i), &list[i], err);

		if (r < 0) {
			tconn_strings_free(list);
			return r;
		}
	}
	tconn_strings_free(*(char ***)s->value);
	*(char ***)s->value = list;
	return 0;
}

static int set_uint(const char *path, const struct tconn_setting *s, struct json_object *v,
		    struct tconn_error *err)
{
	int64_t n = json_object_get_int64(v);

	if (!json_object_is_type(v, json_type_int) || n < s->min || n > s->max)
		return tconn_fail(err, -EINVAL, "%s: \"%s\" must be a whole number from %u to %u",
				  path, s->key, s->min, s->max);
	*(uint32_t *)s->value = (uint32_t)n;
	return 0;
}

static int set_bool(const char *path, const struct tconn_setting *s, struct json_object *v,
		    struct tconn_error *err)
{
	if (!json_object_is_type(v, json_type_boolean))
		return tconn_fail(err, -EINVAL, "%s: \"%s\" must be true or false", path, s->key);
	*(bool *)s->value = json_object_get_boolean(v);
	return 0;
}

static int set(const char *path, const struct tconn_setting *s, struct json_object *v,
	       struct tconn_error *err)
{
	switch (s->type) {
	case TCONN_SETTING_STRING:
		return set_string(path, s, v, err);
	case TCONN_SETTING_STRINGS:
		return set_strings(path, s, v, err);
	case TCONN_SETTING_UINT:
		return set_uint(path, s, v, err);
	case TCONN_SETTING_BOOL:
		return set_bool(path, s, v, err);
	}
	return tconn_fail(err, -EINVAL, "%s: \"%s\": unknown type", path, s->key);
}

static const struct tconn_setting *find(const struct tconn_setting *settings, size_t count,
					const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

static int apply(const char *path, const struct tconn_setting *settings, size_t count,
		 struct json_object *obj, struct tconn_error *err)
{
	json_object_object_foreach(obj, key, value) {
		const struct tconn_setting *s = find(settings, count, key);
		int r = s ? set(path, s, value, err)
			  : tconn_fail(err, -EINVAL, "%s: unknown key \"%s\"", path, key);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++)
		if (settings[i].required && !json_object_object_get_ex(obj, settings[i].key, NULL))
			return tconn_fail(err, -EINVAL, "%s: \"%s\" is missing", path,
					  settings[i].key);
	return 0;
}

int tconn_config_load(const char *path, const struct tconn_setting *settings, size_t count,
		      struct tconn_error *err)
{
	struct json_object *obj = NULL;
	size_t len = 0;
	char *text = malloc(TCONN_CONFIG_MAX + 1);
	int r;

	if (!text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = read_file(path, text, TCONN_CONFIG_MAX + 1, &len, err);
	if (r == 0)
		r = parse(path, text, len, &obj, err);
	if (r == 0)
		r = apply(path, settings, count, obj, err);
	json_object_put(obj);
	free(text);
	return r;
}
