// SPDX-License-Identifier: Apache-2.0
/* Requests with their nonces, and the receipts that they ended in. */
#include "store_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/cbor_util.h"
#include "../lib/jsonline.h"

/* The row that was made: its number. */
static int take_number(struct tconn_query *q, uint64_t *ret, struct tconn_error *err)
{
	if (!tconn_query_next(q))
		return tconn_fail(err, -EIO, "database: what was written has no number");
	*ret = (uint64_t)tconn_query_get_integer(q, 0);
	return 0;
}

int store_add_request(struct store *s, const char *device, uint32_t kind, const uint8_t nonce[32],
		      const uint8_t *statement, size_t statement_len, uint64_t *ret_id,
		      struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "INSERT INTO requests (device, time, kind, nonce, statement)"
			  " VALUES ($1, $2, $3, $4, $5) RETURNING id");
	tconn_query_once(&q);
	tconn_query_text(&q, device);
	tconn_query_integer(&q, time(NULL));
	tconn_query_integer(&q, kind);
	tconn_query_blob(&q, nonce, 32);
	tconn_query_blob(&q, statement, statement_len);
	r = tconn_query_run(&q, s->db, err);
	return r < 0 ? r : take_number(&q, ret_id, err);
}

int store_finish_request(struct store *s, uint64_t id, const char *status, const char *outcome,
			 const char *why, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "UPDATE requests SET status = $2, outcome = $3, why = $4 WHERE id = $1");
	tconn_query_integer(&q, (int64_t)id);
	tconn_query_text(&q, status);
	tconn_query_text(&q, outcome);
	tconn_query_text(&q, why);
	return tconn_query_run(&q, s->db, err);
}

/* The same receipt once more is the same receipt: a server that went away before it said that
 * it has it is asked again. Another one for this request gives no row.
 */
int store_add_receipt(struct store *s, uint64_t request, const char *device, const char *outcome,
		      const struct tconn_bytes *cose, uint64_t *ret_number, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "INSERT INTO receipts (request, device, time, outcome, cose)"
			  " VALUES ($1, $2, $3, $4, $5)"
			  " ON CONFLICT (request) DO UPDATE SET request = receipts.request"
			  " WHERE receipts.cose = excluded.cose RETURNING number");
	tconn_query_integer(&q, (int64_t)request);
	tconn_query_text(&q, device);
	tconn_query_integer(&q, time(NULL));
	tconn_query_text(&q, outcome);
	tconn_query_blob(&q, cose->data, cose->len);
	r = tconn_query_run(&q, s->db, err);
	if (r == 0 && q.rows == 0)
		return tconn_fail(err, -EEXIST, "request %llu has another receipt already",
				  (unsigned long long)request);
	return r < 0 ? r : take_number(&q, ret_number, err);
}

static struct json_object *receipt_row(const struct tconn_query *q)
{
	struct json_object *obj = json_object_new_object();

	query_add_integer(obj, "receipt", q, 0);
	query_add_integer(obj, "request", q, 1);
	tconn_json_add_string(obj, "device", tconn_query_get_text(q, 2));
	query_add_integer(obj, "time", q, 3);
	tconn_json_add_string(obj, "outcome", tconn_query_get_text(q, 4));
	return obj;
}

int store_list_receipts(struct store *s, struct json_object **ret, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "SELECT number, request, device, time, outcome FROM receipts"
			  " ORDER BY number");
	return query_collect(s, &q, receipt_row, ret, err);
}

int store_get_receipt(struct store *s, uint64_t number, struct tconn_bytes *ret,
		      struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	const uint8_t *cose;
	size_t len;
	int r;

	tconn_query_begin(&q, "SELECT cose FROM receipts WHERE number = $1");
	tconn_query_integer(&q, (int64_t)number);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0)
		return r;
	if (!tconn_query_next(&q))
		return tconn_fail(err, -ENOENT, "there is no receipt %llu",
				  (unsigned long long)number);
	cose = tconn_query_get_blob(&q, 0, &len);
	return tconn_bytes_copy(ret, cose, len, err);
}
