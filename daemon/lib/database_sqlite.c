// SPDX-License-Identifier: Apache-2.0
/*
 * SQLite. Who writes joins the queue; the first whom nobody serves takes all that
 * wait as one batch: BEGIN IMMEDIATE, a savepoint each, COMMIT, and one sync for all.
 * Reading has a connection of its own, and sees what is committed.
 */
#include "database_driver.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH		= 256,	/* transactions of one commit, at most */
	STATEMENTS	= 64,	/* kept prepared, each connection */
	AGAIN_MS	= 10,	/* between tries where another process is in the way */
};

static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;";

struct connection {
	sqlite3 *db;
	sqlite3_stmt *kept[STATEMENTS];
	const char *sql[STATEMENTS];	/* the literals that they were made of */
	unsigned int count;
};

/* Also what its work gets. */
struct job {
	struct tconn_transaction t;	/* first */
	struct connection *writer;
	tconn_database_work *work;
	void *arg;
	struct tconn_error *err;
	int result;
	bool done;			/* sqlite_database.lock */
	struct job *next;		/* likewise */
};

struct sqlite_database {
	struct tconn_database base;	/* first */
	struct connection writer;	/* of who leads, alone */
	pthread_mutex_t lock;		/* the queue */
	pthread_cond_t changed;		/* a batch is done */
	struct job *first, **last;
	bool led;			/* somebody writes */
	struct connection reader;
	pthread_mutex_t reading;
};

static int fail(const struct connection *c, struct tconn_error *err)
{
	int r = sqlite3_extended_errcode(c->db);

	if ((r & 0xff) == SQLITE_BUSY)
		return tconn_fail(err, -EIO, "database: another program has been writing to it for %d s",
				  TCONN_DATABASE_BUSY_MS / 1000);
	tconn_fail(err, -EIO, "database: %s", sqlite3_errmsg(c->db));
	return r == SQLITE_CONSTRAINT_UNIQUE || r == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST : -EIO;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* SQLite's own waiting leaves out some locks (a change of the journal, recovery). */
static bool is_busy(int r, int64_t until)
{
	if ((r & 0xff) != SQLITE_BUSY || now_ms() >= until)
		return false;
	usleep(AGAIN_MS * 1000);
	return true;
}

static int execute(struct connection *c, const char *sql)
{
	const int64_t until = now_ms() + TCONN_DATABASE_BUSY_MS;
	int r;

	do {
		r = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
	} while (is_busy(r, until));
	return r;
}

/* -- statements */

/* A statement that is kept is reset by who used it. */
static sqlite3_stmt *prepare(struct connection *c, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	for (unsigned int i = 0; i < c->count; i++)
		if (c->sql[i] == sql)
			return c->kept[i];
	if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		return NULL;
	if (c->count == STATEMENTS)
		sqlite3_finalize(c->kept[--c->count]);
	c->sql[c->count] = sql;
	c->kept[c->count++] = stmt;
	return stmt;
}

/* SQLite takes $1 for a name. */
static void bind(sqlite3_stmt *stmt, const struct tconn_query *q)
{
	for (unsigned int i = 0; i < q->params; i++) {
		const struct tconn_value *v = &q->param[i];
		char name[16];
		int at;

		snprintf(name, sizeof(name), "$%u", i + 1);
		at = sqlite3_bind_parameter_index(stmt, name);
		if (v->type == TCONN_VALUE_INTEGER)
			sqlite3_bind_int64(stmt, at, v->integer);
		else if (v->type == TCONN_VALUE_TEXT)
			sqlite3_bind_text64(stmt, at, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
		else if (v->type == TCONN_VALUE_BLOB)
			sqlite3_bind_blob64(stmt, at, v->data ? v->data : "", v->len, SQLITE_STATIC);
		else
			sqlite3_bind_null(stmt, at);
	}
}

static int keep_cell(sqlite3_stmt *stmt, int column, struct tconn_value *ret)
{
	const void *data;

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_INTEGER:
		*ret = (struct tconn_value){ .type = TCONN_VALUE_INTEGER,
					     .integer = sqlite3_column_int64(stmt, column) };
		return 0;
	case SQLITE_BLOB:
		data = sqlite3_column_blob(stmt, column);
		return tconn_value_copy(ret, TCONN_VALUE_BLOB, data,
					(size_t)sqlite3_column_bytes(stmt, column));
	}
	data = sqlite3_column_text(stmt, column);
	return tconn_value_copy(ret, TCONN_VALUE_TEXT, data, (size_t)sqlite3_column_bytes(stmt, column));
}

static int keep_row(sqlite3_stmt *stmt, struct tconn_query *q)
{
	struct tconn_value *row = tconn_query_add_row(q);
	int r = row ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < q->columns; i++)
		r = keep_cell(stmt, (int)i, &row[i]);
	return r;
}

