// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/base64.h"
#include "../lib/digest.h"
#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "errand.h"

/* Bytes that came with the request. */
static int decode(struct json_object *request, const char *key, size_t max, struct tconn_bytes *ret,
		  struct tconn_error *err)
{
	const char *text;
	int r = -EINVAL;

	if (tconn_json_string(request, key, &text, NULL))
		r = tconn_base64_decode(text, max + 2, ret);
	if (r == -EMSGSIZE)
		return tconn_fail(err, r, "\"%s\": over %zu bytes", key, max);
	return r < 0 ? tconn_fail(err, -EPROTO, "\"%s\" must be base64", key) : 0;
}

static int take_item(struct json_object *request, struct question *q, struct tconn_error *err)
{
	int r = decode(request, "label_bytes", TCONN_ITEM_LABEL_MAX, &q->label, err);

	return r ? r : decode(request, "data_bytes", TCONN_ITEM_MAX, &q->item, err);
}

static void add_digest(struct json_object *obj, const char *key, struct json_object *request,
		       const char *of)
{
	const char *text = "";
	uint8_t digest[32];
	char hex[65];

	tconn_json_string(request, of, &text, NULL);
	tconn_sha256(text, strlen(text), digest);
	tconn_hex(digest, 32, hex);
	tconn_json_add_string(obj, key, hex);
}

struct json_object *verb_item_brief(struct json_object *request)
{
	struct json_object *obj;
	const char *id = "";

	if (!json_object_object_get_ex(request, "label_bytes", NULL) &&
	    !json_object_object_get_ex(request, "data_bytes", NULL))
		return json_object_get(request);
	obj = json_object_new_object();
	tconn_json_string(request, "id", &id, NULL);
	tconn_json_add_string(obj, "id", id);
	add_digest(obj, "label_base64_sha256", request, "label_bytes");
	add_digest(obj, "data_base64_sha256", request, "data_bytes");
	return obj;
}

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
		r = json_object_object_get_ex(request, "label_bytes", NULL) ?
		    take_item(request, q, err) : read_item(request, q, err);
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
