// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "../lib/label.h"
#include "ctl.h"

#define REPLY_MS 360000

/* A path that the service can open, wherever it runs. */
static bool add_path(struct json_object *request, const char *key, const char *path)
{
	char whole[PATH_MAX];

	if (!realpath(path, whole))
		return false;
	tconn_json_add_string(request, key, whole);
	return true;
}

static int tell(const struct ctl *ctl, struct json_object *reply)
{
	unsigned long long code = 0;
	const char *fault;

	if (ctl->json)
		print_json(reply);
	if (flag(reply, "ok")) {
		if (!ctl->json)
			print("taken");
		return CTL_OK;
	}
	tconn_json_uint(reply, "code", 4095, &code);
	fault = tconn_label_fault(-(int)code);
	if (!strcmp(fault, "failed"))
		return reply_code(ctl, reply);
	if (!ctl->json)
		fprintf(stderr, "tconnctl: refused (%s): %s\n", fault, member(reply, "error"));
	return CTL_REFUSED;
}

int command_item(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = { { "device", required_argument, NULL, 'd' }, { 0 } };
	struct json_object *request, *reply = NULL;
	const char *device = NULL;
	int o, r;

	if (argc < 2 || strcmp(argv[1], "send"))
		return usage("item send");
	while ((o = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1) {
		if (o != 'd')
			return usage("bad option of item send");
		device = optarg;
	}
	if (!device || argc - 1 - optind != 2)
		return usage("item send --device ID LABEL FILE");
	request = json_object_new_object();
	tconn_json_add_string(request, "do", "item-send");
	tconn_json_add_string(request, "id", device);
	if (!add_path(request, "label", argv[1 + optind]) ||
	    !add_path(request, "data", argv[2 + optind])) {
		json_object_put(request);
		return usage("item send: no such file");
	}
	r = call(ctl, ctl->socket ? ctl->socket : SOCKET_SERVICED, request, REPLY_MS, &reply);
	if (r == 0)
		r = tell(ctl, reply);
	json_object_put(reply);
	return r;
}
