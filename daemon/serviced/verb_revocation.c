// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"

/* Which device or certificate it is about. */
static int need_subject(struct json_object *request, const char **ret_kind, const char **ret_subject,
			struct tconn_error *err)
{
	if (!tconn_json_string(request, "kind", ret_kind, NULL) ||
	    !tconn_json_string(request, "subject", ret_subject, NULL))
		return tconn_fail(err, -EPROTO, "\"kind\" must be device or certificate, \"subject\" an "
				  "id or a number");
	return 0;
}

/* The main loop finds it in the books, and ends the connections it hits. */
int verb_revocation_add(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	const char *kind, *subject, *reason = "unspecified";
	int r = need_subject(request, &kind, &subject, err);

	(void)reply;
	tconn_json_string(request, "reason", &reason, NULL);
	if (r == 0)
		r = store_revoke(s->store, kind, subject, reason, err);
	if (r == 0)
		tconn_say("%s %s: revoked by the operator: %s", kind, subject, reason);
	return r;
}

int verb_revocation_lift(struct server *s, struct json_object *request, struct json_object *reply,
			 struct tconn_error *err)
{
	const char *kind, *subject;
	int r = need_subject(request, &kind, &subject, err);

	(void)reply;
	if (r == 0)
		r = store_lift(s->store, kind, subject, err);
	if (r == 0)
		tconn_say("%s %s: revocation lifted by the operator", kind, subject);
	return r;
}

int verb_revocation_list(struct server *s, struct json_object *request, struct json_object *reply,
			 struct tconn_error *err)
{
	struct json_object *list;
	int r = store_list_revocations(s->store, &list, err);

	(void)request;
	if (r == 0)
		tconn_json_add(reply, "revocations", list);
	return r;
}
