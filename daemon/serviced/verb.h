/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator can have done, one function a word (PROTOCOL.md, "Operator
 * socket"). Each fills reply, an object with "ok" in it, or fails with err.
 */
#ifndef SERVICED_VERB_H
#define SERVICED_VERB_H

#include "server.h"

struct json_object;

typedef int verb_fn(struct server *s, struct json_object *request, struct json_object *reply,
		    struct tconn_error *err);

verb_fn verb_audit_export;
verb_fn verb_device_add, verb_device_attest, verb_device_list, verb_device_pin_reset,
	verb_device_rekey, verb_device_replace, verb_device_show;
verb_fn verb_item_send;
verb_fn verb_receipt_list, verb_receipt_show;
verb_fn verb_revocation_add, verb_revocation_lift, verb_revocation_list;
verb_fn verb_verdict_show;

/* Asks a person, and waits: the reply has more to say than that it failed. */
struct json_object *verb_request(struct server *s, struct json_object *request);

/* The request's "id"; -EPROTO. */
int verb_need_id(struct json_object *request, const char **ret, struct tconn_error *err);
/* Bytes as the reply's "cose". */
int verb_add_base64(struct json_object *reply, const struct tconn_bytes *b, struct tconn_error *err);

#endif
