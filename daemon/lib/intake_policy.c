// SPDX-License-Identifier: Apache-2.0
#include "intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_json.h"

#define AGE_MAX_S	(10u * 366 * 86400)
#define ITEMS_MAX	1000000u
#define MIB_MAX		(1u << 24)

/* No limit of 0: a source of which nothing is kept is left out. */
static int read_limit(struct json_object *v, uint32_t max, uint32_t *ret, struct tconn_error *err)
{
	int r = tconn_policy_uint(v, max, ret, err);

	return r || *ret ? r : tconn_fail(err, -EINVAL, "is 0");
}

static int read_member(void *policy, size_t index, const char *key, struct json_object *v,
		       struct tconn_error *err)
{
	struct tconn_intake_rule *r = &((struct tconn_intake_policy *)policy)->rule[index];

	if (!strcmp(key, "source"))
		return tconn_policy_text(v, r->source, sizeof(r->source), err);
	if (!strcmp(key, "content_types"))
		return tconn_policy_texts(v, r->type, &r->type_count, err);
	if (!strcmp(key, "programs"))
		return tconn_policy_digests(v, r->program, &r->program_count, err);
	if (!strcmp(key, "max_age_s"))
		return tconn_policy_uint(v, AGE_MAX_S, &r->max_age_s, err);
	if (!strcmp(key, "synchronised"))
		return tconn_policy_bool(v, &r->synchronised, err);
	if (!strcmp(key, "environment"))
		return tconn_policy_bool(v, &r->environment, err);
	if (!strcmp(key, "appraised"))
		return tconn_policy_bool(v, &r->appraised, err);
	if (!strcmp(key, "complete"))
		return tconn_policy_bool(v, &r->complete, err);
	if (!strcmp(key, "max_items"))
		return read_limit(v, ITEMS_MAX, &r->max_items, err);
	if (!strcmp(key, "max_mib"))
		return read_limit(v, MIB_MAX, &r->max_mib, err);
	return tconn_fail(err, -EINVAL, "is not a known key");
}

static int check_rule(const void *policy, size_t index, struct tconn_error *err)
{
	const struct tconn_intake_policy *p = policy;

	return *p->rule[index].source ? 0 : tconn_fail(err, -EINVAL, "source is missing");
}

static void add_defaults(struct tconn_intake_policy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (!p->rule[i].max_items)
			p->rule[i].max_items = TCONN_INTAKE_ITEMS;
		if (!p->rule[i].max_mib)
			p->rule[i].max_mib = TCONN_INTAKE_MIB;
	}
}

int tconn_intake_policy_parse(const char *json, size_t len, struct tconn_intake_policy *ret,
			      struct tconn_error *err)
{
	static const struct tconn_policy_shape shape = {
		.name = "tconn-item-policy", .list = "sources", .one = "source",
		.max = TCONN_INTAKE_RULES_MAX, .member = read_member, .check = check_rule,
	};
	struct tconn_intake_policy *p = calloc(1, sizeof(*p));
	int r = p ? tconn_policy_parse(&shape, json, len, p, &p->count, err) :
		tconn_fail(err, -ENOMEM, "out of memory");

	if (!r) {
		add_defaults(p);
		*ret = *p;
	}
	free(p);
	return r ? tconn_fail_in(err, r, "item policy") : 0;
}

int tconn_intake_policy_load(const char *path, struct tconn_intake_policy *ret,
			     struct tconn_error *err)
{
	struct tconn_bytes text = { 0 };
	int r = tconn_policy_read(path, &text, err);

	if (r)
		return r;
	r = tconn_intake_policy_parse((const char *)text.data, text.len, ret, err);
	tconn_bytes_free(&text);
	return r ? tconn_fail_in(err, r, path) : 0;
}
