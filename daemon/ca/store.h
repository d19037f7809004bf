/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has been given which identity (SQLite, DIR/ca.db, 0600). The rule it
 * keeps: one identity, one EK, one AK, each way, for good; a service that its operator
 * gives several nodes has several TPMs. Any thread may call.
 */
#ifndef TCONN_CA_STORE_H
#define TCONN_CA_STORE_H

#include <stdbool.h>
#include "../lib/identity.h"
#include "../lib/issuer.h"

#define STORE_NAME_BYTES 34	/* a TPM Name */

struct store;

struct registration {
	struct tconn_identity identity;
	uint8_t ek[STORE_NAME_BYTES], ak[STORE_NAME_BYTES];	/* Names */
};

struct issued {
	enum tconn_use use;
	uint8_t serial[TCONN_SERIAL_BYTES];
	const uint8_t *der;
	size_t len;
};

struct listed {
	enum tconn_role role;
	const char *name, *ek, *ak;	/* hex */
	int64_t first, last;		/* seconds since 1970 */
	int certificates;		/* issued so far */
};

/* create: where there is none yet. */
int store_open(const char *dir, bool create, struct store **ret, struct tconn_error *err);
void store_close(struct store *s);	/* accepts NULL */

/* 0: new, or the same again. -EACCES: a takeover, err says of what. */
int store_check(struct store *s, const struct registration *reg, struct tconn_error *err);
/* Checks again and records, in one transaction. */
int store_record(struct store *s, const struct registration *reg, const struct issued *issued,
		 size_t count, struct tconn_error *err);
int store_list(struct store *s, void (*fn)(const struct listed *l, void *arg), void *arg,
	       struct tconn_error *err);
/* One TPM more may have this service's name, of who comes next. -ENOENT: nobody has it yet. */
int store_add_node(struct store *s, const char *name, struct tconn_error *err);
/* All its TPMs. -ENOENT where there is no such identity. */
int store_remove(struct store *s, const struct tconn_identity *identity, struct tconn_error *err);

#endif
