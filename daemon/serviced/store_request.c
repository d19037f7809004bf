// SPDX-License-Identifier: Apache-2.0
/* Requests with their nonces, and the receipts that they ended in. */
#include "store_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/jsonline.h"

int store_add_request(struct store *s, const char *device, uint32_t kind, const uint8_t nonce[32],
		      const uint8_t *statement, size_t statement_len, uint64_t *ret_id,
		      struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "INSERT INTO requests (device, time, kind, nonce, statement)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, device);
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
	query_bind_text(&q, 2, status);
	query_bind_text(&q, 3, outcome);
	query_bind_text(&q, 4, why);
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
	query_bind_text(&q, 2, device);
	sqlite3_bind_int64(q.stmt, 3, time(NULL));
	query_bind_text(&q, 4, outcome);
	sqlite3_bind_blob(q.stmt, 5, cose->data, (int)cose->len, SQLITE_TRANSIENT);
	r = query_run(&q, err);
	if (r == 0)
		*ret_number = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return r;
}

static struct json_object *receipt_row(const struct query *q)
{
	struct json_object *obj = json_object_new_object();

	query_add_integer(obj, "receipt", q, 0);
	query_add_integer(obj, "request", q, 1);
	tconn_json_add_string(obj, "device", query_text(q, 2));
	query_add_integer(obj, "time", q, 3);
	tconn_json_add_string(obj, "outcome", query_text(q, 4));
	return obj;
}

int store_list_receipts(struct store *s, struct json_object **ret, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT number, request, device, time, outcome FROM receipts"
			    " ORDER BY number", err);

	return r < 0 ? r : query_collect(&q, receipt_row, ret, err);
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
		return store_fail(s, err);
	len = (size_t)sqlite3_column_bytes(q.stmt, 0);
	ret->data = malloc(len ? len : 1);
	if (!ret->data)
		return tconn_fail(err, -ENOMEM, "out of memory");
	memcpy(ret->data, sqlite3_column_blob(q.stmt, 0), len);
	ret->len = len;
	return 0;
}
