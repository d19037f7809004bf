// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "ctl.h"

static void print_each(struct json_object *reply, const char *key,
		       void (*one)(struct json_object *))
{
	struct json_object *list = NULL;

	json_object_object_get_ex(reply, key, &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		one(json_object_array_get_idx(list, i));
}

static void print_reference(struct json_object *r)
{
	print("reference values %s  %s  %s%s", member(r, "digest"), member(r, "name"),
	      flag(r, "signed") ? "signed" : "not signed",
	      flag(r, "withdrawn") ? ", WITHDRAWN" : "");
}

static void print_file(struct json_object *f)
{
	print("%s %s", member(f, "name"), member(f, "digest"));
}

static void print_policies(struct json_object *reply)
{
	print_each(reply, "reference_values", print_reference);
	print_each(reply, "policies", print_file);
}

int command_policy(const struct ctl *ctl, int argc, char **argv)
{
	struct json_object *request;

	if (argc != 2 || strcmp(argv[1], "list"))
		return usage("policy list");
	request = json_object_new_object();
	tconn_json_add_string(request, "do", "policy-list");
	return call_and_show(ctl, request, print_policies);
}
