/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon's own SQLite database: write-ahead log, synced at each commit, the
 * file and its -wal and -shm readable by the daemon's user alone, links refused.
 */
#ifndef TCONN_DATABASE_H
#define TCONN_DATABASE_H

#include <stdbool.h>
#include "error.h"

#define TCONN_DATABASE_BUSY_MS	5000	/* another process writes: wait this long */

struct sqlite3;

/* Runs schema (CREATE ... IF NOT EXISTS) once it is open. -EIO with SQLite's reason. */
int tconn_database_open(const char *path, bool create, const char *schema, struct sqlite3 **ret,
			struct tconn_error *err);

#endif
