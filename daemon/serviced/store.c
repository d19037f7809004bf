// SPDX-License-Identifier: Apache-2.0
#include "store_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/database_postgres.h"
#include "../lib/jsonline.h"
#include "store_schema.h"

static const char sqlite_schema[] =
	STORE_SCHEMA("INTEGER PRIMARY KEY AUTOINCREMENT", "INTEGER", "BLOB", "STRICT");
/* What SQLite has by itself: the server's clock, the one of all nodes. */
static const char postgres_schema[] =
	"CREATE OR REPLACE FUNCTION unixepoch() RETURNS BIGINT LANGUAGE SQL VOLATILE AS"
	" 'SELECT extract(epoch FROM clock_timestamp())::BIGINT';"
	STORE_SCHEMA("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BIGINT", "BYTEA", "");

int store_open(const char *where, struct store **ret, struct tconn_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return tconn_fail(err, -ENOMEM, "out of memory");
	s->shared = tconn_postgres_is_url(where);
	if (s->shared)
		r = tconn_database_open_postgres(where, postgres_schema, &s->db, err);
	else
		r = tconn_database_open_sqlite(where, true, sqlite_schema, &s->db, err);
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

const char *store_time_text(int64_t seconds, char ret[STORE_TIME_TEXT])
{
	const time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, STORE_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		ret[0] = '\0';
	return ret;
}

void query_add_integer(struct json_object *obj, const char *key, const struct tconn_query *q,
		       unsigned int column)
{
	tconn_json_add(obj, key, tconn_query_is_null(q, column) ? NULL :
		       json_object_new_int64(tconn_query_get_integer(q, column)));
}

int query_collect(struct store *s, struct tconn_query *q,
		  struct json_object *(*row)(const struct tconn_query *q), struct json_object **ret,
		  struct tconn_error *err)
{
	int r = tconn_query_run(q, s->db, err);
	struct json_object *list;

	if (r < 0)
		return r;
	list = json_object_new_array();
	if (!list)
		return tconn_fail(err, -ENOMEM, "out of memory");
	while (tconn_query_next(q)) {
		struct json_object *obj = row(q);

		if (json_object_array_add(list, obj))
			json_object_put(obj);
	}
	*ret = list;
	return 0;
}
