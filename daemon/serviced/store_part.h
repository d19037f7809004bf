/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the store share: one prepared statement at a time, under the
 * store's lock. Begin a query, bind, run or step; its end is the cleanup's.
 */
#ifndef SERVICED_STORE_PART_H
#define SERVICED_STORE_PART_H

#include <pthread.h>
#include <sqlite3.h>

#include "store.h"

struct store {
	pthread_mutex_t lock;	/* one statement at a time */
	sqlite3 *db;
};

/* A prepared statement under the lock; query_end() gives both back. */
struct query {
	struct store *store;
	sqlite3_stmt *stmt;
};

#define _cleanup_query_ __attribute__((cleanup(query_end)))

/* Takes the lock, also where it fails: query_end() in any case. */
int query_begin(struct query *q, struct store *s, const char *sql, struct tconn_error *err);
void query_end(struct query *q);
void query_bind_text(struct query *q, int at, const char *text);
/* Runs a statement without rows. -EEXIST where a UNIQUE or PRIMARY KEY is violated. */
int query_run(struct query *q, struct tconn_error *err);
/* Each row as row() makes it, in a JSON array. */
int query_collect(struct query *q, struct json_object *(*row)(const struct query *q),
		  struct json_object **ret, struct tconn_error *err);

const char *query_text(const struct query *q, int column);	/* "" where NULL */
/* An integer column as a member; SQL's NULL is JSON's. */
void query_add_integer(struct json_object *obj, const char *key, const struct query *q, int column);

/* -EIO with SQLite's reason. */
int store_fail(struct store *s, struct tconn_error *err);

#endif
