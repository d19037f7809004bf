// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "../lib/jsonline.h"
#include "errand.h"

/* Before anything is sent. A PIN that comes all the same is counted again then. */
static int may_ask(struct server *s, const struct question *q, struct tconn_error *err)
{
	int r = store_find_device(s->store, q->device, err);

	if (r == 0 && q->kind == TCONN_KIND_PIN)
		r = store_check_pin(s->store, q->device, s->settings->pin_attempts, err);
	return r;
}

struct json_object *verb_request(struct server *s, struct json_object *request)
{
	struct question *q = calloc(1, sizeof(*q));
	struct tconn_error err = { "" };
	const char *statement = NULL;
	struct json_object *reply;
	int r = q ? question_parse(request, q, &statement, &err)
		  : tconn_fail(&err, -ENOMEM, "out of memory");

	if (r == 0)
		r = may_ask(s, q, &err);
	if (r < 0) {
		reply = tconn_jsonline_error(r, &err);
		if (statement)
			tconn_json_add_string(reply, "statement", statement);
	} else {
		errand_ask(s, q);
		reply = question_reply(q);
	}
	free(q);
	return reply;
}
