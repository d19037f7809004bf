// SPDX-License-Identifier: Apache-2.0
/* Enrolled devices, their last attestation, and how many PINs in a row were not right. */
#include "store_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/digest.h"
#include "../lib/jsonline.h"

static bool is_device_id(const char *id)
{
	return strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
}

int store_add_device(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	if (!is_device_id(id))
		return tconn_fail(err, -EINVAL, "a device id is 64 lower-case hex digits");
	tconn_query_begin(&q, "INSERT INTO devices (id, added) VALUES ($1, $2)");
	tconn_query_once(&q);
	tconn_query_text(&q, id);
	tconn_query_integer(&q, time(NULL));
	r = tconn_query_run(&q, s->db, err);
	return r == -EEXIST ? tconn_fail(err, r, "device %s is enrolled already", id) : r;
}

int store_find_device(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT 1 FROM devices WHERE id = $1");
	tconn_query_text(&q, id);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0 || tconn_query_next(&q))
		return r;
	return tconn_fail(err, -ENOENT, "device %s is not enrolled", id);
}

/* What an attestation leaves in the books. */
struct seen {
	const char *id, *kernel, *why, *checks;
	bool trusted;
};

static int note_attestation(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 }, forget = { 0 };
	const struct seen *a = arg;
	int r;

	tconn_query_begin(&q, "UPDATE devices SET last_seen = $2, trusted = $3, kernel = $4,"
			  " last_error = $5, checks = $6 WHERE id = $1");
	tconn_query_text(&q, a->id);
	tconn_query_integer(&q, time(NULL));
	tconn_query_integer(&q, a->trusted);
	tconn_query_text(&q, a->kernel);
	tconn_query_text(&q, a->why);
	tconn_query_text(&q, a->checks);
	r = tconn_query_run_in(&q, t, err);
	if (r < 0)
		return r;
	tconn_query_begin(&forget, "DELETE FROM refusals WHERE device = $1");
	tconn_query_text(&forget, a->id);
	return tconn_query_run_in(&forget, t, err);
}

int store_attestation(struct store *s, const char *id, const struct tconn_verdict *v,
		      const char *kernel, const char *why, struct tconn_error *err)
{
	struct json_object *checks = tconn_json_checks(v);
	struct seen a = {
		.id = id, .kernel = kernel, .why = why, .trusted = v->trusted,
		.checks = json_object_to_json_string_ext(checks, JSON_C_TO_STRING_PLAIN),
	};
	int r = tconn_database_transact(s->db, note_attestation, &a, err);

	json_object_put(checks);
	return r;
}

int store_refused(struct store *s, const char *id, const char *why, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "INSERT INTO refusals (device, time, why)"
			  " SELECT id, $2, $3 FROM devices WHERE id = $1"
			  " ON CONFLICT (device) DO UPDATE SET time = $2, why = $3");
	tconn_query_text(&q, id);
	tconn_query_integer(&q, time(NULL));
	tconn_query_text(&q, why);
	return tconn_query_run(&q, s->db, err);
}

static int compare_ak(const struct tconn_query *q, const char *id, const char *ak,
		      struct tconn_error *err)
{
	char since[STORE_TIME_TEXT];

	if (strcmp(tconn_query_get_text(q, 0), ak) == 0)
		return 0;
	return tconn_fail(err, -EACCES, "takeover: device %s attests with another key (AK) than since "
			  "%s; if its TPM was cleared on purpose: tconnctl device rekey", id,
			  store_time_text(tconn_query_get_integer(q, 1), since));
}

int store_keep_ak(struct store *s, const char *id, const uint8_t ak[32], struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	char hex[65];
	int r;

	tconn_hex(ak, 32, hex);
	tconn_query_begin(&q, "INSERT INTO device_keys (device, ak, since) VALUES ($1, $2, $3)"
			  " ON CONFLICT (device) DO UPDATE SET ak = device_keys.ak RETURNING ak, since");
	tconn_query_text(&q, id);
	tconn_query_text(&q, hex);
	tconn_query_integer(&q, time(NULL));
	r = tconn_query_run(&q, s->db, err);
	if (r < 0)
		return r;
	return tconn_query_next(&q) ? compare_ak(&q, id, hex, err) :
	       tconn_fail(err, -EIO, "database: the AK of device %s is not kept", id);
}

