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

struct revoke {
	const char *kind, *subject, *reason;
};

/* One at a time: who has seen a number has seen those below it, on each node. */
static int insert(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	const struct revoke *a = arg;
	int r = tconn_transaction_lock(t, "revocations", err);

	if (r < 0)
		return r;
	tconn_query_begin(&q, "INSERT INTO revocations (kind, subject, time, reason)"
			  " VALUES ($1, $2, $3, $4)");
	tconn_query_text(&q, a->kind);
	tconn_query_text(&q, a->subject);
	tconn_query_integer(&q, time(NULL));
	tconn_query_text(&q, a->reason);
	return tconn_query_run_in(&q, t, err);
}

int store_revoke(struct store *s, const char *kind, const char *subject, const char *reason,
		 struct tconn_error *err)
{
	struct revoke a = { .kind = kind, .subject = subject, .reason = reason };
	int r = check_subject(kind, subject, err);

	if (r == 0)
		r = check_reason(reason, err);
	if (r == 0)
		r = tconn_database_transact(s->db, insert, &a, err);
	return r == -EEXIST ? tconn_fail(err, r, "%s %s is revoked already", kind, subject) : r;
}

int store_lift(struct store *s, const char *kind, const char *subject, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "UPDATE revocations SET lifted = $3"
			  " WHERE kind = $1 AND subject = $2 AND lifted IS NULL");
	tconn_query_once(&q);
	tconn_query_text(&q, kind);
	tconn_query_text(&q, subject);
	tconn_query_integer(&q, time(NULL));
	r = tconn_query_run(&q, s->db, err);
	if (r == 0 && q.changes == 0)
		r = tconn_fail(err, -ENOENT, "%s %s is not revoked", kind, subject);
	return r;
}

int store_check_revoked(struct store *s, const char *kind, const char *subject,
			struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	char since[STORE_TIME_TEXT];
	int r;

	tconn_query_begin(&q, "SELECT time, reason FROM revocations"
			  " WHERE kind = $1 AND subject = $2 AND lifted IS NULL");
	tconn_query_text(&q, kind);
	tconn_query_text(&q, subject);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0 || !tconn_query_next(&q))
		return r;
	return tconn_fail(err, -EKEYREVOKED, "revoked: %s %s, since %s: %s", kind, subject,
			  store_time_text(tconn_query_get_integer(&q, 0), since),
			  tconn_query_get_text(&q, 1));
}

int store_next_revocation(struct store *s, uint64_t number, struct store_revocation *ret,
			  struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT number, kind, subject FROM revocations"
			  " WHERE number > $1 AND lifted IS NULL ORDER BY number LIMIT 1");
	tconn_query_integer(&q, (int64_t)number);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0 || !tconn_query_next(&q))
		return r;
	ret->number = (uint64_t)tconn_query_get_integer(&q, 0);
	snprintf(ret->kind, sizeof(ret->kind), "%s", tconn_query_get_text(&q, 1));
	snprintf(ret->subject, sizeof(ret->subject), "%s", tconn_query_get_text(&q, 2));
	return 1;
}

static struct json_object *revocation_row(const struct tconn_query *q)
{
	struct json_object *obj = json_object_new_object();

	query_add_integer(obj, "number", q, 0);
	tconn_json_add_string(obj, "kind", tconn_query_get_text(q, 1));
	tconn_json_add_string(obj, "subject", tconn_query_get_text(q, 2));
	query_add_integer(obj, "time", q, 3);
	tconn_json_add_string(obj, "reason", tconn_query_get_text(q, 4));
	query_add_integer(obj, "lifted", q, 5);
	return obj;
}

int store_list_revocations(struct store *s, struct json_object **ret, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "SELECT number, kind, subject, time, reason, lifted"
			  " FROM revocations ORDER BY number");
	return query_collect(s, &q, revocation_row, ret, err);
}
