// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"

int verb_need_id(struct json_object *request, const char **ret, struct tconn_error *err)
{
	if (!tconn_json_string(request, "id", ret, NULL))
		return tconn_fail(err, -EPROTO, "\"id\" must be a device id");
	return 0;
}

int verb_add_base64(struct json_object *reply, const struct tconn_bytes *b,
		      struct tconn_error *err)
{
	unsigned char *text = malloc(b->len / 3 * 4 + 8);

	if (!text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	EVP_EncodeBlock(text, b->data, (int)b->len);
	tconn_json_add_string(reply, "cose", (const char *)text);
	free(text);
	return 0;
}

static const struct {
	const char *name;
	verb_fn *run;
	bool changes;	/* something: in the audit log before it is done */
} verbs[] = {
	{ "audit-export", verb_audit_export, false },
	{ "device-add", verb_device_add, true },
	{ "device-attest", verb_device_attest, true },
	{ "device-list", verb_device_list, false },
	{ "device-pin-reset", verb_device_pin_reset, true },
	{ "device-rekey", verb_device_rekey, true },
	{ "device-replace", verb_device_replace, true },
	{ "device-show", verb_device_show, false },
	{ "item-send", verb_item_send, true },
	{ "policy-list", verb_policy_list, false },
	{ "receipt-list", verb_receipt_list, false },
	{ "receipt-show", verb_receipt_show, false },
	{ "revocation-add", verb_revocation_add, true },
	{ "revocation-lift", verb_revocation_lift, true },
	{ "revocation-list", verb_revocation_list, false },
	{ "verdict-show", verb_verdict_show, false },
};

static const char *subject_of(struct json_object *request)
{
	const char *subject = "";

	if (!tconn_json_string(request, "id", &subject, NULL))
		tconn_json_string(request, "subject", &subject, NULL);
	return subject;
}

/* What is asked for, as it came. A log that takes no more lets nothing happen. */
static int audit_before(struct server *s, const char *who, const char *verb,
			struct json_object *request, struct tconn_error *err)
{
	struct json_object *brief = verb_item_brief(request);
	int r = store_audit(s->store, who, verb, subject_of(request),
			    json_object_to_json_string_ext(brief, JSON_C_TO_STRING_PLAIN), err);

	json_object_put(brief);
	return r;
}

static void audit_failed(struct server *s, const char *verb, struct json_object *request,
			 struct json_object *reply)
{
	struct tconn_error err;
	const char *why = "";
	char what[64];

	if (!tconn_json_string(reply, "error", &why, NULL))
		return;
	snprintf(what, sizeof(what), "%s-failed", verb);
	if (store_audit(s->store, "service", what, subject_of(request), why, &err) < 0)
		tconn_say("%s", err.text);
}

static struct json_object *run_verb(struct server *s, verb_fn *run, struct json_object *request)
{
	struct json_object *reply = json_object_new_object();
	struct tconn_error err = { "" };
	int r;

	tconn_json_add(reply, "ok", json_object_new_boolean(1));
	r = run(s, request, reply, &err);
	if (r == 0)
		return reply;
	json_object_put(reply);
	return tconn_jsonline_error(r, &err);
}

static struct json_object *run_audited(struct server *s, const char *who, const char *verb, verb_fn *run,
				       struct json_object *request)
{
	struct json_object *reply;
	struct tconn_error err;
	int r = audit_before(s, who, verb, request, &err);

	if (r < 0)
		return tconn_jsonline_error(r, &err);
	reply = run ? run_verb(s, run, request) : verb_request(s, request);
	audit_failed(s, verb, request, reply);
	return reply;
}

static void unknown(struct tconn_error *err)
{
	char text[TCONN_ERROR_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s, ", verbs[i].name);
	tconn_fail(err, -EPROTO, "\"do\" must be one of %srequest, status", text);
}

struct json_object *verb_answer(struct server *s, const char *who, struct json_object *request)
{
	struct tconn_error err;
	const char *verb = "";

	tconn_json_string(request, "do", &verb, NULL);
	if (strcmp(verb, "status") == 0)
		return server_status(s);
	if (strcmp(verb, "request") == 0)
		return run_audited(s, who, verb, NULL, request);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return verbs[i].changes ? run_audited(s, who, verb, verbs[i].run, request) :
						  run_verb(s, verbs[i].run, request);
	unknown(&err);
	return tconn_jsonline_error(EPROTO, &err);
}
