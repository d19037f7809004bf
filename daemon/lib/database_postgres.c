// SPDX-License-Identifier: Apache-2.0
#include "database_postgres.h"

#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../tui/utf8.h"
#include "database_driver.h"

enum {
	STATEMENTS	= 64,		/* kept prepared, each connection */
	/* Types of PostgreSQL's catalogue; they never change. */
	TYPE_BYTEA	= 17,
	TYPE_INT8	= 20,
	TYPE_INT4	= 23,
	TYPE_TEXT	= 25,
	SCHEMA_LOCK	= 0x74636f6e,	/* advisory, of who makes the tables */
};

/* How a statement ended, beside 0, -EEXIST and -EIO. */
#define MET_ANOTHER	(-EAGAIN)	/* rolled back */
#define BROKEN		(-ECONNRESET)	/* perhaps done, perhaps not */

struct connection {
	PGconn *pg;			/* NULL: none now */
	const char *sql[STATEMENTS];	/* prepared, by the literals they were made of */
	unsigned int count;
	bool sent;			/* the statement itself, not only its preparation */
	struct connection *next;	/* postgres_database.idle */
};

struct postgres_database {
	struct tconn_database base;	/* first */
	char *url;
	struct connection connection[TCONN_POSTGRES_CONNECTIONS];
	pthread_mutex_t lock;		/* all below */
	pthread_cond_t given_back;
	struct connection *idle;
	int64_t next_try;		/* CLOCK_MONOTONIC, ms */
	unsigned int pause_ms;		/* 0: the last try reached the server */
	struct tconn_error why;		/* the last try did not */
};

struct postgres_transaction {
	struct tconn_transaction t;	/* first */
	struct connection *c;
	int r;				/* of the statement that failed */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* One line of what libpq has to say in several. */
static void one_line(const char *text, char *ret, size_t size)
{
	snprintf(ret, size, "%s", text);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	for (size_t n = strlen(ret); n && ret[n - 1] == ' '; n--)
		ret[n - 1] = '\0';
}

static int fail_as(int r, const char *text, struct tconn_error *err)
{
	char line[300];

	one_line(text, line, sizeof(line));
	return tconn_fail(err, r, "database: %s", line[0] ? line : "the server closed the connection");
}

char *tconn_postgres_text(const char *text)
{
	const size_t len = strlen(text);
	char *copy = malloc(len + 1);
	size_t at = 0;

	if (!copy)
		return NULL;
	memcpy(copy, text, len + 1);
	while (at < len)
		if (tconn_utf8_next(copy, len, &at) < 0)
			copy[at++] = '?';
	return copy;
}

/* -- one connection */

static void drop(struct connection *c)
{
	PQfinish(c->pg);
	c->pg = NULL;
	c->count = 0;
}

/* Until the whole reply is there; the connection is given up where it does not come. */
static int wait_for(struct connection *c, struct tconn_error *err)
{
	const int64_t until = now_ms() + TCONN_POSTGRES_REPLY_MS;

	while (PQisBusy(c->pg)) {
		struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };
		const int64_t left = until - now_ms();

		if (left <= 0)
			return tconn_fail(err, BROKEN, "database: no answer for %d s",
					  TCONN_POSTGRES_REPLY_MS / 1000);
		if (poll(&p, 1, (int)left) > 0 && !PQconsumeInput(c->pg))
			return fail_as(BROKEN, PQerrorMessage(c->pg), err);
	}
	return 0;
}

