/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference values in the form the checks use. The file's form and its loading
 * are in appraise.h.
 */
#ifndef TCONN_REFVALS_H
#define TCONN_REFVALS_H

#include "appraise.h"

#define TCONN_REFVALS_MAX	(16u << 20)	/* bytes of JSON */
#define TCONN_REFVALS_EVENTS	256		/* firmware events listed */
#define TCONN_REFVALS_DIGESTS	64		/* digests for one name */

struct tconn_digests {
	size_t count;
	uint8_t digest[][32];
};

struct tconn_refvals_event {
	uint32_t pcr, type;
	uint8_t digest[32];
	char what[64];
};

enum tconn_efi_list {
	TCONN_EFI_PK,
	TCONN_EFI_KEK,
	TCONN_EFI_DB,
	TCONN_EFI_DBX,
	TCONN_EFI_LISTS,
};

struct tconn_refvals_secure_boot {
	bool required;
	/* SHA-256 of certificates that may be there; of dbx: what must be there */
	struct tconn_digests *list[TCONN_EFI_LISTS];
};

struct lh_table;
struct json_object;
struct tconn_ima_policy;

struct tconn_refvals {
	char name[128];
	char kernel[128];		/* empty: any */
	size_t event_count;
	struct tconn_refvals_event event[TCONN_REFVALS_EVENTS];
	uint32_t pcr_closed;		/* bit n: PCR n holds listed events only */
	uint32_t pcr_exact;		/* bit n: PCR n is what the firmware log says, be it nothing */
	struct tconn_refvals_secure_boot secure_boot;
	struct tconn_digests *key_policy;	/* NULL: any */
	struct tconn_system system;	/* "": any */
	bool ima_required;
	struct lh_table *ima;		/* path -> struct tconn_digests */
	struct lh_table *ima_before_module;	/* path -> struct tconn_digests; NULL: any */
	struct lh_table *ima_buf;	/* event name -> struct tconn_digests */
	struct tconn_ima_policy *policy_ima;	/* ima_policy.h */
	bool tconn_required;
	bool tconn_developer;		/* a policy that is not signed will do */
	uint32_t tconn_pcr;
	struct tconn_digests *policy, *app;
};

/* A whole file of at most TCONN_REFVALS_MAX bytes; malloc'ed. */
int tconn_refvals_file(const char *path, struct tconn_bytes *ret, struct tconn_error *err);
/* { "tconn-withdrawn": 1, "reference_values": ["HEX", ...] }: SHA-256 of the JSON of reference
 * values that no longer count. *ret is malloc'ed.
 */
int tconn_withdrawn_parse(const char *json, size_t len, struct tconn_digests **ret,
			  struct tconn_error *err);

/* NULL where the name is not listed. name need not be terminated. */
const struct tconn_digests *tconn_refvals_find(struct lh_table *table, const char *name,
					       size_t len);
/* An array of hex digests; *ret is malloc'ed. */
int tconn_refvals_digests(struct json_object *array, struct tconn_digests **ret,
			  struct tconn_error *err);
bool tconn_digests_have(const struct tconn_digests *list, const uint8_t digest[32]);

#endif
