// SPDX-License-Identifier: Apache-2.0
/* Receipts, and verdicts as others can verify them. */
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/ear.h"
#include "../lib/jsonline.h"
#include "../lib/receipt.h"
#include "../lib/words.h"

int verb_receipt_list(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct json_object *list;
	int r = store_list_receipts(s->store, &list, err);

	(void)request;
	if (r == 0)
		tconn_json_add(reply, "receipts", list);
	return r;
}

int verb_receipt_show(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct tconn_bytes cose = { 0 };
	struct tconn_receipt receipt = { 0 };
	unsigned long long number;
	struct rules *rules;
	int r;

	if (!tconn_json_uint(request, "receipt", INT64_MAX, &number))
		return tconn_fail(err, -EPROTO, "\"receipt\" must be a receipt's number");
	rules = rules_get(s);
	r = store_get_receipt(s->store, number, &cose, err);
	if (r == 0)
		r = tconn_receipt_verify(cose.data, cose.len, rules->archive, &receipt, err);
	if (r == 0)
		r = verb_add_base64(reply, &cose, err);
	if (r == 0)
		tconn_json_add(reply, "receipt", tconn_receipt_json(&receipt));
	rules_put(rules);
	tconn_receipt_free(&receipt);
	tconn_bytes_free(&cose);
	return r;
}

/* The books' word about the last attestation, as a verdict again. */
static void verdict_of(struct json_object *device, struct tconn_verdict *ret)
{
	struct json_object *checks = NULL;

	*ret = (struct tconn_verdict){ .trusted = true };
	json_object_object_get_ex(device, "checks", &checks);
	for (size_t i = 0; checks && i < json_object_array_length(checks); i++) {
		struct json_object *c = json_object_array_get_idx(checks, i), *v;
		const char *name = "", *reason = "";

		tconn_json_string(c, "name", &name, NULL);
		tconn_json_string(c, "reason", &reason, NULL);
		if (json_object_object_get_ex(c, "warning", NULL))
			tconn_verdict_warn(ret, name, "%s", reason);
		else
			tconn_verdict_add(ret, name, json_object_object_get_ex(c, "pass", &v) &&
					  json_object_get_boolean(v), "%s", reason);
	}
}

static int sign_verdict(struct server *s, struct json_object *device, const char *id,
			struct json_object *reply, struct tconn_error *err)
{
	struct tconn_ear *e = calloc(1, sizeof(*e));
	struct tconn_bytes cmw = { 0 };
	struct tconn_credentials *own;
	unsigned long long time;
	int r;

	if (!e)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (!tconn_json_uint(device, "last_seen", INT64_MAX, &time)) {
		free(e);
		return tconn_fail(err, -ENOENT, "device %s has never attested", id);
	}
	e->time = time;
	strcpy(e->device, id);
	strcpy(e->service, s->self.name);
	verdict_of(device, &e->verdict);
	tconn_verdict_grade(&e->verdict, e->part, &e->status);
	own = server_credentials(s);
	r = tconn_ear_sign(e, s->party.tpm, own->data_cert.data, own->data_cert.len, &cmw, err);
	tconn_credentials_put(own);
	if (r == 0)
		r = verb_add_base64(reply, &cmw, err);
	tconn_json_add_string(reply, "status", tconn_tier_name(e->status));
	tconn_json_add(reply, "checks", tconn_json_checks(&e->verdict));
	tconn_bytes_free(&cmw);
	free(e);
	return r;
}

int verb_verdict_show(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct json_object *list;
	const char *id;
	int r = verb_need_id(request, &id, err);

	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r == 0)
		r = store_list_devices(s->store, id, &list, err);
	if (r < 0)
		return r;
	r = sign_verdict(s, json_object_array_get_idx(list, 0), id, reply, err);
	json_object_put(list);
	return r;
}
