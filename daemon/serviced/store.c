// SPDX-License-Identifier: Apache-2.0
#include "store_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "../lib/database.h"
#include "../lib/jsonline.h"

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
	" device TEXT PRIMARY KEY REFERENCES devices(id), count INTEGER NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS refusals ("
	" device TEXT PRIMARY KEY REFERENCES devices(id), time INTEGER NOT NULL, why TEXT NOT NULL)"
	" STRICT;"
	"CREATE TABLE IF NOT EXISTS device_keys ("
	" device TEXT PRIMARY KEY REFERENCES devices(id), ak TEXT NOT NULL, since INTEGER NOT NULL)"
	" STRICT;"
	/* Not bound to devices: who was never enrolled here can be revoked beforehand. */
	"CREATE TABLE IF NOT EXISTS revocations ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,"
	" time INTEGER NOT NULL, reason TEXT NOT NULL, lifted INTEGER) STRICT;"
	"CREATE UNIQUE INDEX IF NOT EXISTS revocations_in_force ON revocations (kind, subject)"
	" WHERE lifted IS NULL;"
	"CREATE TABLE IF NOT EXISTS audit ("
	" number INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
	" subject TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT;";

int store_fail(struct store *s, struct tconn_error *err)
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

int query_begin(struct query *q, struct store *s, const char *sql, struct tconn_error *err)
{
	pthread_mutex_lock(&s->lock);
	q->store = s;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, NULL) != SQLITE_OK)
		return store_fail(s, err);
	return 0;
}

void query_end(struct query *q)
{
	if (!q->store)
		return;
	sqlite3_finalize(q->stmt);
	pthread_mutex_unlock(&q->store->lock);
}

void query_bind_text(struct query *q, int at, const char *text)
{
	sqlite3_bind_text(q->stmt, at, text, -1, SQLITE_TRANSIENT);
}

int query_run(struct query *q, struct tconn_error *err)
{
	int r = sqlite3_step(q->stmt);

	if (r == SQLITE_DONE)
		return 0;
	r = sqlite3_extended_errcode(q->store->db);
	store_fail(q->store, err);
	return r == SQLITE_CONSTRAINT_UNIQUE || r == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST : -EIO;
}

const char *query_text(const struct query *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q->stmt, column);

	return text ? text : "";
}

void query_add_integer(struct json_object *obj, const char *key, const struct query *q, int column)
{
	tconn_json_add(obj, key, sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? NULL
		       : json_object_new_int64(sqlite3_column_int64(q->stmt, column)));
}

int query_collect(struct query *q, struct json_object *(*row)(const struct query *q),
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
		return store_fail(q->store, err);
	}
	*ret = list;
	return 0;
}
