/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices are judged by: issuers, reference values, which items are taken. Loaded as
 * one and never changed after; a reload makes another one (reload.h), and who still uses the
 * old one keeps it. A connection looks for a newer one before each thing it does.
 */
#ifndef SERVICED_RULES_H
#define SERVICED_RULES_H

#include <stdatomic.h>

#include "../lib/intake.h"
#include "../lib/refset.h"
#include "../lib/revocation.h"

struct server;
struct device;
struct settings;

struct rules {
	atomic_uint users;
	uint64_t number;		/* from 1, in the order they came into force */
	int64_t time;			/* when they were loaded, seconds since 1970 */
	struct x509_store_st *trust;
	struct x509_store_st *archive;	/* as trust, without revocations: for old receipts */
	struct tconn_refset *refset;
	struct tconn_intake intake;	/* of devices' items; dir NULL: none is asked for */
	uint8_t trust_digest[32], item_digest[32];	/* SHA-256 of the files */
};

/* revoked is borrowed for as long as there are rules; NULL: nothing is looked up. */
int rules_load(const struct settings *s, const struct tconn_revocation_list *revoked,
	       struct rules **ret, struct tconn_error *err);
void rules_put(struct rules *r);	/* accepts NULL */

/* The ones in force: rules_put() them. */
struct rules *rules_get(struct server *s);
/* From now on these are; takes them. */
void rules_enforce(struct server *s, struct rules *fresh);
/* The connection's own thread: go on by those in force. Where they are others than before, nothing
 * that was held of its log counts any more: it was measured against the old ones.
 */
void rules_refresh(struct device *d);

#endif