static int step_all(struct connection *c, sqlite3_stmt *stmt, struct tconn_query *q,
		    struct tconn_error *err)
{
	int r;

	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		if (keep_row(stmt, q) < 0)
			return tconn_fail(err, -ENOMEM, "out of memory");
	q->changes = (uint64_t)sqlite3_changes(c->db);
	return r == SQLITE_DONE ? 0 : fail(c, err);
}

static int run_on(struct connection *c, struct tconn_query *q, struct tconn_error *err)
{
	sqlite3_stmt *stmt = prepare(c, q->sql);
	int r;

	if (!stmt)
		return fail(c, err);
	tconn_query_clear(q, (size_t)sqlite3_column_count(stmt));
	bind(stmt, q);
	r = step_all(c, stmt, q, err);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return r;
}

/* -- batches */

/* The whole transaction can be gone where a statement fails: a full disk, a trigger. */
static bool is_gone(struct connection *c)
{
	return sqlite3_get_autocommit(c->db) != 0;
}

static int run_job(struct connection *c, struct job *j)
{
	int r;

	if (execute(c, "SAVEPOINT job") != SQLITE_OK)
		return fail(c, j->err);
	r = j->work(&j->t, j->arg, j->err);
	if (!is_gone(c))
		execute(c, r < 0 ? "ROLLBACK TO job; RELEASE job" : "RELEASE job");
	return r;
}

/* What succeeded and yet is not committed. */
static void fail_batch(struct connection *c, struct job *first, struct tconn_error *why)
{
	if (!is_gone(c))
		execute(c, "ROLLBACK");
	for (struct job *j = first; j; j = j->next) {
		if (j->result < 0)
			continue;
		j->result = -EIO;
		if (j->err)
			*j->err = *why;
	}
}

static void run_batch(struct connection *c, struct job *first)
{
	struct tconn_error why = { "" };
	int r = execute(c, "BEGIN IMMEDIATE");

	if (r != SQLITE_OK)
		fail(c, &why);
	for (struct job *j = first; j && r == SQLITE_OK; j = j->next) {
		j->writer = c;
		j->result = run_job(c, j);
		if (!is_gone(c))
			continue;
		r = SQLITE_ABORT;
		tconn_fail(&why, -EIO, "database: what was written at the same time failed, and this with "
			   "it: %s", j->err ? j->err->text : "");
	}
	if (r == SQLITE_OK) {
		r = execute(c, "COMMIT");
		if (r != SQLITE_OK)
			fail(c, &why);
	}
	if (r != SQLITE_OK)
		fail_batch(c, first, &why);
}

/* lock held. At most BATCH of those that wait. */
static struct job *take_batch(struct sqlite_database *d)
{
	struct job *first = d->first, *j = first;

	for (int n = 1; n < BATCH && j->next; n++)
		j = j->next;
	d->first = j->next;
	if (!d->first)
		d->last = &d->first;
	j->next = NULL;
	return first;
}

