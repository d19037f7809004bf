// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "ctl.h"

/* A minute for the person, and what the TUI needs besides: twice, for where it refuses tconnd's
 * words it shows its own.
 */
#define WAIT_MS	180000

/* The phrase itself is on the device's screen and nowhere else, so not here either. */
int command_phrase(const struct ctl *ctl, int argc, char **argv)
{
	struct json_object *request, *reply;
	bool new = argc == 2 && strcmp(argv[1], "new") == 0;
	int r;

	if (!new && (argc != 2 || strcmp(argv[1], "forget") != 0))
		return usage("phrase new, or phrase forget");
	if (new && !ctl->json)
		print("look at the trusted screen, and confirm there");
	request = json_object_new_object();
	tconn_json_add_string(request, "do", new ? "phrase-new" : "phrase-forget");
	r = call(ctl, ctl->socket ? ctl->socket : SOCKET_TCONND, request, WAIT_MS, &reply);
	if (r)
		return r;
	r = reply_code(ctl, reply);
	if (ctl->json)
		print_json(reply);
	else if (r == CTL_OK)
		print("phrase: %s", member(reply, "phrase"));
	json_object_put(reply);
	return r;
}