static bool is_one_of(const char *state, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(state, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static int judge(struct connection *c, const PGresult *result, struct tconn_error *err)
{
	/* The connection; a server that ends, starts, or writes no more; a plan that fits no more. */
	static const char *const broken[] = { "08", "57P", "25006", "26000", "0A000", NULL };
	static const char *const met[] = { "40001", "40P01", "55P03", NULL };
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		return 0;
	default:
		break;
	}
	if (!state || PQstatus(c->pg) == CONNECTION_BAD || is_one_of(state, broken))
		return fail_as(BROKEN, text ? text : PQerrorMessage(c->pg), err);
	fail_as(-EIO, text, err);
	if (is_one_of(state, met))
		return MET_ANOTHER;
	return strcmp(state, "23505") == 0 ? -EEXIST : -EIO;
}

/* What was sent: its last result, if asked for, and the first that failed. */
static int take_results(struct connection *c, PGresult **ret, struct tconn_error *err)
{
	PGresult *last = NULL, *one;
	int r = 0, found;

	while ((found = wait_for(c, r ? NULL : err)) == 0 && (one = PQgetResult(c->pg))) {
		if (r == 0)
			r = judge(c, one, err);
		PQclear(last);
		last = one;
	}
	if (found < 0 && r == 0)
		r = found;
	if (r == 0 && !last)
		r = fail_as(BROKEN, PQerrorMessage(c->pg), err);
	if (r == 0 && ret)
		*ret = last;
	else
		PQclear(last);
	return r;
}

/* Statements without parameters and rows. */
static int execute(struct connection *c, const char *sql, struct tconn_error *err)
{
	if (!PQsendQuery(c->pg, sql))
		return fail_as(BROKEN, PQerrorMessage(c->pg), err);
	return take_results(c, NULL, err);
}

/* Parameters as the protocol has them, in binary. */
struct parameters {
	Oid type[TCONN_QUERY_PARAMS];
	const char *value[TCONN_QUERY_PARAMS];
	char *copy[TCONN_QUERY_PARAMS];		/* to be freed */
	uint64_t number[TCONN_QUERY_PARAMS];
	int len[TCONN_QUERY_PARAMS], format[TCONN_QUERY_PARAMS];
};

static void free_parameters(struct parameters *p)
{
	for (int i = 0; i < TCONN_QUERY_PARAMS; i++)
		free(p->copy[i]);
}

static int fill_one(struct parameters *p, unsigned int i, const struct tconn_value *v)
{
	p->format[i] = 1;
	p->type[i] = TYPE_TEXT;
	p->len[i] = (int)v->len;
	switch (v->type) {
	case TCONN_VALUE_NULL:
		return 0;
	case TCONN_VALUE_INTEGER:
		p->type[i] = TYPE_INT8;
		p->number[i] = htobe64((uint64_t)v->integer);
		p->value[i] = (const char *)&p->number[i];
		p->len[i] = 8;
		return 0;
	case TCONN_VALUE_BLOB:
		p->type[i] = TYPE_BYTEA;
		p->value[i] = v->data ? v->data : "";
		return 0;
	case TCONN_VALUE_TEXT:
		break;
	}
	p->copy[i] = tconn_postgres_text(v->data);
	p->value[i] = p->copy[i];
	return p->copy[i] ? 0 : -ENOMEM;
}

static int fill_parameters(struct parameters *p, const struct tconn_query *q, struct tconn_error *err)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < q->params; i++)
		r = fill_one(p, i, &q->param[i]);
	return r < 0 ? tconn_fail(err, r, "out of memory") : 0;
}

/* Its name, at this connection. Beyond STATEMENTS the one without a name is made anew. */
static int prepare(struct connection *c, const struct tconn_query *q, const struct parameters *p,
		   char ret[16], struct tconn_error *err)
{
	unsigned int i = 0;
	int r;

	while (i < c->count && c->sql[i] != q->sql)
		i++;
	ret[0] = '\0';
	if (i < STATEMENTS)
		snprintf(ret, 16, "s%u", i);
	if (i < c->count)
		return 0;
	if (!PQsendPrepare(c->pg, ret, q->sql, (int)q->params, p->type))
		return fail_as(BROKEN, PQerrorMessage(c->pg), err);
	r = take_results(c, NULL, err);
	if (r == 0 && i < STATEMENTS)
		c->sql[c->count++] = q->sql;
	return r;
}

static int keep_cell(const PGresult *result, int row, int column, struct tconn_value *ret)
{
	const char *data = PQgetvalue(result, row, column);
	const size_t len = (size_t)PQgetlength(result, row, column);
	uint64_t wide;
	uint32_t narrow;

	if (PQgetisnull(result, row, column))
		return 0;
	ret->type = TCONN_VALUE_INTEGER;
	switch (PQftype(result, column)) {
	case TYPE_INT8:
		memcpy(&wide, data, 8);
		ret->integer = (int64_t)be64toh(wide);
		return 0;
	case TYPE_INT4:
		memcpy(&narrow, data, 4);
		ret->integer = (int32_t)be32toh(narrow);
		return 0;
	case TYPE_BYTEA:
		return tconn_value_copy(ret, TCONN_VALUE_BLOB, data, len);
	}
	return tconn_value_copy(ret, TCONN_VALUE_TEXT, data, len);
}

