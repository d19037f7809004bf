/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the store share. */
#ifndef SERVICED_STORE_PART_H
#define SERVICED_STORE_PART_H

#include "../lib/database.h"
#include "store.h"

#define STORE_NODE_ALIVE "nodes.beat > unixepoch() - " STORE_NODE_DEAD_S
#define STORE_TIME_TEXT	21	/* 2026-01-02T03:04:05Z, terminator included */

struct store {
	struct tconn_database *db;
	bool shared;			/* with other nodes */
};

/* Runs q; each row as row() makes it, in a JSON array. */
int query_collect(struct store *s, struct tconn_query *q,
		  struct json_object *(*row)(const struct tconn_query *q), struct json_object **ret,
		  struct tconn_error *err);
/* An integer column as a member; SQL's NULL is JSON's. */
void query_add_integer(struct json_object *obj, const char *key, const struct tconn_query *q,
		       unsigned int column);
/* Seconds since 1970, for a person. */
const char *store_time_text(int64_t seconds, char ret[STORE_TIME_TEXT]);

#endif
