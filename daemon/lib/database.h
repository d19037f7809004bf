/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon's database, of one of two kinds:
 *
 *  SQLite, a file of the daemon's own: write-ahead log, synced at each commit, the
 *  file and its -wal and -shm readable by the daemon's user alone, links refused. One
 *  connection writes. What several threads write at the same time is one batch with
 *  one sync, each in a savepoint of its own; so none waits for a lock of another, and
 *  none is told that the database is locked.
 *
 *  PostgreSQL, a server that several daemons share: database_postgres.h.
 *
 * SQL is written once, as far as both have it: parameters are $1, $2...; integers
 * have 64 bits; "returning" gives what was made. What is in a transaction may run
 * more than once before it is committed, once.
 *
 * Any thread may call; rows are kept in the query until its end.
 */
#ifndef TCONN_DATABASE_H
#define TCONN_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_DATABASE_BUSY_MS	20000	/* another process writes: wait this long */
#define TCONN_QUERY_PARAMS	10

struct tconn_database;
struct tconn_transaction;

struct tconn_value {
	enum { TCONN_VALUE_NULL, TCONN_VALUE_INTEGER, TCONN_VALUE_TEXT, TCONN_VALUE_BLOB } type;
	int64_t integer;
	void *data;		/* of a text or blob in a row: owned, terminated */
	size_t len;
};

struct tconn_query {
	const char *sql;	/* a string literal: statements are kept by its address */
	bool once;		/* see tconn_query_once() */
	struct tconn_value param[TCONN_QUERY_PARAMS];	/* text and blobs are borrowed */
	unsigned int params;
	struct tconn_value *cell;			/* rows, one after the other */
	size_t rows, columns, row;			/* row: 0 before the first */
	uint64_t changes;	/* rows that were inserted, updated or deleted */
};

#define _cleanup_query_ __attribute__((cleanup(tconn_query_end)))

/* Runs schema (CREATE ... IF NOT EXISTS) once it is open. -EIO with SQLite's reason. */
int tconn_database_open_sqlite(const char *path, bool create, const char *schema,
			       struct tconn_database **ret, struct tconn_error *err);
void tconn_database_close(struct tconn_database *db);	/* accepts NULL */

/* work() fails or succeeds as a whole, with what it returns. It must not keep anything from one run
 * to the next that a run which was not committed may have left. -EIO: it is not done, or (a server
 * that went away meanwhile, or a disk) nobody can tell.
 */
int tconn_database_transact(struct tconn_database *db,
			    int (*work)(struct tconn_transaction *t, void *arg, struct tconn_error *err),
			    void *arg, struct tconn_error *err);
/* Nobody else writes to that table until the transaction ends. */
int tconn_transaction_lock(struct tconn_transaction *t, const char *table, struct tconn_error *err);

/* Then the parameters in their order, then run it, then its rows. */
void tconn_query_begin(struct tconn_query *q, const char *sql);
void tconn_query_end(struct tconn_query *q);
/* Not to be sent again where it is not known whether it was done: an INSERT that would fail the
 * second time, a count.
 */
void tconn_query_once(struct tconn_query *q);
void tconn_query_text(struct tconn_query *q, const char *text);	/* NULL: SQL's NULL */
void tconn_query_integer(struct tconn_query *q, int64_t n);
void tconn_query_blob(struct tconn_query *q, const void *data, size_t len);

/* By itself, or in a transaction. -EEXIST where a UNIQUE or PRIMARY KEY is violated, else -EIO. */
int tconn_query_run(struct tconn_query *q, struct tconn_database *db, struct tconn_error *err);
int tconn_query_run_in(struct tconn_query *q, struct tconn_transaction *t, struct tconn_error *err);

/* False after the last. */
bool tconn_query_next(struct tconn_query *q);
/* Columns of this row, from 0. */
bool tconn_query_is_null(const struct tconn_query *q, unsigned int column);
int64_t tconn_query_get_integer(const struct tconn_query *q, unsigned int column);	/* 0 where none */
const char *tconn_query_get_text(const struct tconn_query *q, unsigned int column);	/* "" where none */
const uint8_t *tconn_query_get_blob(const struct tconn_query *q, unsigned int column, size_t *ret_len);

#endif
