// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/database.h"
#include "../lib/digest.h"

#define HEX_SIZE	(2 * STORE_NAME_BYTES + 1)

struct store {
	struct tconn_database *db;
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

int store_open(const char *dir, bool create, struct store **ret, struct tconn_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	char path[4096];
	int r;

	if (!s)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (snprintf(path, sizeof(path), "%s/ca.db", dir) >= (int)sizeof(path)) {
		store_close(s);
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	}
	r = tconn_database_open_sqlite(path, create, schema, &s->db, err);
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
	tconn_database_close(s->db);
	free(s);
}

struct hex_names {
	char ek[HEX_SIZE], ak[HEX_SIZE];
};

static void to_hex(const struct registration *reg, struct hex_names *ret)
{
	tconn_hex(reg->ek, STORE_NAME_BYTES, ret->ek);
	tconn_hex(reg->ak, STORE_NAME_BYTES, ret->ak);
}

static const char *role_word(int role)
{
	return role == TCONN_ROLE_DEVICE ? "device" : "service";
}

/* A row that shares the name, the EK or the AK must share all three. */
static int compare_row(const struct tconn_query *q, const struct registration *reg, const struct hex_names *hex,
		       struct tconn_error *err)
{
	const char *name = tconn_query_get_text(q, 1), *ek = tconn_query_get_text(q, 2), *ak = tconn_query_get_text(q, 3);
	const struct tconn_identity *id = &reg->identity;
	int role = (int)tconn_query_get_integer(q, 0);

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

static void ask_for(struct tconn_query *q, const struct registration *reg, const struct hex_names *hex)
{
	tconn_query_begin(q, "SELECT role, name, ek, ak FROM identities"
			  " WHERE (role = $1 AND name = $2) OR ek = $3 OR ak = $4");
	tconn_query_integer(q, reg->identity.role);
	tconn_query_text(q, reg->identity.name);
	tconn_query_text(q, hex->ek);
	tconn_query_text(q, hex->ak);
}

static int compare_rows(struct tconn_query *q, const struct registration *reg,
			const struct hex_names *hex, struct tconn_error *err)
{
	int r = 0;

	while (!r && tconn_query_next(q))
		r = compare_row(q, reg, hex, err);
	return r;
}

int store_check(struct store *s, const struct registration *reg, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	struct hex_names hex;
	int r;

	to_hex(reg, &hex);
	ask_for(&q, reg, &hex);
	r = tconn_query_run(&q, s->db, err);
	return r ? r : compare_rows(&q, reg, &hex, err);
}

static int check_in(struct tconn_transaction *t, const struct registration *reg,
		    struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	struct hex_names hex;
	int r;

	to_hex(reg, &hex);
	ask_for(&q, reg, &hex);
	r = tconn_query_run_in(&q, t, err);
	return r ? r : compare_rows(&q, reg, &hex, err);
}

static int put_identity(struct tconn_transaction *t, const struct registration *reg,
			struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	struct hex_names hex;

	to_hex(reg, &hex);
	tconn_query_begin(&q, "INSERT INTO identities (role, name, ek, ak, first, last)"
			  " VALUES ($1, $2, $3, $4, $5, $5)"
			  " ON CONFLICT (role, name) DO UPDATE SET last = $5");
	tconn_query_integer(&q, reg->identity.role);
	tconn_query_text(&q, reg->identity.name);
	tconn_query_text(&q, hex.ek);
	tconn_query_text(&q, hex.ak);
	tconn_query_integer(&q, time(NULL));
	return tconn_query_run_in(&q, t, err);
}

static int put_certificate(struct tconn_transaction *t, const struct tconn_identity *id,
			   const struct issued *c, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	char serial[2 * TCONN_SERIAL_BYTES + 1];

	tconn_hex(c->serial, TCONN_SERIAL_BYTES, serial);
	tconn_query_begin(&q, "INSERT INTO certificates (serial, role, name, use, issued, der)"
			  " VALUES ($1, $2, $3, $4, $5, $6)");
	tconn_query_text(&q, serial);
	tconn_query_integer(&q, id->role);
	tconn_query_text(&q, id->name);
	tconn_query_integer(&q, c->use);
	tconn_query_integer(&q, time(NULL));
	tconn_query_blob(&q, c->der, c->len);
	return tconn_query_run_in(&q, t, err);
}

struct record {
	const struct registration *reg;
	const struct issued *issued;
	size_t count;
};

static int record(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	const struct record *a = arg;
	int r = check_in(t, a->reg, err);

	if (!r)
		r = put_identity(t, a->reg, err);
	for (size_t i = 0; i < a->count && !r; i++)
		r = put_certificate(t, &a->reg->identity, &a->issued[i], err);
	return r;
}

int store_record(struct store *s, const struct registration *reg, const struct issued *issued,
		 size_t count, struct tconn_error *err)
{
	struct record a = { .reg = reg, .issued = issued, .count = count };
	int r = tconn_database_transact(s->db, record, &a, err);

	return r == -EEXIST ? -EIO : r;
}

int store_list(struct store *s, void (*fn)(const struct listed *l, void *arg), void *arg,
	       struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT role, name, ek, ak, first, last, (SELECT count(*) FROM certificates c"
			  " WHERE c.role = i.role AND c.name = i.name)"
			  " FROM identities i ORDER BY role, name");
	r = tconn_query_run(&q, s->db, err);
	while (!r && tconn_query_next(&q)) {
		struct listed l = {
			.role = (enum tconn_role)tconn_query_get_integer(&q, 0),
			.name = tconn_query_get_text(&q, 1),
			.ek = tconn_query_get_text(&q, 2),
			.ak = tconn_query_get_text(&q, 3),
			.first = tconn_query_get_integer(&q, 4),
			.last = tconn_query_get_integer(&q, 5),
			.certificates = (int)tconn_query_get_integer(&q, 6),
		};

		fn(&l, arg);
	}
	return r;
}

int store_remove(struct store *s, const struct tconn_identity *id, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "DELETE FROM identities WHERE role = $1 AND name = $2");
	tconn_query_integer(&q, id->role);
	tconn_query_text(&q, id->name);
	r = tconn_query_run(&q, s->db, err);
	if (!r && !q.changes)
		r = tconn_fail(err, -ENOENT, "there is no %s %s", role_word((int)id->role), id->name);
	return r;
}
