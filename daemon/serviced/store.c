// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/database.h"
#include "../lib/jsonline.h"

struct store {
	pthread_mutex_t lock;	/* one statement at a time */
	sqlite3 *db;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS devices ("
	" id TEXT PRIMARY KEY, added INTEGER NOT NULL,"
	" last_seen INTEGER, trusted INTEGER, kernel TEXT, last_error TEXT, checks TEXT) STRICT;"
	"CREATE TABLE IF NOT EXISTS requests ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL REFERENCES devices(id),"
	" time INTEGER NOT NULL, kind INTEGER NOT NULL, nonce BLOB NOT NULL UNIQUE,"
	" statement BLOB NOT NULL, status TEXT, outcome TEXT, why TEXT) STRICT;"
	"CREATE TABLE IF NOT EXISTS receipts ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT, request INTEGER NOT NULL UNIQUE REFERENCES requests(id),"
	" device TEXT NOT NULL REFERENCES devices(id), time INTEGER NOT NULL,"
	" outcome TEXT NOT NULL, cose BLOB NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS pin_failures ("
	" device TEXT PRIMARY KEY REFERENCES devices(id), count INTEGER NOT NULL) STRICT;";

static int fail_db(struct store *s, struct tconn_error *err)
{
	return tconn_fail(err, -EIO, "database: %s", sqlite3_errmsg(s->db));
}

int store_open(const char *path, struct store **ret, struct tconn_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return tconn_fail(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	r = tconn_database_open(path, true, schema, &s->db, err);
	if (r < 0) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* A prepared statement under the lock; query_end() gives both back. */
struct query {
	struct store *store;
	sqlite3_stmt *stmt;
};

static int query_begin(struct query *q, struct store *s, const char *sql, struct tconn_error *err)
{
	pthread_mutex_lock(&s->lock);
	q->store = s;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, NULL) != SQLITE_OK)
		return fail_db(s, err);
	return 0;
}

static void query_end(struct query *q)
{
	if (!q->store)
		return;
	sqlite3_finalize(q->stmt);
	pthread_mutex_unlock(&q->store->lock);
}

#define _cleanup_query_ __attribute__((cleanup(query_end)))

static void bind_text(struct query *q, int at, const char *text)
{
	sqlite3_bind_text(q->stmt, at, text, -1, SQLITE_TRANSIENT);
}

/* Runs a statement without rows. -EEXIST where a UNIQUE or PRIMARY KEY is violated. */
static int query_run(struct query *q, struct tconn_error *err)
{
	int r = sqlite3_step(q->stmt);

	if (r == SQLITE_DONE)
		return 0;
	r = sqlite3_extended_errcode(q->store->db);
	fail_db(q->store, err);
	return r == SQLITE_CONSTRAINT_UNIQUE || r == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST : -EIO;
}

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
	bind_text(&q, 1, id);
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
	bind_text(&q, 1, id);
	switch (sqlite3_step(q.stmt)) {
	case SQLITE_ROW:
		return 0;
	case SQLITE_DONE:
		return tconn_fail(err, -ENOENT, "device %s is not enrolled", id);
	}
	return fail_db(s, err);
}

int store_attestation(struct store *s, const char *id, const struct tconn_verdict *v,
		      const char *kernel, const char *why, struct tconn_error *err)
{
	struct json_object *checks = tconn_json_checks(v);
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "UPDATE devices SET last_seen = ?2, trusted = ?3, kernel = ?4,"
			    " last_error = ?5, checks = ?6 WHERE id = ?1", err);

	if (r == 0) {
		bind_text(&q, 1, id);
		sqlite3_bind_int64(q.stmt, 2, time(NULL));
		sqlite3_bind_int(q.stmt, 3, v->trusted);
		bind_text(&q, 4, kernel);
		bind_text(&q, 5, why);
		bind_text(&q, 6, json_object_to_json_string_ext(checks, JSON_C_TO_STRING_PLAIN));
		r = query_run(&q, err);
	}
	json_object_put(checks);
	return r;
}

static const char *column(const struct query *q, int at)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, at);

	return text ? text : "";
}

static void add_integer(struct json_object *obj, const char *key, const struct query *q, int at)
{
	tconn_json_add(obj, key, sqlite3_column_type(q->stmt, at) == SQLITE_NULL ? NULL
		       : json_object_new_int64(sqlite3_column_int64(q->stmt, at)));
}

static struct json_object *device_row(const struct query *q)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *checks = json_tokener_parse(column(q, 6));

	tconn_json_add_string(obj, "id", column(q, 0));
	add_integer(obj, "added", q, 1);
	add_integer(obj, "last_seen", q, 2);
	tconn_json_add(obj, "trusted", json_object_new_boolean(sqlite3_column_int(q->stmt, 3)));
	tconn_json_add_string(obj, "kernel", column(q, 4));
	tconn_json_add_string(obj, "last_error", column(q, 5));
	tconn_json_add(obj, "checks", checks ? checks : json_object_new_array());
	add_integer(obj, "pin_failures", q, 7);
	return obj;
}

