// SPDX-License-Identifier: Apache-2.0
#include "question.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "../lib/words.h"
#include "../../tui/protocol.h"

static int parse_kind(struct json_object *request, uint16_t *ret, struct tconn_error *err)
{
	const char *kind = "";

	tconn_json_string(request, "kind", &kind, NULL);
	for (uint16_t k = TCONN_KIND_CONFIRM; k <= TCONN_KIND_NOTICE; k++) {
		if (strcmp(kind, tconn_kind_name(k)) == 0) {
			*ret = k;
			return 0;
		}
	}
	return tconn_fail(err, -EPROTO, "\"kind\" must be confirm, pin or notice");
}

/* Absent: the value stays; there and not a number within limits: an error. */
static int optional_uint(struct json_object *request, const char *key, unsigned long long max,
			 unsigned long long *value, struct tconn_error *err)
{
	if (!json_object_object_get_ex(request, key, NULL) ||
	    tconn_json_uint(request, key, max, value))
		return 0;
	return tconn_fail(err, -EPROTO, "\"%s\" must be a whole number from 0 to %llu", key, max);
}

static int parse_limits(struct json_object *request, struct tconn_statement *s,
			uint32_t *ret_timeout, struct tconn_error *err)
{
	unsigned long long min = 4, max = TCONN_PIN_MAX, timeout = QUESTION_TIMEOUT_MS;
	int r = optional_uint(request, "timeout_ms", TCONN_TIMEOUT_MAX_MS, &timeout, err);

	if (r == 0 && timeout < TCONN_TIMEOUT_MIN_MS)
		r = tconn_fail(err, -EPROTO, "\"timeout_ms\" is below %d", TCONN_TIMEOUT_MIN_MS);
	if (r < 0)
		return r;
	*ret_timeout = (uint32_t)timeout;
	if (s->kind != TCONN_KIND_PIN)
		return 0;
	r = optional_uint(request, "pin_min", TCONN_PIN_MAX, &min, err);
	if (r == 0)
		r = optional_uint(request, "pin_max", TCONN_PIN_MAX, &max, err);
	if (r == 0 && (min < 1 || min > max))
		r = tconn_fail(err, -EPROTO,
			       "a PIN has 1 to %d digits, and \"pin_min\" is not above \"pin_max\"",
			       TCONN_PIN_MAX);
	s->pin_min = (uint16_t)min;
	s->pin_max = (uint16_t)max;
	return r;
}

/* The tag's form is looked at here, whether it is known in build_statement(). */
static int parse_locale(struct json_object *request, struct tconn_statement *s,
			struct tconn_error *err)
{
	const char *locale = "";
	size_t len = 0;

	if (json_object_object_get_ex(request, "locale", NULL) &&
	    !tconn_json_string(request, "locale", &locale, &len))
		return tconn_fail(err, -EPROTO, "\"locale\" must be a string");
	if (len >= sizeof(s->locale))
		return tconn_fail(err, -EPROTO, "\"locale\" is longer than %zu bytes",
				  sizeof(s->locale) - 1);
	memcpy(s->locale, locale, len);
	return 0;
}

static int parse_detail(struct json_object *item, struct tconn_statement *s, uint8_t *buf,
			struct tconn_error *err)
{
	struct tconn_detail d;
	size_t key, value;

	if (!tconn_json_string(item, "key", &d.key, &key) ||
	    !tconn_json_string(item, "value", &d.value, &value))
		return tconn_fail(err, -EPROTO, "a detail must be {\"key\":K,\"value\":V}");
	d.key_len = (uint32_t)key;
	d.value_len = (uint32_t)value;
	if (key > TCONN_DETAIL_KEY_MAX || value > TCONN_DETAIL_VALUE_MAX ||
	    !tconn_statement_put_detail(&d, buf, TCONN_STATEMENT_MAX, &s->details_len))
		return tconn_fail(err, -EINVAL,
				  "a detail has a key of 1 to %d bytes and a value of 1 to %d",
				  TCONN_DETAIL_KEY_MAX, TCONN_DETAIL_VALUE_MAX);
	s->n_details++;
	return 0;
}

