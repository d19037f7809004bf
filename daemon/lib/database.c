// SPDX-License-Identifier: Apache-2.0
/* Queries: parameters and rows, which are the same with each kind of database. */
#include "database_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tconn_database_close(struct tconn_database *db)
{
	if (db)
		db->driver->close(db);
}

int tconn_database_transact(struct tconn_database *db, tconn_database_work *work, void *arg,
			    struct tconn_error *err)
{
	return db->driver->transact(db, work, arg, err);
}

int tconn_transaction_lock(struct tconn_transaction *t, const char *table, struct tconn_error *err)
{
	return t->driver->lock(t, table, err);
}

/* -- parameters */

void tconn_query_begin(struct tconn_query *q, const char *sql)
{
	*q = (struct tconn_query){ .sql = sql };
}

void tconn_query_end(struct tconn_query *q)
{
	tconn_query_clear(q, 0);
}

void tconn_query_once(struct tconn_query *q)
{
	q->once = true;
}

/* More than there is room for is a mistake that the first run shows: the statement lacks one. */
static void add_param(struct tconn_query *q, struct tconn_value v)
{
	if (q->params < TCONN_QUERY_PARAMS)
		q->param[q->params++] = v;
}

void tconn_query_text(struct tconn_query *q, const char *text)
{
	add_param(q, (struct tconn_value){ .type = text ? TCONN_VALUE_TEXT : TCONN_VALUE_NULL,
					   .data = (void *)text, .len = text ? strlen(text) : 0 });
}

void tconn_query_integer(struct tconn_query *q, int64_t n)
{
	add_param(q, (struct tconn_value){ .type = TCONN_VALUE_INTEGER, .integer = n });
}

void tconn_query_blob(struct tconn_query *q, const void *data, size_t len)
{
	add_param(q, (struct tconn_value){ .type = TCONN_VALUE_BLOB, .data = (void *)data, .len = len });
}

int tconn_query_run(struct tconn_query *q, struct tconn_database *db, struct tconn_error *err)
{
	return db->driver->run(db, q, err);
}

int tconn_query_run_in(struct tconn_query *q, struct tconn_transaction *t, struct tconn_error *err)
{
	return t->driver->run_in(t, q, err);
}

/* -- rows */

void tconn_query_clear(struct tconn_query *q, size_t columns)
{
	for (size_t i = 0; i < q->rows * q->columns; i++)
		free(q->cell[i].data);
	free(q->cell);
	q->cell = NULL;
	q->rows = 0;
	q->row = 0;
	q->changes = 0;
	q->columns = columns;
}

/* The array doubles whenever the number of rows is a power of two. */
struct tconn_value *tconn_query_add_row(struct tconn_query *q)
{
	struct tconn_value *row;

	if (!(q->rows & (q->rows - 1))) {
		size_t room = q->rows ? 2 * q->rows : 1;
		struct tconn_value *more = reallocarray(q->cell, room * q->columns, sizeof(*more));

		if (!more)
			return NULL;
		q->cell = more;
	}
	row = q->cell + q->rows++ * q->columns;
	memset(row, 0, q->columns * sizeof(*row));
	return row;
}

int tconn_value_copy(struct tconn_value *v, int type, const void *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	*v = (struct tconn_value){ .type = type, .data = copy, .len = len };
	return 0;
}

bool tconn_query_next(struct tconn_query *q)
{
	if (q->row >= q->rows)
		return false;
	q->row++;
	return true;
}

static const struct tconn_value *get(const struct tconn_query *q, unsigned int column)
{
	static const struct tconn_value none;

	return q->row && column < q->columns ? &q->cell[(q->row - 1) * q->columns + column] : &none;
}

bool tconn_query_is_null(const struct tconn_query *q, unsigned int column)
{
	return get(q, column)->type == TCONN_VALUE_NULL;
}

int64_t tconn_query_get_integer(const struct tconn_query *q, unsigned int column)
{
	return get(q, column)->integer;
}

const char *tconn_query_get_text(const struct tconn_query *q, unsigned int column)
{
	const struct tconn_value *v = get(q, column);

	return v->data ? v->data : "";
}

const uint8_t *tconn_query_get_blob(const struct tconn_query *q, unsigned int column, size_t *ret_len)
{
	const struct tconn_value *v = get(q, column);

	*ret_len = v->data ? v->len : 0;
	return v->data;
}