static struct json_object *receipt_row(const struct query *q)
{
	struct json_object *obj = json_object_new_object();

	add_integer(obj, "receipt", q, 0);
	add_integer(obj, "request", q, 1);
	tconn_json_add_string(obj, "device", column(q, 2));
	add_integer(obj, "time", q, 3);
	tconn_json_add_string(obj, "outcome", column(q, 4));
	return obj;
}

static int collect_rows(struct query *q, struct json_object *(*row)(const struct query *q),
			struct json_object **ret, struct tconn_error *err)
{
	struct json_object *list = json_object_new_array();
	int r;

	if (!list)
		return tconn_fail(err, -ENOMEM, "out of memory");
	while ((r = sqlite3_step(q->stmt)) == SQLITE_ROW) {
		struct json_object *obj = row(q);

		if (json_object_array_add(list, obj))
			json_object_put(obj);
	}
	if (r != SQLITE_DONE) {
		json_object_put(list);
		return fail_db(q->store, err);
	}
	*ret = list;
	return 0;
}

int store_list_devices(struct store *s, const char *id, struct json_object **ret,
		       struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s,
			    "SELECT id, added, last_seen, trusted, kernel, last_error, checks,"
			    " ifnull(count, 0) FROM devices LEFT JOIN pin_failures ON device = id"
			    " WHERE ?1 IS NULL OR id = ?1 ORDER BY added, id",
			    err);

	if (r < 0)
		return r;
	if (id)
		bind_text(&q, 1, id);
	return collect_rows(&q, device_row, ret, err);
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
	bind_text(&q, 1, id);
	sqlite3_bind_int64(q.stmt, 2, limit);
	switch (sqlite3_step(q.stmt)) {
	case SQLITE_ROW:
		return no_more_pins(id, limit, err);
	case SQLITE_DONE:
		return 0;
	}
	return fail_db(s, err);
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
	bind_text(&q, 1, id);
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
	bind_text(&q, 1, id);
	return query_run(&q, err);
}

int store_add_request(struct store *s, const char *device, uint32_t kind, const uint8_t nonce[32],
		      const uint8_t *statement, size_t statement_len, uint64_t *ret_id,
		      struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "INSERT INTO requests (device, time, kind, nonce, statement)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (r < 0)
		return r;
	bind_text(&q, 1, device);
	sqlite3_bind_int64(q.stmt, 2, time(NULL));
	sqlite3_bind_int64(q.stmt, 3, kind);
	sqlite3_bind_blob(q.stmt, 4, nonce, 32, SQLITE_TRANSIENT);
	sqlite3_bind_blob(q.stmt, 5, statement, (int)statement_len, SQLITE_TRANSIENT);
	r = query_run(&q, err);
	if (r == 0)
		*ret_id = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return r;
}

int store_finish_request(struct store *s, uint64_t id, const char *status, const char *outcome,
			 const char *why, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s,
			    "UPDATE requests SET status = ?2, outcome = ?3, why = ?4 WHERE id = ?1",
			    err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)id);
	bind_text(&q, 2, status);
	bind_text(&q, 3, outcome);
	bind_text(&q, 4, why);
	return query_run(&q, err);
}

int store_add_receipt(struct store *s, uint64_t request, const char *device, const char *outcome,
		      const struct tconn_bytes *cose, uint64_t *ret_number, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "INSERT INTO receipts (request, device, time, outcome, cose)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)request);
	bind_text(&q, 2, device);
	sqlite3_bind_int64(q.stmt, 3, time(NULL));
	bind_text(&q, 4, outcome);
	sqlite3_bind_blob(q.stmt, 5, cose->data, (int)cose->len, SQLITE_TRANSIENT);
	r = query_run(&q, err);
	if (r == 0)
		*ret_number = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return r;
}

int store_list_receipts(struct store *s, struct json_object **ret, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT number, request, device, time, outcome FROM receipts"
			    " ORDER BY number", err);

	return r < 0 ? r : collect_rows(&q, receipt_row, ret, err);
}

int store_get_receipt(struct store *s, uint64_t number, struct tconn_bytes *ret,
		      struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT cose FROM receipts WHERE number = ?1", err);
	size_t len;

	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)number);
	r = sqlite3_step(q.stmt);
	if (r == SQLITE_DONE)
		return tconn_fail(err, -ENOENT, "there is no receipt %llu",
				  (unsigned long long)number);
	if (r != SQLITE_ROW)
		return fail_db(s, err);
	len = (size_t)sqlite3_column_bytes(q.stmt, 0);
	ret->data = malloc(len ? len : 1);
	if (!ret->data)
		return tconn_fail(err, -ENOMEM, "out of memory");
	memcpy(ret->data, sqlite3_column_blob(q.stmt, 0), len);
	ret->len = len;
	return 0;
}
