/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: entries in a chain of hashes, and a head that the service signs.
 *
 *	hash = SHA-256("tconn-audit-1" || hash of the entry before (32; zeros before the first) ||
 *		number (8) || time (8) || for who, what, subject and detail: bytes (4) || text)
 *	head: ECDSA by the service's DATA key over
 *		SHA-256("tconn-audit-head-1" || number (8) || hash (32) || time (8))
 * Integers are big-endian. An entry that was changed, taken out, put in or moved breaks the chain;
 * a chain that was cut short does not end where the head says. Who has the database and the
 * service's TPM can make another chain: keep exports elsewhere, and have each new one checked
 * against the last.
 *
 * Exported: JSON, an entry a line, {"number","time","who","what","subject","detail","hash"}, and at
 * last {"head","time","hash","service","signature","certificate"}: hash in hex, signature and
 * certificate (DER) in base64.
 */
#ifndef TCONN_AUDIT_H
#define TCONN_AUDIT_H

#include <stdbool.h>

#include "bytes.h"
#include "identity.h"

#define TCONN_AUDIT_LINE	131072u	/* bytes of an exported line, newline included */
#define TCONN_AUDIT_DETAIL	65536u	/* bytes of detail */

struct tconn_audit_entry {
	uint64_t number;	/* from 1, without a gap */
	int64_t time;		/* seconds since 1970 */
	const char *who;	/* "operator uid 0", "device ID", "service" */
	const char *what;	/* a word */
	const char *subject;	/* whom or what it was done to; or "" */
	const char *detail;	/* text, often JSON; or "" */
};

void tconn_audit_hash(const uint8_t before[32], const struct tconn_audit_entry *e, uint8_t ret[32]);
void tconn_audit_head_digest(uint64_t number, const uint8_t hash[32], int64_t time, uint8_t ret[32]);

/* A check of an export under way; begin with zeros and trust. */
struct tconn_audit_check {
	struct x509_store_st *trust;
	uint64_t number;	/* of the last entry */
	uint8_t hash[32];	/* of the last entry */
	bool ended;		/* the head was there, and is good */
	int64_t time;		/* its time */
	char service[TCONN_IDENTITY_MAX];	/* who signed it */
	/* To be found on the way: what an earlier export ended with; number 0: nothing. */
	uint64_t earlier;
	uint8_t earlier_hash[32];
};

/* The next line, without its newline. -EKEYREJECTED: tampered with, err says which entry and how.
 * -EBADMSG: no line of an export.
 */
int tconn_audit_line(struct tconn_audit_check *c, const char *line, size_t len,
		     struct tconn_error *err);
/* After the last line: -EKEYREJECTED where the head is missing, or the earlier end was not met. */
int tconn_audit_end(const struct tconn_audit_check *c, struct tconn_error *err);

#endif
