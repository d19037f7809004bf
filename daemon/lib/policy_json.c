// SPDX-License-Identifier: Apache-2.0
#include "policy_json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "file.h"

int tconn_policy_text(struct json_object *v, char *ret, size_t size, struct tconn_error *err)
{
	const char *text = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;

	if (!text || !*text || (size_t)json_object_get_string_len(v) != strlen(text) ||
	    strlen(text) >= size)
		return tconn_fail(err, -EINVAL, "is no text of 1 to %zu bytes", size - 1);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int tconn_policy_uint(struct json_object *v, uint32_t max, uint32_t *ret, struct tconn_error *err)
{
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0 || n > max)
		return tconn_fail(err, -EINVAL, "is no number from 0 to %u", max);
	*ret = (uint32_t)n;
	return 0;
}

int tconn_policy_bool(struct json_object *v, bool *ret, struct tconn_error *err)
{
	if (!json_object_is_type(v, json_type_boolean))
		return tconn_fail(err, -EINVAL, "is neither true nor false");
	*ret = json_object_get_boolean(v);
	return 0;
}

static int read_digest(struct json_object *v, uint8_t ret[32], struct tconn_error *err)
{
	char hex[65];
	int r = tconn_policy_text(v, hex, sizeof(hex), err);

	if (!r && !tconn_unhex(hex, strlen(hex), ret, 32))
		return tconn_fail(err, -EINVAL, "is no SHA-256 in hex");
	return r;
}

static int list_length(struct json_object *v, size_t *ret, struct tconn_error *err)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;

	if (!n || n > TCONN_POLICY_LIST_MAX)
		return tconn_fail(err, -EINVAL, "is no list of 1 to %d", TCONN_POLICY_LIST_MAX);
	*ret = n;
	return 0;
}

int tconn_policy_texts(struct json_object *v, char (*ret)[64], size_t *ret_count,
		       struct tconn_error *err)
{
	int r = list_length(v, ret_count, err);

	for (size_t i = 0; !r && i < *ret_count; i++)
		r = tconn_policy_text(json_object_array_get_idx(v, i), ret[i], sizeof(ret[i]), err);
	return r;
}

int tconn_policy_digests(struct json_object *v, uint8_t (*ret)[32], size_t *ret_count,
			 struct tconn_error *err)
{
	int r = list_length(v, ret_count, err);

	for (size_t i = 0; !r && i < *ret_count; i++)
		r = read_digest(json_object_array_get_idx(v, i), ret[i], err);
	return r;
}

bool tconn_policy_matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len >= 4 && !strcmp(pattern + len - 4, "/..."))
		return !strncmp(pattern, name, len - 3) && name[len - 3];
	return !strcmp(pattern, name);
}

bool tconn_policy_listed(const char (*list)[64], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (tconn_policy_matches(list[i], name))
			return true;
	return false;
}

static int read_object(const struct tconn_policy_shape *shape, struct json_object *obj, void *policy,
		       size_t index, struct tconn_error *err)
{
	if (!json_object_is_type(obj, json_type_object))
		return tconn_fail(err, -EINVAL, "is no object");
	json_object_object_foreach(obj, key, value) {
		int r = shape->member(policy, index, key, value, err);

		if (r)
			return tconn_fail_in(err, r, key);
	}
	return shape->check(policy, index, err);
}

static int read_list(const struct tconn_policy_shape *shape, struct json_object *list, void *policy,
		     size_t *ret_count, struct tconn_error *err)
{
	size_t count;
	char where[32];

	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) > shape->max)
		return tconn_fail(err, -EINVAL, "%s: no list of at most %zu", shape->list, shape->max);
	count = json_object_array_length(list);
	for (size_t i = 0; i < count; i++) {
		int r = read_object(shape, json_object_array_get_idx(list, i), policy, i, err);

		snprintf(where, sizeof(where), "%s %zu", shape->one, i + 1);
		if (r)
			return tconn_fail_in(err, r, where);
	}
	*ret_count = count;
	return 0;
}

static int read_policy(const struct tconn_policy_shape *shape, struct json_object *obj, void *policy,
		       size_t *ret_count, struct tconn_error *err)
{
	struct json_object *version, *list;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, shape->name, &version) ||
	    !json_object_is_type(version, json_type_int) || json_object_get_int(version) != 1)
		return tconn_fail(err, -EINVAL, "no \"%s\": 1", shape->name);
	json_object_object_foreach(obj, key, value) {
		(void)value;
		if (strcmp(key, shape->name) && strcmp(key, shape->list))
			return tconn_fail(err, -EINVAL, "%.64s is not a known key", key);
	}
	if (!json_object_object_get_ex(obj, shape->list, &list))
		return tconn_fail(err, -EINVAL, "%s are missing", shape->list);
	return read_list(shape, list, policy, ret_count, err);
}

int tconn_policy_parse(const struct tconn_policy_shape *shape, const char *json, size_t len,
		       void *policy, size_t *ret_count, struct tconn_error *err)
{
	struct json_tokener *tok;
	struct json_object *obj;
	int r;

	if (len > TCONN_POLICY_MAX)
		return tconn_fail(err, -EMSGSIZE, "over the limit of %d bytes", TCONN_POLICY_MAX);
	tok = json_tokener_new_ex(8);
	if (!tok)
		return tconn_fail(err, -ENOMEM, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	obj = json_tokener_parse_ex(tok, json, (int)len);
	if (!obj || json_tokener_get_parse_end(tok) != len)
		r = tconn_fail(err, -EINVAL, "not JSON: %s",
			       json_tokener_error_desc(json_tokener_get_error(tok)));
	else
		r = read_policy(shape, obj, policy, ret_count, err);
	json_object_put(obj);
	json_tokener_free(tok);
	return r;
}

int tconn_policy_read(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	int r = tconn_file_read(path, TCONN_POLICY_MAX, ret, err);

	while (!r && ret->len && memchr(" \t\r\n", ret->data[ret->len - 1], 4))
		ret->len--;
	return r;
}
