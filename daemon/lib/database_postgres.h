/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL for database.h: a server that several daemons share.
 *
 * A few connections, statements prepared once on each. A connection that is gone is
 * made again, after a pause that doubles while the server cannot be reached; who asks
 * meanwhile waits up to TCONN_POSTGRES_WAIT_MS and is then refused with the reason. What met
 * another transaction (serialization, deadlock) runs again. What was sent when the
 * connection went away runs again too, unless it must not: tconn_query_once().
 *
 * Each commit is on the server's disk before it is believed: a server with fsync off
 * is refused, synchronous_commit is put on where it is off. Over a network the server
 * proves itself (sslmode=verify-full) unless the URL says otherwise.
 */
#ifndef TCONN_DATABASE_POSTGRES_H
#define TCONN_DATABASE_POSTGRES_H

#include "database.h"

enum {
	TCONN_POSTGRES_CONNECTIONS	= 4,
	TCONN_POSTGRES_CONNECT_S	= 5,	/* each server of the URL */
	TCONN_POSTGRES_REPLY_MS		= 10000,	/* to a statement; then the connection is given up */
	TCONN_POSTGRES_WAIT_MS		= 4000,	/* for a server that is away */
	TCONN_POSTGRES_PAUSE_MIN_MS	= 50,	/* between tries to reach it */
	TCONN_POSTGRES_PAUSE_MAX_MS	= 2000,
	TCONN_POSTGRES_TRIES		= 20,	/* of what met another transaction */
};

/* Whether it is one: postgresql:// or postgres://. */
bool tconn_postgres_is_url(const char *url);
/* Whether there is a password in it. -EINVAL: it cannot be read. */
int tconn_postgres_has_password(const char *url, struct tconn_error *err);
/* schema (CREATE ... IF NOT EXISTS) is run alone, whoever else starts at the same time. -EIO. */
int tconn_database_open_postgres(const char *url, const char *schema, struct tconn_database **ret,
				 struct tconn_error *err);

/* Text as the server takes it: what is not UTF-8 becomes '?'. Allocated; NULL: no memory. */
char *tconn_postgres_text(const char *text);

#endif
