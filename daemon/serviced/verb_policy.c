// SPDX-License-Identifier: Apache-2.0
/* What devices are measured against, by name and digest. */
#include "verb.h"

#include <json-c/json.h>

#include "../lib/digest.h"
#include "../lib/jsonline.h"
#include "../lib/refset.h"

static struct json_object *reference_json(const struct tconn_refset_entry *e)
{
	struct json_object *obj = json_object_new_object();
	char hex[65];

	tconn_hex(e->digest, 32, hex);
	tconn_json_add_string(obj, "name", e->name);
	tconn_json_add_string(obj, "kernel", e->kernel);
	tconn_json_add_string(obj, "digest", hex);
	tconn_json_add(obj, "signed", json_object_new_boolean(e->is_signed));
	tconn_json_add(obj, "withdrawn", json_object_new_boolean(e->withdrawn));
	return obj;
}

static struct json_object *file_json(const char *what, const uint8_t digest[32])
{
	struct json_object *obj = json_object_new_object();
	char hex[65];

	tconn_hex(digest, 32, hex);
	tconn_json_add_string(obj, "name", what);
	tconn_json_add_string(obj, "digest", hex);
	return obj;
}

int verb_policy_list(struct server *s, struct json_object *request, struct json_object *reply,
		     struct tconn_error *err)
{
	struct json_object *list = json_object_new_array(), *files = json_object_new_array();
	struct rules *rules = rules_get(s);
	struct tconn_refset_entry e;

	(void)request;
	(void)err;
	for (size_t i = 0; tconn_refset_entry(rules->refset, i, &e); i++)
		json_object_array_add(list, reference_json(&e));
	json_object_array_add(files, file_json("trust", rules->trust_digest));
	if (s->settings->items)
		json_object_array_add(files, file_json("item_policy", rules->item_digest));
	tconn_json_add(reply, "reference_values", list);
	tconn_json_add(reply, "policies", files);
	tconn_json_add(reply, "since", json_object_new_int64(rules->time));
	rules_put(rules);
	return 0;
}
