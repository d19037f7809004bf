/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator can have done, one function a word (PROTOCOL.md, "Operator
 * socket"), whether it came by that socket or by HTTP. Each fills reply, an object
 * with "ok" in it, or fails with err.
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
verb_fn verb_policy_list;
verb_fn verb_receipt_list, verb_receipt_show;
verb_fn verb_revocation_add, verb_revocation_lift, verb_revocation_list;
verb_fn verb_verdict_show;

/* Has done what request's "do" says, for who (as it will be in the audit log); what changes
 * something is in that log before it is done. The only way in, whatever it came by.
 */
struct json_object *verb_answer(struct server *s, const char *who, struct json_object *request);

/* Asks a person, and waits: the reply has more to say than that it failed. */
struct json_object *verb_request(struct server *s, struct json_object *request);

/* The request as the audit log has it: bytes of an item by their digests. */
struct json_object *verb_item_brief(struct json_object *request);

/* The request's "id"; -EPROTO. */
int verb_need_id(struct json_object *request, const char **ret, struct tconn_error *err);
/* Bytes as the reply's "cose". */
int verb_add_base64(struct json_object *reply, const struct tconn_bytes *b, struct tconn_error *err);

#endif