static int keep_rows(const PGresult *result, struct tconn_query *q, struct tconn_error *err)
{
	tconn_query_clear(q, (size_t)PQnfields(result));
	for (int i = 0; i < PQntuples(result); i++) {
		struct tconn_value *row = tconn_query_add_row(q);
		int r = row ? 0 : -ENOMEM;

		for (int k = 0; r == 0 && k < PQnfields(result); k++)
			r = keep_cell(result, i, k, &row[k]);
		if (r < 0)
			return tconn_fail(err, r, "out of memory");
	}
	q->changes = strtoull(PQcmdTuples((PGresult *)result), NULL, 10);
	return 0;
}

static int run_filled(struct connection *c, struct tconn_query *q, const struct parameters *p,
		      struct tconn_error *err)
{
	PGresult *result = NULL;
	char name[16];
	int r = prepare(c, q, p, name, err);

	if (r < 0)
		return r;
	c->sent = true;
	if (!PQsendQueryPrepared(c->pg, name, (int)q->params, p->value, p->len, p->format, 1))
		return fail_as(BROKEN, PQerrorMessage(c->pg), err);
	r = take_results(c, &result, err);
	if (r == 0)
		r = keep_rows(result, q, err);
	PQclear(result);
	return r;
}

static int run_on(struct connection *c, struct tconn_query *q, struct tconn_error *err)
{
	struct parameters p = { 0 };
	int r = fill_parameters(&p, q, err);

	c->sent = false;
	if (r == 0)
		r = run_filled(c, q, &p, err);
	free_parameters(&p);
	return r;
}

/* -- connecting */

static void no_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static int refuse_unsafe(struct connection *c, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
			  " current_setting('server_encoding')");
	r = run_on(c, &q, err);
	if (r < 0)
		return r;
	tconn_query_next(&q);
	if (strcmp(tconn_query_get_text(&q, 0), "on"))
		return tconn_fail(err, -EIO, "database: the server has fsync off, and would lose what it "
				  "said it keeps");
	if (strcmp(tconn_query_get_text(&q, 2), "UTF8"))
		return tconn_fail(err, -EIO, "database: its encoding is %s, not UTF8",
				  tconn_query_get_text(&q, 2));
	return strcmp(tconn_query_get_text(&q, 1), "off") ? 0 :
	       execute(c, "SET synchronous_commit = on", err);
}

/* A program that stands still must not hold a lock for long; the server sees to that. */
static int set_up(struct connection *c, struct tconn_error *err)
{
	int r = execute(c, "SET default_transaction_isolation = 'read committed';"
			" SET statement_timeout = '8s'; SET lock_timeout = '6s';"
			" SET idle_in_transaction_session_timeout = '8s'", err);

	return r < 0 ? r : refuse_unsafe(c, err);
}

static int try_connect(struct postgres_database *d, struct connection *c, struct tconn_error *err)
{
	/* What the URL says comes after what is said here. */
	static const char *const keys[] = {
		"sslmode", "target_session_attrs", "connect_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "application_name",
		"dbname", "client_encoding", NULL,
	};
	const char *values[] = {
		"verify-full", "read-write", "5", "5", "2", "3", "8000", "tconn", d->url, "UTF8", NULL,
	};
	int r;

	_Static_assert(TCONN_POSTGRES_CONNECT_S == 5, "as in values");
	c->pg = PQconnectdbParams(keys, values, 1);
	if (!c->pg)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (PQstatus(c->pg) != CONNECTION_OK) {
		r = fail_as(-EIO, PQerrorMessage(c->pg), err);
	} else {
		PQsetNoticeProcessor(c->pg, no_notice, NULL);
		r = set_up(c, err);
	}
	if (r < 0)
		drop(c);
	return r < 0 ? -EIO : 0;
}

/* How long to wait before the next try, 0: not at all. */
static int64_t pause_left(struct postgres_database *d)
{
	int64_t left;

	pthread_mutex_lock(&d->lock);
	left = d->pause_ms ? d->next_try - now_ms() : 0;
	pthread_mutex_unlock(&d->lock);
	return left > 0 ? left : 0;
}

static void note_try(struct postgres_database *d, int r, const struct tconn_error *why)
{
	pthread_mutex_lock(&d->lock);
	if (r == 0) {
		d->pause_ms = 0;
	} else {
		d->pause_ms = d->pause_ms ? 2 * d->pause_ms : TCONN_POSTGRES_PAUSE_MIN_MS;
		if (d->pause_ms > TCONN_POSTGRES_PAUSE_MAX_MS)
			d->pause_ms = TCONN_POSTGRES_PAUSE_MAX_MS;
		d->next_try = now_ms() + d->pause_ms;
		d->why = *why;
	}
	pthread_mutex_unlock(&d->lock);
}

