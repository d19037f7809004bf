// SPDX-License-Identifier: Apache-2.0
#include "database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>
#include <sys/stat.h>

static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;";

static int prepare_database(sqlite3 *db, const char *schema)
{
	int r = sqlite3_busy_timeout(db, TCONN_DATABASE_BUSY_MS);

	if (r == SQLITE_OK)
		r = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
	return r == SQLITE_OK ? sqlite3_exec(db, schema, NULL, NULL, NULL) : r;
}

int tconn_database_open(const char *path, bool create, const char *schema, struct sqlite3 **ret,
			struct tconn_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | (create ? SQLITE_OPEN_CREATE : 0);
	mode_t old = umask(0077);	/* for the -wal and -shm files too */
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(path, &db, flags, NULL);

	if (r == SQLITE_OK)
		r = prepare_database(db, schema);
	umask(old);
	if (r == SQLITE_OK) {
		*ret = db;
		return 0;
	}
	tconn_fail(err, -EIO, "%s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	sqlite3_close(db);
	return -EIO;
}
