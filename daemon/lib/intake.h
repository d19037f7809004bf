/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labelled items from the other end of a channel, as either end takes them: checked first,
 * against what its policy accepts, then kept, and only then used. Nothing of an item that is
 * refused is kept. Policy, JSON:
 *  { "tconn-item-policy": 1,
 *    "sources": [ { "source": "camera/...",		name, or any below it
 *		     "content_types": ["image/x-raw"],	optional: any
 *		     "programs": ["HEX", ...],		optional: SHA-256 of who may have made it
 *		     "max_age_s": 3600,			optional: between label and now
 *		     "synchronised": true,		optional: the signer's clock has to be
 *		     "environment": true,		optional: it has to say what it ran
 *		     "appraised": true,			optional: and that has to be of a start of the
 *							machine of which it was appraised
 *		     "complete": true,			optional: a hole in the order is a refusal
 *		     "max_items": 10000,		optional: of one signer, kept at a time
 *		     "max_mib": 1024 } ] }		optional: their data and labels, likewise
 * What is not on it is refused. Unknown keys are refused by name. An item counts for the first
 * source in the policy that fits, until somebody takes its files away.
 *
 * Kept as DIR/SIGNER/SOURCE-EPOCH-SEQUENCE.data and .label, with every byte of the source's
 * name but letters, digits, '-' and '_' as %XX; DIR/SIGNER/track is the order (label.h).
 */
#ifndef TCONN_INTAKE_H
#define TCONN_INTAKE_H

#include "appraised.h"
#include "identity.h"
#include "label.h"
#include "policy_json.h"

enum tconn_intake_limit {
	TCONN_INTAKE_RULES_MAX	= 64,
	TCONN_INTAKE_ITEMS	= 10000,	/* max_items and max_mib where the policy has none */
	TCONN_INTAKE_MIB	= 1024,
	TCONN_ITEM_MAX		= 8 << 20,	/* bytes of an item's data */
	TCONN_ITEM_LABEL_MAX	= 65536,	/* bytes of its label */
	TCONN_FRAME_ITEM	= TCONN_ITEM_MAX + TCONN_ITEM_LABEL_MAX + 1024,	/* of the message */
};

struct tconn_intake_rule {
	char source[64];
	size_t type_count, program_count;
	char type[TCONN_POLICY_LIST_MAX][64];
	uint8_t program[TCONN_POLICY_LIST_MAX][32];
	uint32_t max_age_s;		/* 0: any */
	bool synchronised, environment, appraised, complete;
	uint32_t max_items, max_mib;
};

struct tconn_intake_policy {
	size_t count;
	struct tconn_intake_rule rule[TCONN_INTAKE_RULES_MAX];
};

struct tconn_intake {
	const char *dir;
	struct x509_store_st *trust;	/* issuers of signers */
	struct tconn_intake_policy policy;
	void *usage;			/* tree: what is kept, by signer (intake_quota.c) */
};

struct tconn_intake_item {
	char name[128];			/* "camera/front #12", for a person */
	char path[512];			/* of its data; "" where it was not kept */
};

int tconn_intake_policy_parse(const char *json, size_t len, struct tconn_intake_policy *ret,
			      struct tconn_error *err);
int tconn_intake_policy_load(const char *path, struct tconn_intake_policy *ret,
			     struct tconn_error *err);

/* The first that fits; NULL: none does. */
const struct tconn_intake_rule *tconn_intake_rule_of(const struct tconn_intake_policy *p,
						     const char *source);

/* From the holder of that identity, of which this was appraised; NULL: nothing, and nothing is
 * compared. Errors are label.h's, and -EPERM: the policy does not accept it, or its environment is
 * not what was appraised, -EAGAIN: that is to be appraised once more first, -ETIME: too old,
 * -EDQUOT: there is no room for it now; err begins with the item's name once that is known.
 */
int tconn_intake_take(struct tconn_intake *in, const struct tconn_identity *from,
		      const struct tconn_appraised *appraised, const struct tconn_bytes *label,
		      const struct tconn_bytes *data, struct tconn_intake_item *ret,
		      struct tconn_error *err);
/* What it learned; not what it was given. */
void tconn_intake_free(struct tconn_intake *in);

#endif
