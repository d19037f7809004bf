// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "errand.h"

int verb_device_add(struct server *s, struct json_object *request, struct json_object *reply,
		      struct tconn_error *err)
{
	const char *id;
	int r = verb_need_id(request, &id, err);

	(void)reply;
	if (r == 0)
		r = store_add_device(s->store, id, err);
	if (r == 0)
		tconn_say("device %s: enrolled by the operator", id);
	return r;
}

/* The books know of those that are at other nodes. */
static void add_connected(struct server *s, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *device = json_object_array_get_idx(list, i);
		const char *id = "";

		tconn_json_string(device, "id", &id, NULL);
		if (server_is_connected(s, id))
			tconn_json_add(device, "connected", json_object_new_boolean(true));
	}
}

int verb_device_list(struct server *s, struct json_object *request, struct json_object *reply,
		       struct tconn_error *err)
{
	struct json_object *list;
	int r = store_list_devices(s->store, NULL, &list, err);

	(void)request;
	if (r < 0)
		return r;
	add_connected(s, list);
	tconn_json_add(reply, "devices", list);
	return 0;
}

int verb_device_show(struct server *s, struct json_object *request, struct json_object *reply,
		       struct tconn_error *err)
{
	struct json_object *list;
	const char *id;
	int r = verb_need_id(request, &id, err);

	if (r == 0)
		r = store_list_devices(s->store, id, &list, err);
	if (r < 0)
		return r;
	add_connected(s, list);
	if (json_object_array_length(list) == 0)
		r = tconn_fail(err, -ENOENT, "device %s is not enrolled", id);
	else
		tconn_json_add(reply, "device",
			       json_object_get(json_object_array_get_idx(list, 0)));
	json_object_put(list);
	return r;
}

/* Asks for an attestation now, and waits for its outcome. */
int verb_device_attest(struct server *s, struct json_object *request, struct json_object *reply,
			 struct tconn_error *err)
{
	struct question *q;
	const char *id;
	int r = verb_need_id(request, &id, err);

	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r < 0)
		return r;
	q = calloc(1, sizeof(*q));
	if (!q)
		return tconn_fail(err, -ENOMEM, "out of memory");
	q->attest = true;
	strcpy(q->device, id);
	errand_ask(s, q);
	r = q->code;
	*err = q->error;
	free(q);
	return r < 0 ? r : verb_device_show(s, request, reply, err);
}

/* A device that is there is changed, and the operator's doing is told. */
static int change(struct server *s, struct json_object *request,
		  int (*how)(struct store *store, const char *id, struct tconn_error *err),
		  const char *what, struct tconn_error *err)
{
	const char *id;
	int r = verb_need_id(request, &id, err);

	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r == 0)
		r = how(s->store, id, err);
	if (r == 0)
		tconn_say("device %s: %s the operator", id, what);
	return r;
}

/* Whose PIN it is was shown otherwise, or the sink was out of order. */
int verb_device_pin_reset(struct server *s, struct json_object *request,
			    struct json_object *reply, struct tconn_error *err)
{
	(void)reply;
	return change(s, request, store_reset_pin, "count of PINs reset by", err);
}

/* Its TPM was cleared: same EK, same id, another AK. */
int verb_device_rekey(struct server *s, struct json_object *request, struct json_object *reply,
		      struct tconn_error *err)
{
	(void)reply;
	return change(s, request, store_forget_ak, "may come with a new AK, by", err);
}

/* Its TPM was replaced: another EK, another id. */
int verb_device_replace(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	const char *id, *by;
	int r = verb_need_id(request, &id, err);

	(void)reply;
	if (r == 0 && !tconn_json_string(request, "by", &by, NULL))
		r = tconn_fail(err, -EPROTO, "\"by\" must be a device id");
	if (r == 0)
		r = store_replace_device(s->store, id, by, err);
	if (r == 0)
		tconn_say("device %s: replaced by %s, by the operator", id, by);
	return r;
}
