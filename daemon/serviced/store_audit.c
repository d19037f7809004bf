// SPDX-License-Identifier: Apache-2.0
/* The audit log: lib/audit.h says how its entries hang together. Nothing here takes one back. */
#include <errno.h>
#include <json-c/json.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/audit.h"
#include "../lib/database_postgres.h"
#include "../lib/digest.h"
#include "../lib/jsonline.h"
#include "store_part.h"

#define COLUMNS "number, time, who, what, subject, detail, hash"

/* Entries back from the last one that a writer may still ask for: each has one under way. */
#define MARKS_KEPT	10000

/*
 * One that is being appended; number 0 before the first try. The mark is this writer's:
 * another may say the very same in the same second.
 */
struct append {
	struct tconn_audit_entry e;
	uint8_t hash[32];
	uint8_t mark[16];
};

/* An earlier try that nobody was told of did it. */
static int is_there(struct tconn_transaction *t, const struct append *a, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT 1 FROM audit_marks WHERE number = $1 AND mark = $2");
	tconn_query_integer(&q, (int64_t)a->e.number);
	tconn_query_blob(&q, a->mark, sizeof(a->mark));
	r = tconn_query_run_in(&q, t, err);
	return r < 0 ? r : tconn_query_next(&q);
}

/* The last entry's number and hash; 0 and zeros before the first. */
static int read_last(struct tconn_transaction *t, uint64_t *ret_number, uint8_t ret_hash[32],
		     struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	const uint8_t *hash;
	size_t len;
	int r;

	*ret_number = 0;
	memset(ret_hash, 0, 32);
	tconn_query_begin(&q, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
	r = tconn_query_run_in(&q, t, err);
	if (r < 0 || !tconn_query_next(&q))
		return r;
	hash = tconn_query_get_blob(&q, 1, &len);
	if (len != 32)
		return tconn_fail(err, -EIO, "database: the audit log's last entry cannot be read");
	*ret_number = (uint64_t)tconn_query_get_integer(&q, 0);
	memcpy(ret_hash, hash, 32);
	return 0;
}

static int insert(struct tconn_transaction *t, const struct append *a, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "INSERT INTO audit (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7)");
	tconn_query_integer(&q, (int64_t)a->e.number);
	tconn_query_integer(&q, a->e.time);
	tconn_query_text(&q, a->e.who);
	tconn_query_text(&q, a->e.what);
	tconn_query_text(&q, a->e.subject);
	tconn_query_text(&q, a->e.detail);
	tconn_query_blob(&q, a->hash, 32);
	return tconn_query_run_in(&q, t, err);
}

static int insert_mark(struct tconn_transaction *t, const struct append *a, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query old = { 0 }, q = { 0 };
	int r;

	tconn_query_begin(&old, "DELETE FROM audit_marks WHERE number <= $1");
	tconn_query_integer(&old, (int64_t)a->e.number - MARKS_KEPT);
	r = tconn_query_run_in(&old, t, err);
	if (r < 0)
		return r;
	tconn_query_begin(&q, "INSERT INTO audit_marks (number, mark) VALUES ($1, $2)");
	tconn_query_integer(&q, (int64_t)a->e.number);
	tconn_query_blob(&q, a->mark, sizeof(a->mark));
	return tconn_query_run_in(&q, t, err);
}

static int append(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	struct append *a = arg;
	uint8_t before[32];
	int r = tconn_transaction_lock(t, "audit", err);

	if (r == 0 && a->e.number)
		r = is_there(t, a, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = read_last(t, &a->e.number, before, err);
	if (r < 0)
		return r;
	a->e.number++;
	a->e.time = time(NULL);
	tconn_audit_hash(before, &a->e, a->hash);
	r = insert(t, a, err);
	return r < 0 ? r : insert_mark(t, a, err);
}

/* One transaction: of two writers, also in two processes, one comes after the other. */
int store_audit(struct store *s, const char *who, const char *what, const char *subject,
		const char *detail, struct tconn_error *err)
{
	char *text[4] = {
		tconn_postgres_text(who), tconn_postgres_text(what), tconn_postgres_text(subject),
		tconn_postgres_text(detail),
	};
	/* As each database keeps it and JSON shows it: what is hashed is UTF-8. */
	struct append a = { .e = { .who = text[0], .what = text[1], .subject = text[2], .detail = text[3] } };
	int r;

	if (strlen(detail) > TCONN_AUDIT_DETAIL)
		r = tconn_fail(err, -EMSGSIZE, "audit log: detail of over %u bytes", TCONN_AUDIT_DETAIL);
	else if (!text[0] || !text[1] || !text[2] || !text[3])
		r = tconn_fail(err, -ENOMEM, "out of memory");
	else if (RAND_bytes(a.mark, sizeof(a.mark)) != 1)
		r = tconn_fail(err, -EIO, "no random bytes");
	else
		r = tconn_database_transact(s->db, append, &a, err);
	for (int i = 0; i < 4; i++)
		free(text[i]);
	if (r == -EMSGSIZE)
		return r;
	return r < 0 ? tconn_fail_in(err, -EIO, "audit log") : 0;
}

static struct json_object *audit_row(const struct tconn_query *q)
{
	static const char *const names[] = { "who", "what", "subject", "detail" };
	struct json_object *obj = json_object_new_object();
	const uint8_t *hash;
	char hex[65] = "";
	size_t len;

	query_add_integer(obj, "number", q, 0);
	query_add_integer(obj, "time", q, 1);
	for (unsigned int i = 0; i < 4; i++)
		tconn_json_add_string(obj, names[i], tconn_query_get_text(q, 2 + i));
	hash = tconn_query_get_blob(q, 6, &len);
	if (len == 32)
		tconn_hex(hash, 32, hex);
	tconn_json_add_string(obj, "hash", hex);
	return obj;
}

int store_list_audit(struct store *s, uint64_t after, unsigned int limit, struct json_object **ret,
		     struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "SELECT " COLUMNS " FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
	tconn_query_integer(&q, (int64_t)after);
	tconn_query_integer(&q, limit);
	return query_collect(s, &q, audit_row, ret, err);
}

int store_audit_hash(struct store *s, uint64_t number, uint8_t ret[32], struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	const uint8_t *hash;
	size_t len;
	int r;

	memset(ret, 0, 32);
	if (number == 0)
		return 0;
	tconn_query_begin(&q, "SELECT hash FROM audit WHERE number = $1");
	tconn_query_integer(&q, (int64_t)number);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0)
		return r;
	tconn_query_next(&q);
	hash = tconn_query_get_blob(&q, 0, &len);
	if (len != 32)
		return tconn_fail(err, -ENOENT, "audit log: there is no entry %llu",
				  (unsigned long long)number);
	memcpy(ret, hash, 32);
	return 0;
}
