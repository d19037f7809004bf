// SPDX-License-Identifier: Apache-2.0
/* What was revoked, why and since when; what was lifted again stays as a line. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/jsonline.h"
#include "../lib/revocation.h"
#include "store_part.h"

static int check_subject(const char *kind, const char *subject, struct tconn_error *err)
{
	size_t len = strlen(subject);

	if (strcmp(kind, STORE_DEVICE) == 0)
		return tconn_identity_name_check(TCONN_ROLE_DEVICE, subject, err);
	if (strcmp(kind, STORE_CERTIFICATE))
		return tconn_fail(err, -EINVAL, "what is revoked is a device or a certificate");
	if (!len || len >= TCONN_SERIAL_TEXT || strspn(subject, "0123456789abcdef") != len ||
	    (subject[0] == '0' && len > 1))
		return tconn_fail(err, -EINVAL, "a certificate's number is 1 to %d lower-case hex digits, "
				  "the first not 0", TCONN_SERIAL_TEXT - 1);
	return 0;
}

static int check_reason(const char *reason, struct tconn_error *err)
{
	size_t len = strlen(reason);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)reason[i] < 0x20 || reason[i] == 0x7f)
			len = 0;
	if (!len || len >= STORE_REASON_MAX)
		return tconn_fail(err, -EINVAL, "a reason is 1 to %d bytes of text, no control characters",
				  STORE_REASON_MAX - 1);
	return 0;
}

int store_revoke(struct store *s, const char *kind, const char *subject, const char *reason,
		 struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = check_subject(kind, subject, err);

	if (r == 0)
		r = check_reason(reason, err);
	if (r == 0)
		r = query_begin(&q, s, "INSERT INTO revocations (kind, subject, time, reason)"
				" VALUES (?1, ?2, ?3, ?4)", err);
	if (r < 0)
		return r;
	query_bind_text(&q, 1, kind);
	query_bind_text(&q, 2, subject);
	sqlite3_bind_int64(q.stmt, 3, time(NULL));
	query_bind_text(&q, 4, reason);
	r = query_run(&q, err);
	return r == -EEXIST ? tconn_fail(err, r, "%s %s is revoked already", kind, subject) : r;
}

int store_lift(struct store *s, const char *kind, const char *subject, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "UPDATE revocations SET lifted = ?3"
			    " WHERE kind = ?1 AND subject = ?2 AND lifted IS NULL", err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, kind);
	query_bind_text(&q, 2, subject);
	sqlite3_bind_int64(q.stmt, 3, time(NULL));
	r = query_run(&q, err);
	if (r == 0 && sqlite3_changes(s->db) == 0)
		r = tconn_fail(err, -ENOENT, "%s %s is not revoked", kind, subject);
	return r;
}

int store_check_revoked(struct store *s, const char *kind, const char *subject,
			struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', time, 'unixepoch'), reason"
			    " FROM revocations WHERE kind = ?1 AND subject = ?2 AND lifted IS NULL",
			    err);

	if (r < 0)
		return r;
	query_bind_text(&q, 1, kind);
	query_bind_text(&q, 2, subject);
	switch (sqlite3_step(q.stmt)) {
	case SQLITE_ROW:
		return tconn_fail(err, -EKEYREVOKED, "revoked: %s %s, since %s: %s", kind, subject,
				  query_text(&q, 0), query_text(&q, 1));
	case SQLITE_DONE:
		return 0;
	}
	return store_fail(s, err);
}

int store_next_revocation(struct store *s, uint64_t number, struct store_revocation *ret,
			  struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT number, kind, subject FROM revocations"
			    " WHERE number > ?1 AND lifted IS NULL ORDER BY number LIMIT 1", err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(q.stmt, 1, (sqlite3_int64)number);
	r = sqlite3_step(q.stmt);
	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? 0 : store_fail(s, err);
	ret->number = (uint64_t)sqlite3_column_int64(q.stmt, 0);
	snprintf(ret->kind, sizeof(ret->kind), "%s", query_text(&q, 1));
	snprintf(ret->subject, sizeof(ret->subject), "%s", query_text(&q, 2));
	return 1;
}

static struct json_object *revocation_row(const struct query *q)
{
	struct json_object *obj = json_object_new_object();

	query_add_integer(obj, "number", q, 0);
	tconn_json_add_string(obj, "kind", query_text(q, 1));
	tconn_json_add_string(obj, "subject", query_text(q, 2));
	query_add_integer(obj, "time", q, 3);
	tconn_json_add_string(obj, "reason", query_text(q, 4));
	query_add_integer(obj, "lifted", q, 5);
	return obj;
}

int store_list_revocations(struct store *s, struct json_object **ret, struct tconn_error *err)
{
	_cleanup_query_ struct query q = { 0 };
	int r = query_begin(&q, s, "SELECT number, kind, subject, time, reason, lifted"
			    " FROM revocations ORDER BY number", err);

	return r < 0 ? r : query_collect(&q, revocation_row, ret, err);
}