/* buf: TCONN_STATEMENT_MAX bytes, which s then borrows. */
static int parse_details(struct json_object *request, struct tconn_statement *s, uint8_t *buf,
			 struct tconn_error *err)
{
	struct json_object *list;
	size_t n;
	int r = 0;

	if (!json_object_object_get_ex(request, "details", &list))
		return 0;
	if (!json_object_is_type(list, json_type_array))
		return tconn_fail(err, -EPROTO, "\"details\" must be an array");
	n = json_object_array_length(list);
	if (n > TCONN_DETAILS_MAX)
		return tconn_fail(err, -EINVAL, "%zu details are over the limit of %d", n,
				  TCONN_DETAILS_MAX);
	s->details = buf;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = parse_detail(json_object_array_get_idx(list, i), s, buf, err);
	return r;
}

/* What the person would be shown must be showable: found out here, not there. */
static int build_statement(const struct tconn_statement *s, struct question *q,
			   const char **ret_statement, struct tconn_error *err)
{
	struct tconn_statement parsed;
	size_t at = 0;
	int n = tconn_statement_encode(s, q->statement, sizeof(q->statement));
	int e = n < 0 ? n : tconn_statement_parse(q->statement, (size_t)n, &parsed, &at);

	if (e == TCONN_STATEMENT_OK)
		e = tconn_statement_check_renders(&parsed, 0, 0, &at);
	if (e != TCONN_STATEMENT_OK) {
		*ret_statement = tconn_statement_error_name(e);
		return tconn_fail(err, -EINVAL,
				  "the statement is refused, nothing was sent: %s (byte %zu)",
				  tconn_statement_strerror(e), at);
	}
	q->statement_len = (size_t)n;
	return 0;
}

int question_parse(struct json_object *request, struct question *ret, const char **ret_statement,
		   struct tconn_error *err)
{
	struct tconn_statement s = { 0 };
	uint8_t details[TCONN_STATEMENT_MAX];
	const char *id, *text;
	size_t len;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!tconn_json_string(request, "id", &id, NULL) || strlen(id) >= sizeof(ret->device))
		return tconn_fail(err, -EPROTO, "\"id\" must be a device id");
	if (!tconn_json_string(request, "text", &text, &len))
		return tconn_fail(err, -EPROTO, "\"text\" must be a string");
	strcpy(ret->device, id);
	s.text = text;
	s.text_len = (uint32_t)len;
	r = parse_kind(request, &s.kind, err);
	if (r == 0)
		r = parse_limits(request, &s, &ret->timeout_ms, err);
	if (r == 0)
		r = parse_locale(request, &s, err);
	if (r == 0)
		r = parse_details(request, &s, details, err);
	if (r == 0)
		r = build_statement(&s, ret, ret_statement, err);
	ret->kind = s.kind;
	return r;
}

struct json_object *question_reply(const struct question *q)
{
	struct json_object *obj;

	if (q->told)
		return q->told;
	obj = q->code ? tconn_jsonline_error(q->code, &q->error) : json_object_new_object();
	if (!q->code)
		tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "device", q->device);
	tconn_json_add_string(obj, "kind", tconn_kind_name(q->kind));
	if (q->id)
		tconn_json_add(obj, "request", json_object_new_int64((int64_t)q->id));
	if (q->answered) {
		tconn_json_add_string(obj, "status", tconn_tui_status_name(q->status));
		tconn_json_add_string(obj, "message", q->message);
	}
	tconn_json_add(obj, "trusted", json_object_new_boolean(q->trusted));
	if (q->trusted) {
		tconn_json_add_string(obj, "outcome", tconn_outcome_name(q->record.outcome));
		tconn_json_add_string(obj, "cause", tconn_cause_name(q->record.cause));
	}
	if (q->receipt)
		tconn_json_add(obj, "receipt", json_object_new_int64((int64_t)q->receipt));
	if (q->pin)
		tconn_json_add_string(obj, "pin", q->pin);
	tconn_json_add(obj, "checks", tconn_json_checks(&q->verdict));
	return obj;
}
