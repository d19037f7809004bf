/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of database does for database.c. */
#ifndef TCONN_DATABASE_DRIVER_H
#define TCONN_DATABASE_DRIVER_H

#include "database.h"

typedef int tconn_database_work(struct tconn_transaction *t, void *arg, struct tconn_error *err);

/* First in the driver's own. */
struct tconn_database {
	const struct tconn_database_driver *driver;
};

struct tconn_transaction {
	const struct tconn_database_driver *driver;
};

struct tconn_database_driver {
	void (*close)(struct tconn_database *db);
	int (*run)(struct tconn_database *db, struct tconn_query *q, struct tconn_error *err);
	int (*run_in)(struct tconn_transaction *t, struct tconn_query *q, struct tconn_error *err);
	int (*transact)(struct tconn_database *db, tconn_database_work *work, void *arg,
			struct tconn_error *err);
	int (*lock)(struct tconn_transaction *t, const char *table, struct tconn_error *err);
};

/* Before rows are added: what an earlier run left is gone. */
void tconn_query_clear(struct tconn_query *q, size_t columns);
/* Room for one row more, all NULL; NULL where there is no memory. */
struct tconn_value *tconn_query_add_row(struct tconn_query *q);
/* A copy, terminated. -ENOMEM. */
int tconn_value_copy(struct tconn_value *v, int type, const void *data, size_t len);

#endif
