// SPDX-License-Identifier: Apache-2.0
#include "ima_policy.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "ima_signature.h"

#define TEXT_MAX	4096u	/* bytes of a buffer that is matched as text */

enum accept {
	ACCEPT_LISTED,
	ACCEPT_SIGNED,
	ACCEPT_ANY,
};

struct rule {
	char path[TCONN_IMA_GLOB_MAX];
	enum accept accept;
	bool violation;
};

/* Every digest of every name; borrowed from the tables. */
struct listed {
	const char *name;		/* NULL: the slot is free */
	const uint8_t *digest;
	uint64_t hash;
};

struct tconn_ima_policy {
	struct listed *set;		/* open addressing, at most half full */
	size_t mask;			/* slots - 1 */
	struct tconn_digests *digests;	/* under any name */
	size_t rules;
	struct rule *rule;
	struct tconn_ima_keys *keys;
	struct json_object *text;	/* name -> array of globs */
};

/* The tables come from us: nobody gets to choose names that collide. */
static uint64_t hash_of(const char *name, size_t len, const uint8_t digest[32])
{
	uint64_t h, word;

	memcpy(&h, digest, sizeof(h));
	for (; len >= sizeof(word); name += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, name, len);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static bool set_has(const struct tconn_ima_policy *p, const char *name, size_t len,
		    const uint8_t digest[32])
{
	const uint64_t h = hash_of(name, len, digest);

	for (size_t i = h & p->mask; p->set[i].name; i = (i + 1) & p->mask) {
		const struct listed *l = &p->set[i];

		if (l->hash == h && !memcmp(l->digest, digest, 32) &&
		    !strncmp(l->name, name, len) && !l->name[len])
			return true;
	}
	return false;
}

static void set_add(struct tconn_ima_policy *p, const char *name, const uint8_t digest[32])
{
	const uint64_t h = hash_of(name, strlen(name), digest);
	size_t i = h & p->mask;

	while (p->set[i].name)
		i = (i + 1) & p->mask;
	p->set[i] = (struct listed){ name, digest, h };
}

static int compile_set(struct tconn_ima_policy *p, struct lh_table *table, struct tconn_error *err)
{
	size_t count = 0, slots = 16;
	struct lh_entry *e;

	lh_foreach(table, e)
		count += ((const struct tconn_digests *)lh_entry_v(e))->count;
	while (slots < 2 * count)
		slots *= 2;
	p->set = calloc(slots, sizeof(*p->set));
	if (!p->set)
		return tconn_fail(err, -ENOMEM, "out of memory");
	p->mask = slots - 1;
	lh_foreach(table, e) {
		const struct tconn_digests *d = lh_entry_v(e);

		for (size_t i = 0; i < d->count; i++)
			set_add(p, lh_entry_k(e), d->digest[i]);
	}
	return 0;
}

/* A member that may be absent: *ret is NULL then. */
static int member(struct json_object *top, const char *key, enum json_type type,
		  struct json_object **ret, struct tconn_error *err)
{
	*ret = NULL;
	if (!json_object_object_get_ex(top, key, ret))
		return 0;
	if (json_object_get_type(*ret) != type)
		return tconn_fail(err, -EBADMSG, "\"%s\" is no %s", key, json_type_to_name(type));
	return 0;
}

static int take_glob(struct json_object *value, char ret[TCONN_IMA_GLOB_MAX],
		     struct tconn_error *err)
{
	const char *text = json_object_get_string(value);
	size_t len;

	if (json_object_get_type(value) != json_type_string)
		return tconn_fail(err, -EBADMSG, "a pattern is no string");
	len = (size_t)json_object_get_string_len(value);
	if (!len || len >= TCONN_IMA_GLOB_MAX || memchr(text, '\0', len))
		return tconn_fail(err, -EBADMSG, "a pattern is empty or over %d bytes",
				  TCONN_IMA_GLOB_MAX - 1);
	memcpy(ret, text, len + 1);
	return 0;
}

static int take_accept(struct json_object *value, enum accept *ret, struct tconn_error *err)
{
	static const char *const names[] = {
		[ACCEPT_LISTED] = "listed", [ACCEPT_SIGNED] = "signed", [ACCEPT_ANY] = "any",
	};
	const char *name = json_object_get_string(value);

	for (unsigned int i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return tconn_fail(err, -EBADMSG, "\"accept\" is not one of listed, signed and any");
}

static int take_rule(struct json_object *o, struct rule *ret, struct tconn_error *err)
{
	bool path = false, accept = false;
	int r = 0;

	if (json_object_get_type(o) != json_type_object)
		return tconn_fail(err, -EBADMSG, "a rule is no object");
	json_object_object_foreach(o, key, value) {
		if (!strcmp(key, "path")) {
			path = true;
			r = take_glob(value, ret->path, err);
		} else if (!strcmp(key, "accept")) {
			accept = true;
			r = take_accept(value, &ret->accept, err);
		} else if (!strcmp(key, "violation") &&
			   json_object_get_type(value) == json_type_boolean) {
			ret->violation = json_object_get_boolean(value);
		} else {
			r = tconn_fail(err, -EBADMSG, "unknown key or no boolean: \"%.64s\"", key);
		}
		if (r < 0)
			return r;
	}
	return path && accept ? 0 : tconn_fail(err, -EBADMSG, "a rule wants \"path\" and \"accept\"");
}

static int compile_rules(struct tconn_ima_policy *p, struct json_object *top,
			 struct tconn_error *err)
{
	struct json_object *array;
	int r = member(top, "ima_rules", json_type_array, &array, err);
	size_t count = array && r == 0 ? json_object_array_length(array) : 0;

	if (count > TCONN_IMA_RULES_MAX)
		return tconn_fail(err, -EBADMSG, "over %d rules", TCONN_IMA_RULES_MAX);
	if (count)
		p->rule = calloc(count, sizeof(*p->rule));
	if (count && !p->rule)
		return tconn_fail(err, -ENOMEM, "out of memory");
	for (; r == 0 && p->rules < count; p->rules++)
		r = take_rule(json_object_array_get_idx(array, p->rules), &p->rule[p->rules], err);
	return r < 0 ? tconn_fail_in(err, r, "ima_rules") : 0;
}

static int compile_keys(struct tconn_ima_policy *p, struct json_object *top,
			struct tconn_error *err)
{
	struct json_object *array;
	int r = member(top, "ima_keys", json_type_array, &array, err);

	for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
		struct json_object *pem = json_object_array_get_idx(array, i);

		if (json_object_get_type(pem) != json_type_string)
			return tconn_fail(err, -EBADMSG, "ima_keys: a key is no string");
		r = tconn_ima_keys_add(&p->keys, json_object_get_string(pem),
				       (size_t)json_object_get_string_len(pem), err);
	}
	return r < 0 ? tconn_fail_in(err, r, "ima_keys") : 0;
}

/* Checked here, matched as it is. */
static int compile_text(struct tconn_ima_policy *p, struct json_object *top,
			struct tconn_error *err)
{
	struct json_object *names;
	int r = member(top, "ima_text", json_type_object, &names, err);

	if (r < 0 || !names)
		return r;
	json_object_object_foreach(names, name, globs) {
		char glob[TCONN_IMA_GLOB_MAX];

		if (json_object_get_type(globs) != json_type_array)
			return tconn_fail(err, -EBADMSG, "ima_text: \"%.64s\" has no array", name);
		for (size_t i = 0; i < json_object_array_length(globs); i++) {
			r = take_glob(json_object_array_get_idx(globs, i), glob, err);
			if (r < 0)
				return tconn_fail_in(err, r, "ima_text");
		}
	}
	p->text = json_object_get(names);
	return 0;
}

static int compile_digests(struct tconn_ima_policy *p, struct json_object *top,
			   struct tconn_error *err)
{
	struct json_object *array;
	int r = member(top, "ima_digests", json_type_array, &array, err);

	if (r == 0 && array)
		r = tconn_refvals_digests(array, &p->digests, err);
	return r < 0 ? tconn_fail_in(err, r, "ima_digests") : 0;
}

void tconn_ima_policy_free(struct tconn_ima_policy *p)
{
	if (!p)
		return;
	json_object_put(p->text);
	tconn_ima_keys_free(p->keys);
	free(p->digests);
	free(p->rule);
	free(p->set);
	free(p);
}

int tconn_ima_policy_compile(struct json_object *top, const struct tconn_refvals *refvals,
			     struct tconn_ima_policy **ret, struct tconn_error *err)
{
	struct tconn_ima_policy *p = calloc(1, sizeof(*p));
	int r = p ? compile_set(p, refvals->ima, err) : tconn_fail(err, -ENOMEM, "out of memory");

	if (r == 0)
		r = compile_digests(p, top, err);
	if (r == 0)
		r = compile_rules(p, top, err);
	if (r == 0)
		r = compile_keys(p, top, err);
	if (r == 0)
		r = compile_text(p, top, err);
	if (r < 0) {
		tconn_ima_policy_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static int path_len(const struct tconn_ima_event *e)
{
	return e->path_len > 120 ? 120 : (int)e->path_len;
}

/* Goes back to the last star only, so no path makes it slow, as many could fnmatch(3). */
static bool glob_matches(const char *glob, const char *text, size_t len)
{
	const char *const end = text + len;
	const char *star = NULL, *from = NULL;

	while (text < end) {
		if (*glob == '*') {
			star = ++glob;
			from = text;
		} else if (*glob && (*glob == '?' || *glob == *text)) {
			glob++;
			text++;
		} else if (star) {
			glob = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

static const struct rule *find_rule(const struct tconn_ima_policy *p,
				    const struct tconn_ima_event *e)
{
	for (size_t i = 0; i < p->rules; i++) {
		if (glob_matches(p->rule[i].path, e->path, e->path_len))
			return &p->rule[i];
	}
	return NULL;
}

static bool is_sha256(const struct tconn_ima_event *e)
{
	return e->digest_len == 32 && !strcmp(e->digest_alg, "sha256");
}

static bool refuse_unlisted(const struct tconn_digests *others, const struct tconn_ima_event *e,
			    struct tconn_reason *why)
{
	return tconn_refuse(why, others ? "%.*s has another content than listed: sha256 %s" :
			    "%.*s is not on the list: sha256 %s", path_len(e), e->path,
			    tconn_digest_text(e->digest).text);
}

static bool check_signed(const struct tconn_ima_policy *p, const struct tconn_ima_event *e,
			 struct tconn_reason *why)
{
	struct tconn_error err = { "" };

	if (tconn_ima_signature_verify(p->keys, e->digest, e->buf, e->buf_len, &err))
		return tconn_refuse(why, "%.*s %.120s", path_len(e), e->path, err.text);
	return true;
}

static bool check_file(const struct tconn_refvals *r, const struct tconn_ima_event *e,
		       struct tconn_reason *why)
{
	const struct tconn_ima_policy *p = r->policy_ima;
	const struct rule *rule;

	if (set_has(p, e->path, e->path_len, e->digest) ||
	    tconn_digests_have(p->digests, e->digest))
		return true;
	rule = find_rule(p, e);
	if (rule && rule->accept == ACCEPT_ANY) {
		why->warning = true;
		return true;
	}
	if (rule && rule->accept == ACCEPT_SIGNED)
		return check_signed(p, e, why);
	return refuse_unlisted(tconn_refvals_find(r->ima, e->path, e->path_len), e, why);
}

static bool is_text(const uint8_t *data, size_t len)
{
	if (len > TEXT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (data[i] < 0x20 || data[i] > 0x7e)
			return false;
	}
	return true;
}

static bool text_matches(const struct tconn_ima_policy *p, const struct tconn_ima_event *e)
{
	struct json_object *globs;
	uint8_t digest[32];
	bool matches = false;

	/* The parser saw to the terminator of a path. */
	if (!json_object_object_get_ex(p->text, e->path, &globs) || !is_text(e->buf, e->buf_len))
		return false;
	tconn_sha256(e->buf, e->buf_len, digest);
	if (memcmp(digest, e->digest, 32))
		return false;
	for (size_t i = 0; !matches && i < json_object_array_length(globs); i++)
		matches = glob_matches(
			json_object_get_string(json_object_array_get_idx(globs, i)),
			(const char *)e->buf, e->buf_len);
	return matches;
}

static bool check_buffer(const struct tconn_refvals *r, const struct tconn_ima_event *e,
			 struct tconn_reason *why)
{
	const struct tconn_digests *list = tconn_refvals_find(r->ima_buf, e->path, e->path_len);

	if (tconn_digests_have(list, e->digest))
		return true;
	if (r->policy_ima->text && text_matches(r->policy_ima, e))
		return true;
	return refuse_unlisted(list, e, why);
}

static bool check_violation(const struct tconn_refvals *r, const struct tconn_ima_event *e,
			    struct tconn_reason *why)
{
	const struct rule *rule = find_rule(r->policy_ima, e);

	if (rule && rule->violation) {
		why->warning = true;
		return true;
	}
	return tconn_refuse(why, "%.*s was written to while it was measured (violation)",
			    path_len(e), e->path);
}

bool tconn_ima_policy_check(const struct tconn_refvals *r, const struct tconn_ima_event *e,
			    struct tconn_reason *why)
{
	if (e->violation)
		return check_violation(r, e, why);
	if (!is_sha256(e))
		return tconn_refuse(why, "%.*s is measured with %s, not sha256", path_len(e),
				    e->path, e->digest_alg);
	return e->template == TCONN_IMA_BUF ? check_buffer(r, e, why) : check_file(r, e, why);
}
