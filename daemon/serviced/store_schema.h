/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's tables, once for each kind of database: numbered is a key that counts
 * by itself, integer has 64 bits, strict ends a table.
 */
#ifndef SERVICED_STORE_SCHEMA_H
#define SERVICED_STORE_SCHEMA_H

/*
 * revocations are not bound to devices: who was never enrolled here can be revoked beforehand.
 * audit_marks: whose the newest entries of audit are (store_audit.c), no part of the log.
 */
#define STORE_SCHEMA(numbered, integer, blob, strict) \
	"CREATE TABLE IF NOT EXISTS devices (" \
	" id TEXT PRIMARY KEY, added " integer " NOT NULL, last_seen " integer "," \
	" trusted " integer ", kernel TEXT, last_error TEXT, checks TEXT) " strict ";" \
	"CREATE TABLE IF NOT EXISTS requests (" \
	" id " numbered ", device TEXT NOT NULL REFERENCES devices(id)," \
	" time " integer " NOT NULL, kind " integer " NOT NULL, nonce " blob " NOT NULL UNIQUE," \
	" statement " blob " NOT NULL, status TEXT, outcome TEXT, why TEXT) " strict ";" \
	"CREATE TABLE IF NOT EXISTS receipts (" \
	" number " numbered ", request " integer " NOT NULL UNIQUE REFERENCES requests(id)," \
	" device TEXT NOT NULL REFERENCES devices(id), time " integer " NOT NULL," \
	" outcome TEXT NOT NULL, cose " blob " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS pin_failures (" \
	" device TEXT PRIMARY KEY REFERENCES devices(id), count " integer " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS refusals (" \
	" device TEXT PRIMARY KEY REFERENCES devices(id), time " integer " NOT NULL," \
	" why TEXT NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS device_keys (" \
	" device TEXT PRIMARY KEY REFERENCES devices(id), ak TEXT NOT NULL," \
	" since " integer " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS revocations (" \
	" number " numbered ", kind TEXT NOT NULL, subject TEXT NOT NULL," \
	" time " integer " NOT NULL, reason TEXT NOT NULL, lifted " integer ") " strict ";" \
	"CREATE UNIQUE INDEX IF NOT EXISTS revocations_in_force ON revocations (kind, subject)" \
	" WHERE lifted IS NULL;" \
	"CREATE TABLE IF NOT EXISTS audit (" \
	" number " integer " PRIMARY KEY, time " integer " NOT NULL, who TEXT NOT NULL," \
	" what TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL," \
	" hash " blob " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS audit_marks (" \
	" number " integer " PRIMARY KEY, mark " blob " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS nodes (" \
	" name TEXT PRIMARY KEY, beat " integer " NOT NULL) " strict ";" \
	"CREATE TABLE IF NOT EXISTS presence (" \
	" device TEXT PRIMARY KEY, node TEXT NOT NULL) " strict ";" \
	"CREATE INDEX IF NOT EXISTS presence_at ON presence (node);" \
	"CREATE TABLE IF NOT EXISTS errands (" \
	" number " numbered ", node TEXT NOT NULL, device TEXT NOT NULL, time " integer " NOT NULL," \
	" attest " integer " NOT NULL, kind " integer " NOT NULL, timeout_ms " integer " NOT NULL," \
	" statement " blob " NOT NULL, label " blob " NOT NULL, item " blob " NOT NULL," \
	" taken " integer " NOT NULL, code " integer ", why TEXT, reply TEXT) " strict ";" \
	"CREATE INDEX IF NOT EXISTS errands_to_take ON errands (node, number) WHERE taken = 0;"

#endif
