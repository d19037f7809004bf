// SPDX-License-Identifier: Apache-2.0
#include "label_policy.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define RATE_MAX	1000000

static int read_text(struct json_object *v, char *ret, size_t size, struct tconn_error *err)
{
	const char *text = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;

	if (!text || !*text || (size_t)json_object_get_string_len(v) != strlen(text) ||
	    strlen(text) >= size)
		return tconn_fail(err, -EINVAL, "is no text of 1 to %zu bytes", size - 1);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int read_uint(struct json_object *v, uint32_t max, uint32_t *ret, struct tconn_error *err)
{
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0 || n > max)
		return tconn_fail(err, -EINVAL, "is no number from 0 to %u", max);
	*ret = (uint32_t)n;
	return 0;
}

static int read_digest(struct json_object *v, uint8_t ret[32], struct tconn_error *err)
{
	char hex[65];
	int r = read_text(v, hex, sizeof(hex), err);

	if (!r && !tconn_unhex(hex, strlen(hex), ret, 32))
		return tconn_fail(err, -EINVAL, "is no SHA-256 in hex");
	return r;
}

static int list_length(struct json_object *v, size_t *ret, struct tconn_error *err)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;

	if (!n || n > TCONN_LABEL_LIST_MAX)
		return tconn_fail(err, -EINVAL, "is no list of 1 to %d", TCONN_LABEL_LIST_MAX);
	*ret = n;
	return 0;
}

static int read_texts(struct json_object *v, char (*ret)[64], size_t *ret_count,
		      struct tconn_error *err)
{
	int r = list_length(v, ret_count, err);

	for (size_t i = 0; !r && i < *ret_count; i++)
		r = read_text(json_object_array_get_idx(v, i), ret[i], sizeof(ret[i]), err);
	return r;
}

static int read_digests(struct json_object *v, struct tconn_label_client *c, struct tconn_error *err)
{
	int r = list_length(v, &c->digest_count, err);

	for (size_t i = 0; !r && i < c->digest_count; i++)
		r = read_digest(json_object_array_get_idx(v, i), c->digest[i], err);
	return r;
}

static int read_member(const char *key, struct json_object *v, struct tconn_label_client *c,
		       struct tconn_error *err)
{
	if (!strcmp(key, "executable"))
		return read_text(v, c->executable, sizeof(c->executable), err);
	if (!strcmp(key, "digest"))
		return read_digests(v, c, err);
	if (!strcmp(key, "uid")) {
		c->has_uid = true;
		return read_uint(v, UINT32_MAX - 1, &c->uid, err);
	}
	if (!strcmp(key, "cgroup"))
		return read_text(v, c->cgroup, sizeof(c->cgroup), err);
	if (!strcmp(key, "sources"))
		return read_texts(v, c->source, &c->source_count, err);
	if (!strcmp(key, "content_types"))
		return read_texts(v, c->type, &c->type_count, err);
	if (!strcmp(key, "items_per_second"))
		return read_uint(v, RATE_MAX, &c->per_second, err);
	if (!strcmp(key, "burst"))
		return read_uint(v, RATE_MAX, &c->burst, err);
	return tconn_fail(err, -EINVAL, "is not a known key");
}

static int read_client(struct json_object *obj, struct tconn_label_client *c,
		       struct tconn_error *err)
{
	if (!json_object_is_type(obj, json_type_object))
		return tconn_fail(err, -EINVAL, "is no object");
	json_object_object_foreach(obj, key, value) {
		int r = read_member(key, value, c, err);

		if (r)
			return tconn_fail_in(err, r, key);
	}
	if (c->executable[0] != '/' || !c->digest_count || !c->source_count || !c->per_second ||
	    !c->burst)
		return tconn_fail(err, -EINVAL, "executable (a path), digest, sources, items_per_second "
				  "and burst are needed");
	return 0;
}

static int read_clients(struct json_object *list, struct tconn_label_policy *p,
			struct tconn_error *err)
{
	char where[32];

	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) > TCONN_LABEL_CLIENTS_MAX)
		return tconn_fail(err, -EINVAL, "clients: no list of at most %d",
				  TCONN_LABEL_CLIENTS_MAX);
	p->count = json_object_array_length(list);
	for (size_t i = 0; i < p->count; i++) {
		int r = read_client(json_object_array_get_idx(list, i), &p->client[i], err);

		snprintf(where, sizeof(where), "client %zu", i + 1);
		if (r)
			return tconn_fail_in(err, r, where);
	}
	return 0;
}

