// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/database.h"
#include "../lib/digest.h"

#define HEX_SIZE	(2 * STORE_NAME_BYTES + 1)

struct store {
	pthread_mutex_t lock;	/* one transaction at a time */
	sqlite3 *db;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS identities ("
	" role INTEGER NOT NULL, name TEXT NOT NULL, ek TEXT NOT NULL UNIQUE, ak TEXT NOT NULL UNIQUE,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (role, name)) STRICT;"
	/* Kept when an identity is removed: what was issued stays on record. */
	"CREATE TABLE IF NOT EXISTS certificates ("
	" serial TEXT PRIMARY KEY, role INTEGER NOT NULL, name TEXT NOT NULL, use INTEGER NOT NULL,"
	" issued INTEGER NOT NULL, der BLOB NOT NULL) STRICT;"
	"CREATE INDEX IF NOT EXISTS certificates_by_name ON certificates (role, name);";

static int fail_db(struct store *s, struct tconn_error *err)
{
	return tconn_fail(err, -EIO, "database: %s", sqlite3_errmsg(s->db));
}

int store_open(const char *dir, bool create, struct store **ret, struct tconn_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	char path[4096];
	int r;

	if (!s)
		return tconn_fail(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	if (snprintf(path, sizeof(path), "%s/ca.db", dir) >= (int)sizeof(path)) {
		store_close(s);
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	}
	r = tconn_database_open(path, create, schema, &s->db, err);
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

static int execute(struct store *s, const char *sql, struct tconn_error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail_db(s, err);
}

static int prepare(struct store *s, const char *sql, sqlite3_stmt **ret, struct tconn_error *err)
{
	return sqlite3_prepare_v2(s->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : fail_db(s, err);
}

static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
	sqlite3_bind_text(q, at, text, -1, SQLITE_TRANSIENT);
}

/* A statement that gives no rows. */
static int run(struct store *s, sqlite3_stmt *q, struct tconn_error *err)
{
	int r = sqlite3_step(q) == SQLITE_DONE ? 0 : fail_db(s, err);

	sqlite3_finalize(q);
	return r;
}

struct hex_names {
	char ek[HEX_SIZE], ak[HEX_SIZE];
};

static void to_hex(const struct registration *reg, struct hex_names *ret)
{
	tconn_hex(reg->ek, STORE_NAME_BYTES, ret->ek);
	tconn_hex(reg->ak, STORE_NAME_BYTES, ret->ak);
}

static const char *column_text(sqlite3_stmt *q, int column)
{
	const unsigned char *text = sqlite3_column_text(q, column);

	return text ? (const char *)text : "";
}

static const char *role_word(int role)
{
	return role == TCONN_ROLE_DEVICE ? "device" : "service";
}

/* A row that shares the name, the EK or the AK must share all three. */
static int compare_row(sqlite3_stmt *q, const struct registration *reg, const struct hex_names *hex,
		       struct tconn_error *err)
{
	const char *name = column_text(q, 1), *ek = column_text(q, 2), *ak = column_text(q, 3);
	const struct tconn_identity *id = &reg->identity;
	int role = sqlite3_column_int(q, 0);

	if (role != (int)id->role || strcmp(name, id->name))
		return tconn_fail(err, -EACCES, "this %s belongs to %s %s already; one TPM has one identity",
				  strcmp(ek, hex->ek) ? "AK" : "EK", role_word(role), name);
	if (strcmp(ek, hex->ek))
		return tconn_fail(err, -EACCES, "%s %s is registered with another TPM (EK); if that one is "
				  "gone for good, the issuer's operator removes it first", role_word(role),
				  name);
	if (strcmp(ak, hex->ak))
		return tconn_fail(err, -EACCES, "%s %s is registered with another AK; if its TPM was cleared "
				  "on purpose, the issuer's operator removes it first", role_word(role),
				  name);
	return 0;
}

static int check_locked(struct store *s, const struct registration *reg, struct tconn_error *err)
{
	struct hex_names hex;
	sqlite3_stmt *q;
	int r, step;

	to_hex(reg, &hex);
	r = prepare(s, "SELECT role, name, ek, ak FROM identities"
		       " WHERE (role = ?1 AND name = ?2) OR ek = ?3 OR ak = ?4", &q, err);
	if (r)
		return r;
	sqlite3_bind_int(q, 1, reg->identity.role);
	bind_text(q, 2, reg->identity.name);
	bind_text(q, 3, hex.ek);
	bind_text(q, 4, hex.ak);
	while (!r && (step = sqlite3_step(q)) != SQLITE_DONE)
		r = step == SQLITE_ROW ? compare_row(q, reg, &hex, err) : fail_db(s, err);
	sqlite3_finalize(q);
	return r;
}

int store_check(struct store *s, const struct registration *reg, struct tconn_error *err)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = check_locked(s, reg, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int put_identity(struct store *s, const struct registration *reg, struct tconn_error *err)
{
	struct hex_names hex;
	sqlite3_stmt *q;
	int r;

	to_hex(reg, &hex);
	r = prepare(s, "INSERT INTO identities (role, name, ek, ak, first, last)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
		       " ON CONFLICT (role, name) DO UPDATE SET last = ?5", &q, err);
	if (r)
		return r;
	sqlite3_bind_int(q, 1, reg->identity.role);
	bind_text(q, 2, reg->identity.name);
	bind_text(q, 3, hex.ek);
	bind_text(q, 4, hex.ak);
	sqlite3_bind_int64(q, 5, time(NULL));
	return run(s, q, err);
}

static int put_certificate(struct store *s, const struct tconn_identity *id, const struct issued *c,
			   struct tconn_error *err)
{
	char serial[2 * TCONN_SERIAL_BYTES + 1];
	sqlite3_stmt *q;
	int r;

	tconn_hex(c->serial, TCONN_SERIAL_BYTES, serial);
	r = prepare(s, "INSERT INTO certificates (serial, role, name, use, issued, der)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &q, err);
	if (r)
		return r;
	bind_text(q, 1, serial);
	sqlite3_bind_int(q, 2, id->role);
	bind_text(q, 3, id->name);
	sqlite3_bind_int(q, 4, c->use);
	sqlite3_bind_int64(q, 5, time(NULL));
	sqlite3_bind_blob(q, 6, c->der, (int)c->len, SQLITE_TRANSIENT);
	return run(s, q, err);
}

static int record_locked(struct store *s, const struct registration *reg, const struct issued *issued,
			 size_t count, struct tconn_error *err)
{
	int r = execute(s, "BEGIN IMMEDIATE", err);

	if (r)
		return r;
	r = check_locked(s, reg, err);
	if (!r)
		r = put_identity(s, reg, err);
	for (size_t i = 0; i < count && !r; i++)
		r = put_certificate(s, &reg->identity, &issued[i], err);
	if (!r)
		r = execute(s, "COMMIT", err);
	if (r)
		execute(s, "ROLLBACK", NULL);
	return r;
}

int store_record(struct store *s, const struct registration *reg, const struct issued *issued,
		 size_t count, struct tconn_error *err)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = record_locked(s, reg, issued, count, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int list_locked(struct store *s, void (*fn)(const struct listed *l, void *arg), void *arg,
		       struct tconn_error *err)
{
	sqlite3_stmt *q;
	int r, step;

	r = prepare(s, "SELECT role, name, ek, ak, first, last, (SELECT count(*) FROM certificates c"
		       " WHERE c.role = i.role AND c.name = i.name)"
		       " FROM identities i ORDER BY role, name", &q, err);
	if (r)
		return r;
	while ((step = sqlite3_step(q)) == SQLITE_ROW) {
		struct listed l = {
			.role = (enum tconn_role)sqlite3_column_int(q, 0),
			.name = column_text(q, 1),
			.ek = column_text(q, 2),
			.ak = column_text(q, 3),
			.first = sqlite3_column_int64(q, 4),
			.last = sqlite3_column_int64(q, 5),
			.certificates = sqlite3_column_int(q, 6),
		};

		fn(&l, arg);
	}
	r = step == SQLITE_DONE ? 0 : fail_db(s, err);
	sqlite3_finalize(q);
	return r;
}

int store_list(struct store *s, void (*fn)(const struct listed *l, void *arg), void *arg,
	       struct tconn_error *err)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = list_locked(s, fn, arg, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int remove_locked(struct store *s, const struct tconn_identity *id, struct tconn_error *err)
{
	sqlite3_stmt *q;
	int r = prepare(s, "DELETE FROM identities WHERE role = ?1 AND name = ?2", &q, err);

	if (r)
		return r;
	sqlite3_bind_int(q, 1, id->role);
	bind_text(q, 2, id->name);
	r = run(s, q, err);
	if (!r && !sqlite3_changes(s->db))
		r = tconn_fail(err, -ENOENT, "there is no %s %s", role_word((int)id->role), id->name);
	return r;
}

int store_remove(struct store *s, const struct tconn_identity *identity, struct tconn_error *err)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = remove_locked(s, identity, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}