int store_forget_ak(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "DELETE FROM device_keys WHERE device = $1");
	tconn_query_text(&q, id);
	return tconn_query_run(&q, s->db, err);
}

int store_replace_device(struct store *s, const char *id, const char *by, struct tconn_error *err)
{
	char reason[STORE_REASON_MAX];
	int r = store_find_device(s, id, err);

	/* The old one first: where the rest fails, none is in rather than both. */
	snprintf(reason, sizeof(reason), "replaced by %s", by);
	if (r == 0)
		r = tconn_identity_name_check(TCONN_ROLE_DEVICE, by, err);
	if (r == 0)
		r = store_revoke(s, STORE_DEVICE, id, reason, err);
	return r < 0 ? r : store_add_device(s, by, err);
}

static struct json_object *device_row(const struct tconn_query *q)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *checks = json_tokener_parse(tconn_query_get_text(q, 6));

	tconn_json_add_string(obj, "id", tconn_query_get_text(q, 0));
	query_add_integer(obj, "added", q, 1);
	query_add_integer(obj, "last_seen", q, 2);
	tconn_json_add(obj, "trusted", json_object_new_boolean(tconn_query_get_integer(q, 3) != 0));
	tconn_json_add_string(obj, "kernel", tconn_query_get_text(q, 4));
	tconn_json_add_string(obj, "last_error", tconn_query_get_text(q, 5));
	tconn_json_add(obj, "checks", checks ? checks : json_object_new_array());
	query_add_integer(obj, "pin_failures", q, 7);
	query_add_integer(obj, "last_attempt", q, 8);
	tconn_json_add_string(obj, "revoked", tconn_query_get_text(q, 9));
	tconn_json_add(obj, "connected", json_object_new_boolean(tconn_query_get_integer(q, 10) != 0));
	return obj;
}

/* A refusal is gone with the next attestation: where there is one it came later. */
#define UNLESS_LATER(value, later) " CASE WHEN refusals.time IS NULL THEN " value " ELSE " later " END"

int store_list_devices(struct store *s, const char *id, struct json_object **ret,
		       struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "SELECT id, added, last_seen," UNLESS_LATER("trusted", "0") ", kernel,"
			  UNLESS_LATER("last_error", "why") ", checks, coalesce(count, 0),"
			  UNLESS_LATER("last_seen", "refusals.time") ", coalesce(reason, ''),"
			  " CASE WHEN EXISTS (SELECT 1 FROM presence JOIN nodes ON nodes.name = node"
			  " WHERE presence.device = id AND " STORE_NODE_ALIVE ") THEN 1 ELSE 0 END"
			  " FROM devices LEFT JOIN pin_failures ON pin_failures.device = id"
			  " LEFT JOIN refusals ON refusals.device = id"
			  " LEFT JOIN revocations ON kind = '" STORE_DEVICE "' AND subject = id"
			  " AND lifted IS NULL WHERE $1 IS NULL OR id = $1 ORDER BY added, id");
	tconn_query_text(&q, id);
	return query_collect(s, &q, device_row, ret, err);
}

static int no_more_pins(const char *id, uint32_t limit, struct tconn_error *err)
{
	return tconn_fail(err, -EDQUOT, "device %s: %u PINs in a row were not right (pin_attempts);"
			  " no other is asked for until: tconnctl device pin-reset", id, limit);
}

int store_check_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT 1 FROM pin_failures WHERE device = $1 AND $2 > 0 AND count >= $2");
	tconn_query_text(&q, id);
	tconn_query_integer(&q, limit);
	r = tconn_query_run(&q, s->db, err);
	return r == 0 && tconn_query_next(&q) ? no_more_pins(id, limit, err) : r;
}

/* One statement: of two that race for the last attempt one gets it. */
int store_count_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "INSERT INTO pin_failures (device, count) VALUES ($1, 1)"
			  " ON CONFLICT (device) DO UPDATE SET count = pin_failures.count + 1"
			  " WHERE $2 = 0 OR pin_failures.count < $2");
	tconn_query_once(&q);
	tconn_query_text(&q, id);
	tconn_query_integer(&q, limit);
	r = tconn_query_run(&q, s->db, err);
	return r == 0 && q.changes == 0 ? no_more_pins(id, limit, err) : r;
}

int store_reset_pin(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "DELETE FROM pin_failures WHERE device = $1");
	tconn_query_text(&q, id);
	return tconn_query_run(&q, s->db, err);
}