static int read_policy(struct json_object *obj, struct tconn_label_policy *p,
		       struct tconn_error *err)
{
	struct json_object *version, *clients;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, "tconn-label-policy", &version) ||
	    !json_object_is_type(version, json_type_int) || json_object_get_int(version) != 1)
		return tconn_fail(err, -EINVAL, "no \"tconn-label-policy\": 1");
	json_object_object_foreach(obj, key, value) {
		(void)value;
		if (strcmp(key, "tconn-label-policy") && strcmp(key, "clients"))
			return tconn_fail(err, -EINVAL, "%.64s is not a known key", key);
	}
	if (!json_object_object_get_ex(obj, "clients", &clients))
		return tconn_fail(err, -EINVAL, "clients are missing");
	return read_clients(clients, p, err);
}

int tconn_label_policy_parse(const char *json, size_t len, struct tconn_label_policy *ret,
			     struct tconn_error *err)
{
	struct tconn_label_policy *p = calloc(1, sizeof(*p));
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *obj = NULL;
	int r;

	if (!p || !tok) {
		r = tconn_fail(err, -ENOMEM, "out of memory");
	} else if (len > TCONN_LABEL_POLICY_MAX) {
		r = tconn_fail(err, -EMSGSIZE, "over the limit of %d bytes", TCONN_LABEL_POLICY_MAX);
	} else {
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
		obj = json_tokener_parse_ex(tok, json, (int)len);
		if (!obj || json_tokener_get_parse_end(tok) != len)
			r = tconn_fail(err, -EINVAL, "not JSON: %s",
				       json_tokener_error_desc(json_tokener_get_error(tok)));
		else
			r = read_policy(obj, p, err);
	}
	if (!r)
		*ret = *p;
	json_object_put(obj);
	if (tok)
		json_tokener_free(tok);
	free(p);
	return r ? tconn_fail_in(err, r, "label policy") : 0;
}

int tconn_label_policy_load(const char *path, struct tconn_label_policy *ret,
			    struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t len;
	int r;

	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	text = malloc(TCONN_LABEL_POLICY_MAX + 2);
	if (!text) {
		fclose(f);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	len = fread(text, 1, TCONN_LABEL_POLICY_MAX + 1, f);
	text[len] = '\0';
	fclose(f);
	/* Blanks at the end are a file's, not the object's. */
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	r = tconn_label_policy_parse(text, len, ret, err);
	free(text);
	return r ? tconn_fail_in(err, r, path) : 0;
}

static bool has_digest(const struct tconn_label_client *c, const uint8_t digest[32])
{
	for (size_t i = 0; i < c->digest_count; i++)
		if (!memcmp(c->digest[i], digest, 32))
			return true;
	return false;
}

int tconn_label_policy_find(const struct tconn_label_policy *p, const struct tconn_label_peer *peer,
			    size_t *ret, struct tconn_error *err)
{
	const char *why = "its executable is on no list";

	for (size_t i = 0; i < p->count; i++) {
		const struct tconn_label_client *c = &p->client[i];

		if (strcmp(c->executable, peer->executable))
			continue;
		if (!has_digest(c, peer->digest))
			why = "its executable's digest is not the listed one";
		else if (c->has_uid && c->uid != peer->uid)
			why = "it runs as another user than the listed one";
		else if (*c->cgroup && strcmp(c->cgroup, peer->cgroup))
			why = "it is in another cgroup than the listed one";
		else {
			*ret = i;
			return 0;
		}
	}
	return tconn_fail(err, -EACCES, "%.100s (process %d): %s", peer->executable, peer->pid, why);
}

static bool matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len >= 4 && !strcmp(pattern + len - 4, "/..."))
		return !strncmp(pattern, name, len - 3) && name[len - 3];
	return !strcmp(pattern, name);
}

static bool listed(const char (*list)[64], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (matches(list[i], name))
			return true;
	return false;
}

int tconn_label_policy_allows(const struct tconn_label_client *c, const char *source,
			      const char *content_type, struct tconn_error *err)
{
	if (!listed(c->source, c->source_count, source))
		return tconn_fail(err, -EPERM, "%.100s may not speak for source %s", c->executable,
				  source);
	if (c->type_count && !listed(c->type, c->type_count, content_type))
		return tconn_fail(err, -EPERM, "%.100s may not label content of type %s", c->executable,
				  content_type);
	return 0;
}