/* lock held, and again at the end. */
static void lead(struct sqlite_database *d)
{
	struct job *first = take_batch(d), *next;

	d->led = true;
	pthread_mutex_unlock(&d->lock);
	run_batch(&d->writer, first);
	pthread_mutex_lock(&d->lock);
	/* Who is done may be gone at once, and its job with it. */
	for (struct job *j = first; j; j = next) {
		next = j->next;
		j->done = true;
	}
	d->led = false;
	pthread_cond_broadcast(&d->changed);
}

static int sqlite_transact(struct tconn_database *db, tconn_database_work *work, void *arg,
			   struct tconn_error *err)
{
	struct sqlite_database *d = (struct sqlite_database *)db;
	struct job job = { .t.driver = db->driver, .work = work, .arg = arg, .err = err };

	pthread_mutex_lock(&d->lock);
	*d->last = &job;
	d->last = &job.next;
	while (!job.done) {
		if (d->led)
			pthread_cond_wait(&d->changed, &d->lock);
		else
			lead(d);
	}
	pthread_mutex_unlock(&d->lock);
	return job.result;
}

static int sqlite_run_in(struct tconn_transaction *t, struct tconn_query *q, struct tconn_error *err)
{
	return run_on(((struct job *)t)->writer, q, err);
}

static int run_alone(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	return sqlite_run_in(t, arg, err);
}

static int sqlite_run(struct tconn_database *db, struct tconn_query *q, struct tconn_error *err)
{
	struct sqlite_database *d = (struct sqlite_database *)db;
	const int64_t until = now_ms() + TCONN_DATABASE_BUSY_MS;
	int r;

	if (strncmp(q->sql, "SELECT", 6))
		return sqlite_transact(db, run_alone, q, err);
	pthread_mutex_lock(&d->reading);
	do {
		r = run_on(&d->reader, q, err);
	} while (r < 0 && is_busy(sqlite3_errcode(d->reader.db), until));
	pthread_mutex_unlock(&d->reading);
	return r;
}

/* There is one writer, and it has BEGIN IMMEDIATE. */
static int sqlite_lock(struct tconn_transaction *t, const char *table, struct tconn_error *err)
{
	(void)t;
	(void)table;
	(void)err;
	return 0;
}

/* -- opening */

static void close_connection(struct connection *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		sqlite3_finalize(c->kept[i]);
	sqlite3_close(c->db);
}

static void sqlite_close(struct tconn_database *db)
{
	struct sqlite_database *d = (struct sqlite_database *)db;

	close_connection(&d->reader);
	close_connection(&d->writer);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->reading);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static const struct tconn_database_driver sqlite_driver = {
	.close = sqlite_close,
	.run = sqlite_run,
	.run_in = sqlite_run_in,
	.transact = sqlite_transact,
	.lock = sqlite_lock,
};

static int open_connection(struct connection *c, const char *path, int flags, const char *schema,
			   struct tconn_error *err)
{
	int r = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | flags, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_busy_timeout(c->db, TCONN_DATABASE_BUSY_MS);
	if (r == SQLITE_OK)
		r = execute(c, pragmas);
	if (r == SQLITE_OK)
		r = execute(c, schema);
	if (r == SQLITE_OK)
		return 0;
	return tconn_fail(err, -EIO, "%s: %s", path, c->db ? sqlite3_errmsg(c->db) : "out of memory");
}

int tconn_database_open_sqlite(const char *path, bool create, const char *schema,
			       struct tconn_database **ret, struct tconn_error *err)
{
	struct sqlite_database *d = calloc(1, sizeof(*d));
	mode_t old;
	int r;

	if (!d)
		return tconn_fail(err, -ENOMEM, "out of memory");
	d->base.driver = &sqlite_driver;
	d->last = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->reading, NULL);
	pthread_cond_init(&d->changed, NULL);
	old = umask(0077);	/* for the -wal and -shm files too */
	r = open_connection(&d->writer, path, create ? SQLITE_OPEN_CREATE : 0, schema, err);
	if (r == 0)
		r = open_connection(&d->reader, path, 0, "", err);
	umask(old);
	if (r < 0) {
		sqlite_close(&d->base);
		return r;
	}
	*ret = &d->base;
	return 0;
}
