// SPDX-License-Identifier: Apache-2.0
#include "label_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "policy_json.h"

#define RATE_MAX	1000000

static int read_member(void *policy, size_t index, const char *key, struct json_object *v,
		       struct tconn_error *err)
{
	struct tconn_label_client *c = &((struct tconn_label_policy *)policy)->client[index];

	if (!strcmp(key, "executable"))
		return tconn_policy_text(v, c->executable, sizeof(c->executable), err);
	if (!strcmp(key, "digest"))
		return tconn_policy_digests(v, c->digest, &c->digest_count, err);
	if (!strcmp(key, "uid")) {
		c->has_uid = true;
		return tconn_policy_uint(v, UINT32_MAX - 1, &c->uid, err);
	}
	if (!strcmp(key, "cgroup"))
		return tconn_policy_text(v, c->cgroup, sizeof(c->cgroup), err);
	if (!strcmp(key, "sources"))
		return tconn_policy_texts(v, c->source, &c->source_count, err);
	if (!strcmp(key, "content_types"))
		return tconn_policy_texts(v, c->type, &c->type_count, err);
	if (!strcmp(key, "items_per_second"))
		return tconn_policy_uint(v, RATE_MAX, &c->per_second, err);
	if (!strcmp(key, "burst"))
		return tconn_policy_uint(v, RATE_MAX, &c->burst, err);
	return tconn_fail(err, -EINVAL, "is not a known key");
}

static int check_client(const void *policy, size_t index, struct tconn_error *err)
{
	const struct tconn_label_client *c = &((const struct tconn_label_policy *)policy)->client[index];

	if (c->executable[0] != '/' || !c->digest_count || !c->source_count || !c->per_second ||
	    !c->burst)
		return tconn_fail(err, -EINVAL, "executable (a path), digest, sources, items_per_second "
				  "and burst are needed");
	return 0;
}

int tconn_label_policy_parse(const char *json, size_t len, struct tconn_label_policy *ret,
			     struct tconn_error *err)
{
	static const struct tconn_policy_shape shape = {
		.name = "tconn-label-policy", .list = "clients", .one = "client",
		.max = TCONN_LABEL_CLIENTS_MAX, .member = read_member, .check = check_client,
	};
	struct tconn_label_policy *p = calloc(1, sizeof(*p));
	int r = p ? tconn_policy_parse(&shape, json, len, p, &p->count, err) :
		tconn_fail(err, -ENOMEM, "out of memory");

	if (!r)
		*ret = *p;
	free(p);
	return r ? tconn_fail_in(err, r, "label policy") : 0;
}

int tconn_label_policy_load(const char *path, struct tconn_label_policy *ret,
			    struct tconn_error *err)
{
	struct tconn_bytes text = { 0 };
	int r = tconn_policy_read(path, &text, err);

	if (r)
		return r;
	r = tconn_label_policy_parse((const char *)text.data, text.len, ret, err);
	tconn_bytes_free(&text);
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

int tconn_label_policy_allows(const struct tconn_label_client *c, const char *source,
			      const char *content_type, struct tconn_error *err)
{
	if (!tconn_policy_listed(c->source, c->source_count, source))
		return tconn_fail(err, -EPERM, "%.100s may not speak for source %s", c->executable,
				  source);
	if (c->type_count && !tconn_policy_listed(c->type, c->type_count, content_type))
		return tconn_fail(err, -EPERM, "%.100s may not label content of type %s", c->executable,
				  content_type);
	return 0;
}
