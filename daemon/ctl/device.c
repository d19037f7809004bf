// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "ctl.h"

static const char *word(struct json_object *device)
{
	if (*member(device, "revoked"))
		return "REVOKED";
	if (!flag(device, "connected"))
		return "not connected";
	return flag(device, "trusted") ? "connected, trusted" : "connected, NOT trusted";
}

static void print_list(struct json_object *reply)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(reply, "devices", &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		print("%s  %s", member(d, "id"), word(d));
	}
}

static void print_one(struct json_object *reply)
{
	struct json_object *d = NULL, *checks = NULL;

	json_object_object_get_ex(reply, "device", &d);
	print("device %s: %s", member(d, "id"), word(d));
	if (*member(d, "revoked"))
		print("revoked: %s", member(d, "revoked"));
	if (*member(d, "kernel"))
		print("kernel %s", member(d, "kernel"));
	if (*member(d, "last_error"))
		print("last refused because: %s", member(d, "last_error"));
	if (strcmp(member(d, "pin_failures"), "0"))
		print("PINs in a row that were not right: %s", member(d, "pin_failures"));
	if (json_object_object_get_ex(d, "checks", &checks))
		print_checks(checks);
}

static int run(const struct ctl *ctl, const char *verb, const char *id, const char *by,
	       void (*show)(struct json_object *))
{
	struct json_object *request = json_object_new_object();

	tconn_json_add_string(request, "do", verb);
	if (id)
		tconn_json_add_string(request, "id", id);
	if (by)
		tconn_json_add_string(request, "by", by);
	return call_and_show(ctl, request, show);
}

int command_device(const struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "add") == 0 && argc == 3)
		return run(ctl, "device-add", argv[2], NULL, NULL);
	if (strcmp(what, "list") == 0 && argc == 2)
		return run(ctl, "device-list", NULL, NULL, print_list);
	if (strcmp(what, "attest") == 0 && argc == 3)
		return run(ctl, "device-attest", argv[2], NULL, print_one);
	if (strcmp(what, "show") == 0 && argc == 3)
		return run(ctl, "device-show", argv[2], NULL, print_one);
	if (strcmp(what, "pin-reset") == 0 && argc == 3)
		return run(ctl, "device-pin-reset", argv[2], NULL, NULL);
	if (strcmp(what, "rekey") == 0 && argc == 3)
		return run(ctl, "device-rekey", argv[2], NULL, NULL);
	if (strcmp(what, "replace") == 0 && argc == 4)
		return run(ctl, "device-replace", argv[2], argv[3], NULL);
	return usage("device add ID, device list, device show, attest, pin-reset or rekey ID, "
		     "or device replace ID NEW_ID");
}
