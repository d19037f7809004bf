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
	/* A service of several nodes: its further TPMs, and how many more the operator lets in. */
	"CREATE TABLE IF NOT EXISTS nodes ("
	" ek TEXT PRIMARY KEY, ak TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS nodes_to_come ("
	" name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;"
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

/* What is known of who comes. */
struct match {
	bool known;		/* with this name, EK and AK */
	bool other;		/* the name, as a service's, with neither */
};

/* A row that shares the name, the EK or the AK must share all three; of a service's nodes each has a
 * TPM of its own.
 */
static int compare_row(const struct tconn_query *q, const struct registration *reg,
		       const struct hex_names *hex, struct match *m, struct tconn_error *err)
{
	const char *name = tconn_query_get_text(q, 1);
	const bool same_ek = !strcmp(tconn_query_get_text(q, 2), hex->ek);
	const bool same_ak = !strcmp(tconn_query_get_text(q, 3), hex->ak);
	const struct tconn_identity *id = &reg->identity;
	int role = (int)tconn_query_get_integer(q, 0);

	if (role != (int)id->role || strcmp(name, id->name))
		return tconn_fail(err, -EACCES, "this %s belongs to %s %s already; one TPM has one identity",
				  same_ek ? "EK" : "AK", role_word(role), name);
	m->known |= same_ek && same_ak;
	if (role == TCONN_ROLE_SERVICE && !same_ek && !same_ak) {
		m->other = true;
		return 0;
	}
	if (!same_ek)
		return tconn_fail(err, -EACCES, "%s %s is registered with another TPM (EK); if that one is "
				  "gone for good, the issuer's operator removes it first", role_word(role),
				  name);
	if (!same_ak)
		return tconn_fail(err, -EACCES, "%s %s is registered with another AK; if its TPM was cleared "
				  "on purpose, the issuer's operator removes it first", role_word(role),
				  name);
	return 0;
}

static int find(struct tconn_transaction *t, const struct registration *reg, const struct hex_names *hex,
		struct match *ret, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	*ret = (struct match){ 0 };
	tconn_query_begin(&q, "SELECT role, name, ek, ak FROM identities"
			  " WHERE (role = $1 AND name = $2) OR ek = $3 OR ak = $4"
			  " UNION ALL SELECT $5, name, ek, ak FROM nodes"
			  " WHERE ($1 = $5 AND name = $2) OR ek = $3 OR ak = $4");
	tconn_query_integer(&q, reg->identity.role);
	tconn_query_text(&q, reg->identity.name);
	tconn_query_text(&q, hex->ek);
	tconn_query_text(&q, hex->ak);
	tconn_query_integer(&q, TCONN_ROLE_SERVICE);
	r = tconn_query_run_in(&q, t, err);
	while (!r && tconn_query_next(&q))
		r = compare_row(&q, reg, hex, ret, err);
	return r;
}

static int check_to_come(struct tconn_transaction *t, const char *name, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT 1 FROM nodes_to_come WHERE name = $1 AND count > 0");
	tconn_query_text(&q, name);
	r = tconn_query_run_in(&q, t, err);
	if (r || tconn_query_next(&q))
		return r;
	return tconn_fail(err, -EACCES, "service %s is registered with another TPM (EK); if that one is gone "
			  "for good, the issuer's operator removes it first; if this is one node more: "
			  "tconn-ca add-node", name);
}

struct record {
	const struct registration *reg;
	const struct issued *issued;
	size_t count;
	struct hex_names hex;
	struct match match;
};

static int check(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	struct record *a = arg;
	int r;

	to_hex(a->reg, &a->hex);
	r = find(t, a->reg, &a->hex, &a->match, err);
	return r || a->match.known || !a->match.other ? r : check_to_come(t, a->reg->identity.name, err);
}

int store_check(struct store *s, const struct registration *reg, struct tconn_error *err)
{
	struct record a = { .reg = reg };

	return tconn_database_transact(s->db, check, &a, err);
}

static int run_for_tpm(struct tconn_transaction *t, const struct record *a, const char *sql,
		       struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, sql);
	tconn_query_text(&q, a->hex.ek);
	tconn_query_text(&q, a->hex.ak);
	tconn_query_integer(&q, time(NULL));
	tconn_query_text(&q, a->reg->identity.name);
	tconn_query_integer(&q, a->reg->identity.role);
	return tconn_query_run_in(&q, t, err);
}

static int put_identity(struct tconn_transaction *t, const struct record *a, struct tconn_error *err)
{
	int r;

	if (a->match.known) {
		r = run_for_tpm(t, a, "UPDATE identities SET last = $3 WHERE ek = $1", err);
		return r ? r : run_for_tpm(t, a, "UPDATE nodes SET last = $3 WHERE ek = $1", err);
	}
	if (!a->match.other)
		return run_for_tpm(t, a, "INSERT INTO identities (role, name, ek, ak, first, last)"
				   " VALUES ($5, $4, $1, $2, $3, $3)", err);
	r = run_for_tpm(t, a, "INSERT INTO nodes (ek, ak, name, first, last) VALUES ($1, $2, $4, $3, $3)",
			err);
	return r ? r : run_for_tpm(t, a, "UPDATE nodes_to_come SET count = count - 1 WHERE name = $4", err);
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

static int record(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	struct record *a = arg;
	int r = check(t, a, err);

	if (!r)
		r = put_identity(t, a, err);
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
			  " WHERE c.role = i.role AND c.name = i.name) FROM (SELECT role, name, ek, ak, first, last"
			  " FROM identities UNION ALL SELECT $1, name, ek, ak, first, last FROM nodes) i"
			  " ORDER BY role, name, first");
	tconn_query_integer(&q, TCONN_ROLE_SERVICE);
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

int store_add_node(struct store *s, const char *name, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "INSERT INTO nodes_to_come (name, count)"
			  " SELECT name, 1 FROM identities WHERE role = $1 AND name = $2"
			  " ON CONFLICT (name) DO UPDATE SET count = nodes_to_come.count + 1");
	tconn_query_integer(&q, TCONN_ROLE_SERVICE);
	tconn_query_text(&q, name);
	r = tconn_query_run(&q, s->db, err);
	if (!r && !q.changes)
		r = tconn_fail(err, -ENOENT, "there is no service %s; its first node needs no word", name);
	return r;
}

static int remove_rows(struct tconn_transaction *t, const char *sql, const struct tconn_identity *id,
		       uint64_t *ret_count, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, sql);
	tconn_query_text(&q, id->name);
	tconn_query_integer(&q, id->role);
	r = tconn_query_run_in(&q, t, err);
	*ret_count += q.changes;
	return r;
}

static int forget(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	const struct tconn_identity *id = arg;
	uint64_t count = 0, ignored = 0;
	int r = remove_rows(t, "DELETE FROM identities WHERE role = $2 AND name = $1", id, &count, err);

	if (!r && id->role == TCONN_ROLE_SERVICE)
		r = remove_rows(t, "DELETE FROM nodes WHERE name = $1", id, &ignored, err);
	if (!r && id->role == TCONN_ROLE_SERVICE)
		r = remove_rows(t, "DELETE FROM nodes_to_come WHERE name = $1", id, &ignored, err);
	if (!r && !count)
		r = tconn_fail(err, -ENOENT, "there is no %s %s", role_word((int)id->role), id->name);
	return r;
}

int store_remove(struct store *s, const struct tconn_identity *id, struct tconn_error *err)
{
	struct tconn_identity copy = *id;

	return tconn_database_transact(s->db, forget, &copy, err);
}
