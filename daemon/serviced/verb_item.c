// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "errand.h"

static int read_item(struct json_object *request, struct question *q, struct tconn_error *err)
{
	const char *label, *data;
	int r;

	if (!tconn_json_string(request, "label", &label, NULL) || label[0] != '/' ||
	    !tconn_json_string(request, "data", &data, NULL) || data[0] != '/')
		return tconn_fail(err, -EPROTO, "\"label\" and \"data\" must be whole paths");
	r = tconn_file_read(label, TCONN_ITEM_LABEL_MAX, &q->label, err);
	if (r == 0 && !q->label.len)
		r = tconn_fail(err, -EINVAL, "%s: is empty", label);
	return r ? r : tconn_file_read(data, TCONN_ITEM_MAX, &q->item, err);
}

/* The device checks it; what it found is the answer. */
int verb_item_send(struct server *s, struct json_object *request, struct json_object *reply,
		   struct tconn_error *err)
{
	struct question *q = calloc(1, sizeof(*q));
	const char *id;
	int r = q ? verb_need_id(request, &id, err) : tconn_fail(err, -ENOMEM, "out of memory");

	(void)reply;
	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r == 0)
		r = read_item(request, q, err);
	if (r == 0) {
		strcpy(q->device, id);
		errand_ask(s, q);
		r = q->code;
		*err = q->error;
		tconn_say("device %s: item %s", id, r ? err->text : "taken");
	}
	if (q) {
		tconn_bytes_free(&q->label);
		tconn_bytes_free(&q->item);
	}
	free(q);
	return r;
}