static int connect_until(struct postgres_database *d, struct connection *c, int64_t until,
			 struct tconn_error *err)
{
	struct tconn_error why;
	int r;

	for (;;) {
		const int64_t left = pause_left(d);

		if (now_ms() + left > until)
			break;
		usleep((useconds_t)left * 1000);
		r = try_connect(d, c, &why);
		note_try(d, r, &why);
		if (r == 0)
			return 0;
	}
	pthread_mutex_lock(&d->lock);
	r = tconn_fail(err, -EIO, "%s", d->why.text[0] ? d->why.text : "database: cannot be reached");
	pthread_mutex_unlock(&d->lock);
	return r;
}

/* Nobody asked for anything: what comes all the same is a farewell, or the end. */
static bool is_gone(const struct connection *c)
{
	struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };

	return PQstatus(c->pg) != CONNECTION_OK || poll(&p, 1, 0) != 0;
}

static struct connection *take_idle(struct postgres_database *d, int64_t until)
{
	struct timespec at = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
	struct connection *c;

	pthread_mutex_lock(&d->lock);
	while (!d->idle)
		if (pthread_cond_timedwait(&d->given_back, &d->lock, &at))
			break;
	c = d->idle;
	if (c)
		d->idle = c->next;
	pthread_mutex_unlock(&d->lock);
	return c;
}

/* A connection that is broken is closed. */
static void give_back(struct postgres_database *d, struct connection *c, bool broken)
{
	if (broken)
		drop(c);
	pthread_mutex_lock(&d->lock);
	c->next = d->idle;
	d->idle = c;
	pthread_cond_signal(&d->given_back);
	pthread_mutex_unlock(&d->lock);
}

static int take(struct postgres_database *d, int64_t until, struct connection **ret,
		struct tconn_error *err)
{
	/* Others may use each for as long as a reply may take. */
	struct connection *c = take_idle(d, until + TCONN_POSTGRES_REPLY_MS);
	int r;

	if (!c)
		return tconn_fail(err, -EIO, "database: the server is too slow for what is asked of it");
	if (c->pg && is_gone(c))
		drop(c);
	r = c->pg ? 0 : connect_until(d, c, until, err);
	if (r < 0) {
		give_back(d, c, true);
		return r;
	}
	*ret = c;
	return 0;
}

/* -- statements and transactions */

/* A little longer each time, and not all at once. */
static void step_aside(int try)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	usleep((useconds_t)(try + 1) * (useconds_t)(1000 + ts.tv_nsec % 2000));
}

static int not_known(struct tconn_error *err)
{
	char why[200];

	if (!err)
		return -EIO;
	snprintf(why, sizeof(why), "%s", err->text);
	return tconn_fail(err, -EIO, "%s; whether this was done is not known", why);
}

static int run_once(struct postgres_database *d, struct tconn_query *q, int64_t until, bool *ret_sent,
		    struct tconn_error *err)
{
	struct connection *c;
	int r = take(d, until, &c, err);

	*ret_sent = false;
	if (r < 0)
		return r;
	r = run_on(c, q, err);
	*ret_sent = c->sent;
	give_back(d, c, r == BROKEN);
	return r;
}

static int postgres_run(struct tconn_database *db, struct tconn_query *q, struct tconn_error *err)
{
	struct postgres_database *d = (struct postgres_database *)db;
	const int64_t until = now_ms() + TCONN_POSTGRES_WAIT_MS;
	struct tconn_error why = { "" };
	bool sent;
	int r = -EIO;

	for (int i = 0; i < TCONN_POSTGRES_TRIES; i++) {
		r = run_once(d, q, until, &sent, &why);
		if (r == BROKEN && sent && q->once) {
			not_known(&why);
			break;
		}
		if ((r != MET_ANOTHER && r != BROKEN) || now_ms() > until)
			break;
		step_aside(i);
	}
	if (r < 0)
		tconn_fail(err, r, "%s", why.text);
	return r == MET_ANOTHER || r == BROKEN ? -EIO : r;
}

static int postgres_run_in(struct tconn_transaction *t, struct tconn_query *q, struct tconn_error *err)
{
	struct postgres_transaction *p = (struct postgres_transaction *)t;

	p->r = run_on(p->c, q, err);
	return p->r;
}

