// SPDX-License-Identifier: Apache-2.0
#include "words.h"

#include <json-c/json.h>
#include <string.h>

#include "../../tui/protocol.h"
#include "../../tui/statement.h"
#include "digest.h"
#include "jsonline.h"

static const char *name_in(const char *const *names, size_t count, uint32_t value)
{
	return value < count && names[value] ? names[value] : "unknown";
}

#define NAME(names, value) name_in(names, sizeof(names) / sizeof((names)[0]), value)

const char *tconn_outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[TCONN_OUTCOME_NONE] = "none",
		[TCONN_OUTCOME_CONFIRMED] = "confirmed",
		[TCONN_OUTCOME_DENIED] = "denied",
		[TCONN_OUTCOME_ENTERED] = "entered",
		[TCONN_OUTCOME_ABORTED] = "aborted",
	};

	return NAME(names, outcome);
}

const char *tconn_gesture_name(uint32_t type)
{
	static const char *const names[] = {
		[TCONN_GESTURE_NONE] = "none",
		[TCONN_GESTURE_PRESS] = "press",
		[TCONN_GESTURE_HOLD] = "hold",
		[TCONN_GESTURE_DOUBLE] = "double",
	};

	return NAME(names, type);
}

const char *tconn_cause_name(uint32_t cause)
{
	static const char *const names[] = {
		[TCONN_CAUSE_NONE] = "none",
		[TCONN_CAUSE_CLOSED] = "closed",
		[TCONN_CAUSE_TIMEOUT] = "timeout",
		[TCONN_CAUSE_DISPLAY_LOST] = "display-lost",
		[TCONN_CAUSE_DISPLAY_FAILED] = "display-failed",
		[TCONN_CAUSE_INPUT_LOST] = "input-lost",
		[TCONN_CAUSE_INPUT_NEW] = "input-new",
		[TCONN_CAUSE_INDICATOR_LOST] = "indicator-lost",
		[TCONN_CAUSE_SUSPEND] = "suspend",
		[TCONN_CAUSE_APP] = "app",
		[TCONN_CAUSE_MEASURE] = "measure",
	};

	return NAME(names, cause);
}

const char *tconn_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[TCONN_KIND_CONFIRM] = "confirm",
		[TCONN_KIND_PIN] = "pin",
		[TCONN_KIND_NOTICE] = "notice",
	};

	return NAME(names, kind);
}

const char *tconn_tui_status_name(uint32_t status)
{
	static const char *const names[] = {
		[TCONN_TUI_DECIDED] = "decided",
		[TCONN_TUI_ABORTED] = "aborted",
		[TCONN_TUI_REFUSED] = "refused",
		[TCONN_TUI_STATEMENT] = "statement",
		[TCONN_TUI_NO_DISPLAY] = "no-display",
		[TCONN_TUI_NO_MODULE] = "no-module",
		[TCONN_TUI_UNTRUSTED] = "untrusted",
		[TCONN_TUI_FAILED] = "failed",
		[TCONN_TUI_UNPROVEN] = "unproven",
	};

	return NAME(names, status);
}

static void add_hex(struct json_object *obj, const char *key, const uint8_t *data, size_t len)
{
	char hex[2 * 64 + 1];

	tconn_hex(data, len, hex);
	tconn_json_add_string(obj, key, hex);
}

static void add_uint(struct json_object *obj, const char *key, uint64_t value)
{
	tconn_json_add(obj, key, json_object_new_uint64(value));
}

static struct json_object *record_json(const struct tconn_record *r)
{
	struct json_object *obj = json_object_new_object();

	add_hex(obj, "boot_id", r->boot_id, sizeof(r->boot_id));
	add_uint(obj, "session", r->session);
	tconn_json_add_string(obj, "kind", tconn_kind_name(r->kind));
	tconn_json_add_string(obj, "outcome", tconn_outcome_name(r->outcome));
	tconn_json_add_string(obj, "cause", tconn_cause_name(r->cause));
	tconn_json_add(obj, "indicator_present",
		       json_object_new_boolean(!!(r->indicator & TCONN_INDICATOR_PRESENT)));
	tconn_json_add(obj, "indicator_lit",
		       json_object_new_boolean(!!(r->indicator & TCONN_INDICATOR_LIT)));
	add_hex(obj, "statement_digest", r->statement_digest, sizeof(r->statement_digest));
	add_hex(obj, "frame_digest", r->frame_digest, sizeof(r->frame_digest));
	add_hex(obj, "app_digest", r->app_digest, sizeof(r->app_digest));
	add_hex(obj, "policy_digest", r->policy_digest, sizeof(r->policy_digest));
	add_uint(obj, "width", r->width);
	add_uint(obj, "height", r->height);
	tconn_json_add_string(obj, "gesture", tconn_gesture_name(r->gesture.type));
	add_uint(obj, "gesture_key", r->gesture.code);
	add_uint(obj, "presents", r->presents);
	add_uint(obj, "keys", r->keys);
	add_uint(obj, "bound_ns", r->bound_ns);
	add_uint(obj, "active_ns", r->active_ns);
	add_uint(obj, "lit_ns", r->lit_ns);
	add_uint(obj, "unlit_ns", r->unlit_ns);
	add_uint(obj, "ended_ns", r->ended_ns);
	return obj;
}

/* The text alone; header and UTF-8 were checked before it was asked. */
static void add_text(struct json_object *obj, const struct tconn_bytes *statement)
{
	if (statement->len <= TCONN_STATEMENT_HEADER)
		return;
	tconn_json_add(
		obj, "text",
		json_object_new_string_len((const char *)statement->data + TCONN_STATEMENT_HEADER,
					   (int)(statement->len - TCONN_STATEMENT_HEADER)));
}

struct json_object *tconn_receipt_json(const struct tconn_receipt *r)
{
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "request", r->id);
	add_uint(obj, "time", r->time);
	tconn_json_add_string(obj, "device", r->device);
	tconn_json_add_string(obj, "service", r->service);
	add_text(obj, &r->statement);
	tconn_json_add_string(obj, "outcome", tconn_outcome_name(r->record.outcome));
	tconn_json_add(obj, "record", record_json(&r->record));
	add_hex(obj, "nonce", r->nonce, sizeof(r->nonce));
	add_hex(obj, "evidence_digest", r->evidence_digest, sizeof(r->evidence_digest));
	tconn_json_add(obj, "trusted", json_object_new_boolean(r->verdict.trusted));
	tconn_json_add(obj, "checks", tconn_json_checks(&r->verdict));
	return obj;
}
