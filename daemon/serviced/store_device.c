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
	_cleanup_query_ struct query q = { 0 };
	int r;

	if (!is_device_id(id))
		return tconn_fail(err, -EINVAL, "a device id is 64 lower-case hex digits");
	r = query_begin(&q, s, "INSERT INTO devices (id, added) VALUES (?1, ?2)", err);
	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	sqlite3_bind_int64(q.stmt, 2, time(NULL));
	r = query_run(&q, err);
	return r == -EEXIST ? tconn_fail(err, r, "device %s is enrolled already", id) : r;
}

int store_find_device(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT 1 FROM devices WHERE id = ?1", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	switch (sqlite3_step(q.stmt)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return tconn_fail(err, -ENOENT, "device %s is not enrolled", id);
	}
	return store_fail(s, err);
}

static int forget_refusal(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "DELETE FROM refusals WHERE device = ?1", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	return query_run(&q, err);
}

static int note_attestation(struct store *s, const char *id, const struct tconn_verdict *v,
			    const char *kernel, const char *why, struct tconn_error *err)
{
	struct json_object *checks = tconn_json_checks(v);
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "UPDATE devices SET last_seen = ?2, trusted = ?3, kernel = ?4,"
			    " last_error = ?5, checks = ?6 WHERE id = ?1", err);

	if (r == 0) {
		query_bind_text(&q, 1, id);
		sqlite3_bind_int64(q.stmt, 2, time(NULL));
		sqlite3_bind_int(q.stmt, 3, v->trusted);
		query_bind_text(&q, 4, kernel);
		query_bind_text(&q, 5, why);
		query_bind_text(&q, 6, json_object_to_json_string_ext(checks, JSON_C_TO_STRING_PLAIN));
		r = query_run(&q, err);
	}
	json_object_put(checks);
	return r;
}

int store_attestation(struct store *s, const char *id, const struct tconn_verdict *v,
		      const char *kernel, const char *why, struct tconn_error *err)
{
	int r = note_attestation(s, id, v, kernel, why, err);

	return r < 0 ? r : forget_refusal(s, id, err);
}

int store_refused(struct store *s, const char *id, const char *why, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "INSERT INTO refusals (device, time, why)"
			    " SELECT id, ?2, ?3 FROM devices WHERE id = ?1"
			    " ON CONFLICT (device) DO UPDATE SET time = ?2, why = ?3", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	sqlite3_bind_int64(q.stmt, 2, time(NULL));
	query_bind_text(&q, 3, why);
	return query_run(&q, err);
}

static int compare_ak(const struct query *q, const char *id, const char *ak, struct tconn_error *err)
{
	if (strcmp(query_text(q, 0), ak) == 0)
		return 0;
	return tconn_fail(err, -EACCES, "takeover: device %s attests with another key (AK) than since "
			  "%s; if its TPM was cleared on purpose: tconnctl device rekey", id,
			  query_text(q, 1));
}

int store_keep_ak(struct store *s, const char *id, const uint8_t ak[32], struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	char hex[65];
	int r = query_begin(&q, s, "INSERT INTO device_keys (device, ak, since) VALUES (?1, ?2, ?3)"
			    " ON CONFLICT (device) DO UPDATE SET ak = ak"
			    " RETURNING ak, strftime('%Y-%m-%dT%H:%M:%SZ', since, 'unixepoch')", err);

	if (r < 0)
		return r;
	tconn_hex(ak, 32, hex);
	query_bind_text(&q, 1, id);
	query_bind_text(&q, 2, hex);
	sqlite3_bind_int64(q.stmt, 3, time(NULL));
	return sqlite3_step(q.stmt) == SQLITE_ROW ? compare_ak(&q, id, hex, err) : store_fail(s, err);
}

int store_forget_ak(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "DELETE FROM device_keys WHERE device = ?1", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	return query_run(&q, err);
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

static struct json_object *device_row(const struct query *q)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *checks = json_tokener_parse(query_text(q, 6));

	tconn_json_add_string(obj, "id", query_text(q, 0));
	query_add_integer(obj, "added", q, 1);
	query_add_integer(obj, "last_seen", q, 2);
	tconn_json_add(obj, "trusted", json_object_new_boolean(sqlite3_column_int(q->stmt, 3)));
	tconn_json_add_string(obj, "kernel", query_text(q, 4));
	tconn_json_add_string(obj, "last_error", query_text(q, 5));
	tconn_json_add(obj, "checks", checks ? checks : json_object_new_array());
	query_add_integer(obj, "pin_failures", q, 7);
	query_add_integer(obj, "last_attempt", q, 8);
	tconn_json_add_string(obj, "revoked", query_text(q, 9));
	return obj;
}

/* A refusal is gone with the next attestation: where there is one it came later. */
#define LATER "(refusals.time IS NOT NULL)"

int store_list_devices(struct store *s, const char *id, struct json_object **ret,
		       struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s,
			    "SELECT id, added, last_seen, trusted AND NOT " LATER ", kernel,"
			    " iif(" LATER ", why, last_error), checks, ifnull(count, 0),"
			    " iif(" LATER ", refusals.time, last_seen), ifnull(reason, '')"
			    " FROM devices LEFT JOIN pin_failures ON pin_failures.device = id"
			    " LEFT JOIN refusals ON refusals.device = id"
			    " LEFT JOIN revocations ON kind = '" STORE_DEVICE "' AND subject = id"
			    " AND lifted IS NULL WHERE ?1 IS NULL OR id = ?1 ORDER BY added, id",
			    err);

	if (r < 0)
		return r;
	if (id)
		query_bind_text(&q, 1, id);
	return query_collect(&q, device_row, ret, err);
}

static int no_more_pins(const char *id, uint32_t limit, struct tconn_error *err)
{
	return tconn_fail(err, -EDQUOT, "device %s: %u PINs in a row were not right (pin_attempts);"
			  " no other is asked for until: tconnctl device pin-reset", id, limit);
}

int store_check_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT 1 FROM pin_failures WHERE device = ?1"
			    " AND ?2 > 0 AND count >= ?2", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	sqlite3_bind_int64(q.stmt, 2, limit);
	switch (sqlite3_step(q.stmt)) {
	case SQLITE_ROW:
		return no_more_pins(id, limit, err);
	case SQLITE_DONE:
		return 0;
	}
	return store_fail(s, err);
}

/* One statement: of two that race for the last attempt one gets it. */
int store_count_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "INSERT INTO pin_failures (device, count) VALUES (?1, 1)"
			    " ON CONFLICT (device) DO UPDATE SET count = count + 1"
			    " WHERE ?2 = 0 OR count < ?2", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	sqlite3_bind_int64(q.stmt, 2, limit);
	r = query_run(&q, err);
	return r == 0 && sqlite3_changes(s->db) == 0 ? no_more_pins(id, limit, err) : r;
}

int store_reset_pin(struct store *s, const char *id, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "DELETE FROM pin_failures WHERE device = ?1", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, id);
	return query_run(&q, err);
}