static int postgres_lock(struct tconn_transaction *t, const char *table, struct tconn_error *err)
{
	struct postgres_transaction *p = (struct postgres_transaction *)t;
	char sql[100];

	snprintf(sql, sizeof(sql), "LOCK TABLE %s IN EXCLUSIVE MODE", table);
	p->r = execute(p->c, sql, err);
	return p->r;
}

/* Where it broke or met another one, that is the outcome, not what work() made of it. */
static int transact_once(struct postgres_database *d, int64_t until, tconn_database_work *work,
			 void *arg, struct tconn_error *err)
{
	struct postgres_transaction p = { .t.driver = d->base.driver };
	int r = take(d, until, &p.c, err);

	if (r < 0)
		return r;
	r = execute(p.c, "BEGIN", err);
	if (r == 0)
		r = work(&p.t, arg, err);
	if (p.r == BROKEN || p.r == MET_ANOTHER)
		r = p.r;
	if (r == 0)
		r = execute(p.c, "COMMIT", err);
	else if (r != BROKEN && execute(p.c, "ROLLBACK", NULL) < 0)
		p.r = BROKEN;
	give_back(d, p.c, r == BROKEN || p.r == BROKEN);
	return r;
}

static int postgres_transact(struct tconn_database *db, tconn_database_work *work, void *arg,
			     struct tconn_error *err)
{
	struct postgres_database *d = (struct postgres_database *)db;
	const int64_t until = now_ms() + TCONN_POSTGRES_WAIT_MS;
	struct tconn_error why = { "" };
	int r = -EIO;

	for (int i = 0; i < TCONN_POSTGRES_TRIES; i++) {
		r = transact_once(d, until, work, arg, &why);
		if ((r != MET_ANOTHER && r != BROKEN) || now_ms() > until)
			break;
		step_aside(i);
	}
	if (r < 0)
		tconn_fail(err, r, "%s", why.text);
	return r == MET_ANOTHER || r == BROKEN ? -EIO : r;
}

/* -- opening */

static void postgres_close(struct tconn_database *db)
{
	struct postgres_database *d = (struct postgres_database *)db;

	for (int i = 0; i < TCONN_POSTGRES_CONNECTIONS; i++)
		drop(&d->connection[i]);
	pthread_cond_destroy(&d->given_back);
	pthread_mutex_destroy(&d->lock);
	free(d->url);
	free(d);
}

static const struct tconn_database_driver postgres_driver = {
	.close = postgres_close,
	.run = postgres_run,
	.run_in = postgres_run_in,
	.transact = postgres_transact,
	.lock = postgres_lock,
};

static int make_schema(struct postgres_database *d, const char *schema, struct tconn_error *err)
{
	struct connection *c;
	char *sql = NULL;
	int r = take(d, now_ms() + TCONN_POSTGRES_WAIT_MS, &c, err);

	if (r < 0)
		return r;
	if (asprintf(&sql, "BEGIN; SELECT pg_advisory_xact_lock(%d); %s COMMIT", SCHEMA_LOCK, schema) < 0)
		r = tconn_fail(err, -ENOMEM, "out of memory");
	else
		r = execute(c, sql, err);
	free(sql);
	/* The transaction with it, where it failed. */
	give_back(d, c, r < 0);
	return r < 0 ? -EIO : 0;
}

static void init_condition(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

bool tconn_postgres_is_url(const char *url)
{
	return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

int tconn_postgres_has_password(const char *url, struct tconn_error *err)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	int r = 0;

	/* libpq's reason would show the URL. */
	if (!options)
		return tconn_fail(err, -EINVAL, "the database's URL cannot be read");
	for (PQconninfoOption *o = options; o->keyword; o++)
		if (strcmp(o->keyword, "password") == 0 && o->val && o->val[0])
			r = 1;
	PQconninfoFree(options);
	return r;
}

int tconn_database_open_postgres(const char *url, const char *schema, struct tconn_database **ret,
				 struct tconn_error *err)
{
	struct postgres_database *d;
	int r = tconn_postgres_has_password(url, err);

	if (r < 0)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return tconn_fail(err, -ENOMEM, "out of memory");
	d->base.driver = &postgres_driver;
	pthread_mutex_init(&d->lock, NULL);
	init_condition(&d->given_back);
	for (int i = 0; i < TCONN_POSTGRES_CONNECTIONS; i++)
		give_back(d, &d->connection[i], true);
	d->url = strdup(url);
	r = d->url ? make_schema(d, schema, err) : tconn_fail(err, -ENOMEM, "out of memory");
	if (r < 0) {
		postgres_close(&d->base);
		return r;
	}
	*ret = &d->base;
	return 0;
}
