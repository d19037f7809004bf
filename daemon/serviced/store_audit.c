// SPDX-License-Identifier: Apache-2.0
/* The audit log: lib/audit.h says how its entries hang together. Nothing here takes one back. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "../lib/audit.h"
#include "../lib/digest.h"
#include "../lib/jsonline.h"
#include "store_part.h"

#define COLUMNS "number, time, who, what, subject, detail, hash"

static int execute(struct store *s, const char *sql, struct tconn_error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(s, err);
}

/* The last entry's number and hash; 0 and zeros before the first. In a transaction. */
static int read_last(struct store *s, uint64_t *ret_number, uint8_t ret_hash[32],
		     struct tconn_error *err)
{
	sqlite3_stmt *q = NULL;
	int r = 0, step;

	*ret_number = 0;
	memset(ret_hash, 0, 32);
	if (sqlite3_prepare_v2(s->db, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", -1,
			       &q, NULL) != SQLITE_OK)
		return store_fail(s, err);
	step = sqlite3_step(q);
	if (step == SQLITE_ROW && sqlite3_column_bytes(q, 1) == 32) {
		*ret_number = (uint64_t)sqlite3_column_int64(q, 0);
		memcpy(ret_hash, sqlite3_column_blob(q, 1), 32);
	} else if (step != SQLITE_DONE) {
		r = tconn_fail(err, -EIO, "database: the audit log's last entry cannot be read");
	}
	sqlite3_finalize(q);
	return r;
}

static int insert(struct store *s, const struct tconn_audit_entry *e, const uint8_t hash[32],
		  struct tconn_error *err)
{
	sqlite3_stmt *q = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(s->db, "INSERT INTO audit (" COLUMNS ") VALUES"
			       " (?1, ?2, ?3, ?4, ?5, ?6, ?7)", -1, &q, NULL) != SQLITE_OK)
		return store_fail(s, err);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)e->number);
	sqlite3_bind_int64(q, 2, e->time);
	sqlite3_bind_text(q, 3, e->who, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 4, e->what, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 5, e->subject, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 6, e->detail, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(q, 7, hash, 32, SQLITE_TRANSIENT);
	if (sqlite3_step(q) != SQLITE_DONE)
		r = store_fail(s, err);
	sqlite3_finalize(q);
	return r;
}

static int append(struct store *s, struct tconn_audit_entry *e, struct tconn_error *err)
{
	uint8_t before[32], hash[32];
	int r = read_last(s, &e->number, before, err);

	if (r < 0)
		return r;
	e->number++;
	e->time = time(NULL);
	tconn_audit_hash(before, e, hash);
	return insert(s, e, hash, err);
}

/* One transaction: of two writers, also in two processes, one comes after the other. */
int store_audit(struct store *s, const char *who, const char *what, const char *subject,
		const char *detail, struct tconn_error *err)
{
	struct tconn_audit_entry e = { .who = who, .what = what, .subject = subject, .detail = detail };
	int r;

	if (strlen(detail) > TCONN_AUDIT_DETAIL)
		return tconn_fail(err, -EMSGSIZE, "audit log: detail of over %u bytes", TCONN_AUDIT_DETAIL);
	pthread_mutex_lock(&s->lock);
	r = execute(s, "BEGIN IMMEDIATE", err);
	if (r == 0) {
		r = append(s, &e, err);
		if (r == 0)
			r = execute(s, "COMMIT", err);
		if (r < 0)
			execute(s, "ROLLBACK", NULL);
	}
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? tconn_fail_in(err, r, "audit log") : 0;
}

static struct json_object *audit_row(const struct query *q)
{
	static const char *const names[] = { "who", "what", "subject", "detail" };
	struct json_object *obj = json_object_new_object();
	char hex[65] = "";

	query_add_integer(obj, "number", q, 0);
	query_add_integer(obj, "time", q, 1);
	for (int i = 0; i < 4; i++)
		tconn_json_add_string(obj, names[i], query_text(q, 2 + i));
	if (sqlite3_column_bytes(q->stmt, 6) == 32)
		tconn_hex(sqlite3_column_blob(q->stmt, 6), 32, hex);
	tconn_json_add_string(obj, "hash", hex);
	return obj;
}

int store_list_audit(struct store *s, uint64_t after, unsigned int limit, struct json_object **ret,
		     struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT " COLUMNS " FROM audit WHERE number > ?1 ORDER BY number"
			    " LIMIT ?2", err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)after);
	sqlite3_bind_int64(q.stmt, 2, limit);
	return query_collect(&q, audit_row, ret, err);
}

int store_audit_hash(struct store *s, uint64_t number, uint8_t ret[32], struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r;

	memset(ret, 0, 32);
	if (number == 0)
		return 0;
	r = query_begin(&q, s, "SELECT hash FROM audit WHERE number = ?1", err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)number);
	if (sqlite3_step(q.stmt) != SQLITE_ROW || sqlite3_column_bytes(q.stmt, 0) != 32)
		return tconn_fail(err, -ENOENT, "audit log: there is no entry %llu",
				  (unsigned long long)number);
	memcpy(ret, sqlite3_column_blob(q.stmt, 0), 32);
	return 0;
}
