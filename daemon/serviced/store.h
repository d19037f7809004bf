/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service remembers, in SQLite, or in PostgreSQL where several nodes are one
 * service (lib/database.h): enrolled devices with their last attestation and refusal,
 * requests with their nonces (unique), receipts, how many PINs in a row were not right,
 * what was revoked, and the audit log.
 * A PIN is never in it. Any thread may call.
 */
#ifndef SERVICED_STORE_H
#define SERVICED_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/appraise.h"

struct store;
struct json_object;

/* where: a file for SQLite, or the URL of a PostgreSQL. */
int store_open(const char *where, struct store **ret, struct tconn_error *err);
void store_close(struct store *s);	/* accepts NULL */

/* -EINVAL not an id, -EEXIST known already. */
int store_add_device(struct store *s, const char *id, struct tconn_error *err);
/* 0 enrolled, -ENOENT not. */
int store_find_device(struct store *s, const char *id, struct tconn_error *err);
/* The outcome of the last attestation; why is "" where it was trusted. */
int store_attestation(struct store *s, const char *id, const struct tconn_verdict *v,
		      const char *kernel, const char *why, struct tconn_error *err);
/* A device's attestation key, SHA-256 of its TPMT_PUBLIC: the first one that was trusted is
 * its own from then on. -EACCES: this is another one.
 */
int store_keep_ak(struct store *s, const char *id, const uint8_t ak[32], struct tconn_error *err);
/* The next one is. */
int store_forget_ak(struct store *s, const char *id, struct tconn_error *err);
/* id is revoked, then by comes in. -ENOENT, -EEXIST, -EINVAL as of those. */
int store_replace_device(struct store *s, const char *id, const char *by, struct tconn_error *err);

/* A device that is known was turned away before it attested; no error where it is not. */
int store_refused(struct store *s, const char *id, const char *why, struct tconn_error *err);
/* id NULL: all devices. An array of objects as in PROTOCOL.md, "connected" where it is at
 * any node that others know of.
 */
int store_list_devices(struct store *s, const char *id, struct json_object **ret,
		       struct tconn_error *err);

/* -EDQUOT: limit PINs in a row were not right, counted before anybody heard them; 0: no limit. */
int store_check_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err);
/* The same, and counts this one; -EDQUOT: it must not be tried. */
int store_count_pin(struct store *s, const char *id, uint32_t limit, struct tconn_error *err);
int store_reset_pin(struct store *s, const char *id, struct tconn_error *err);

/* What is revoked: a device by its id, or a certificate by its number (revocation.h). */
#define STORE_DEVICE		"device"
#define STORE_CERTIFICATE	"certificate"
#define STORE_REASON_MAX	128	/* bytes, terminator included */

struct store_revocation {
	uint64_t number;	/* rises by time, also over those that were lifted */
	char kind[16], subject[TCONN_IDENTITY_MAX];
};

/* -EINVAL no such kind, no such subject, or a reason that cannot be kept; -EEXIST it is already. */
int store_revoke(struct store *s, const char *kind, const char *subject, const char *reason,
		 struct tconn_error *err);
/* The revocation stays in the books, with its end. -ENOENT where there is none. */
int store_lift(struct store *s, const char *kind, const char *subject, struct tconn_error *err);
/* 0: it is not; -EKEYREVOKED, err begins with "revoked"; -EIO. */
int store_check_revoked(struct store *s, const char *kind, const char *subject,
			struct tconn_error *err);
/* The first in force after number: 1, or 0 where there is none. */
int store_next_revocation(struct store *s, uint64_t number, struct store_revocation *ret,
			  struct tconn_error *err);
int store_list_revocations(struct store *s, struct json_object **ret, struct tconn_error *err);

/* An entry at the audit log's end. -EIO: it is not in the log, and what it is about must not be
 * done. -EMSGSIZE.
 */
int store_audit(struct store *s, const char *who, const char *what, const char *subject,
		const char *detail, struct tconn_error *err);
/* At most limit of them, in order: objects as in lib/audit.h. */
int store_list_audit(struct store *s, uint64_t after, unsigned int limit, struct json_object **ret,
		     struct tconn_error *err);
/* Of an entry; zeros for 0. -ENOENT. */
int store_audit_hash(struct store *s, uint64_t number, uint8_t ret[32], struct tconn_error *err);

/* Refuses a nonce that was used before (-EEXIST). */
int store_add_request(struct store *s, const char *device, uint32_t kind, const uint8_t nonce[32],
		      const uint8_t *statement, size_t statement_len, uint64_t *ret_id,
		      struct tconn_error *err);
int store_finish_request(struct store *s, uint64_t id, const char *status, const char *outcome,
			 const char *why, struct tconn_error *err);

/* -- other nodes, where there are any */

#define STORE_NODE_NAME		33	/* bytes, terminator included */
#define STORE_NODE_DEAD_S	"6"	/* without a beat; in SQL */

struct question;

struct store_device {
	char id[TCONN_IDENTITY_MAX];
	bool here;			/* or here no more */
};

struct store_answer {
	bool taken, answered;		/* by the node that was sent */
	bool alive;			/* that node */
	int code;			/* if answered, as of struct question */
	struct tconn_error why;
	struct json_object *reply;	/* owned by who asked */
};

/* Whether the database is one that nodes share. */
bool store_is_shared(const struct store *s);
int store_beat(struct store *s, const char *node, struct tconn_error *err);
/* Devices that came to this node or left it; one that is at another one by now stays there. */
int store_present(struct store *s, const char *node, const struct store_device *device, size_t count,
		  struct tconn_error *err);
/* The node that a device is at: 1, or 0 where it is at none that is alive. */
int store_whereabouts(struct store *s, const char *id, char ret_node[STORE_NODE_NAME],
		      struct tconn_error *err);
/* The node ends: nothing is at it. */
int store_end_node(struct store *s, const char *node, struct tconn_error *err);
/* What nodes left that did not end so. */
int store_tidy(struct store *s, struct tconn_error *err);

int store_add_errand(struct store *s, const char *node, const struct question *q, uint64_t *ret_number,
		     struct tconn_error *err);
/* The oldest for this node, which nobody gets a second time: 1, or 0 where there is none. Label and
 * item of ret are the caller's; where it fails and *ret_number is set it has to be answered.
 */
int store_take_errand(struct store *s, const char *node, struct question *ret, uint64_t *ret_number,
		      struct tconn_error *err);
int store_answer_errand(struct store *s, uint64_t number, int code, const char *why, const char *reply,
			struct tconn_error *err);
int store_hear_errand(struct store *s, uint64_t number, struct store_answer *ret,
		      struct tconn_error *err);
/* 1: it is gone; 0: it was already, or is taken. */
int store_end_errand(struct store *s, uint64_t number, bool if_not_taken, struct tconn_error *err);

int store_add_receipt(struct store *s, uint64_t request, const char *device, const char *outcome,
		      const struct tconn_bytes *cose, uint64_t *ret_number,
		      struct tconn_error *err);
int store_list_receipts(struct store *s, struct json_object **ret, struct tconn_error *err);
int store_get_receipt(struct store *s, uint64_t number, struct tconn_bytes *ret,
		      struct tconn_error *err);

#endif
