/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reference values say of IMA's entries, compiled once: the lists as one hash set of
 * (name, digest), rules for what is on no list, keys for file signatures.
 *
 *    "ima_digests": ["HEX", ...]	contents accepted under any name
 *    "ima_rules": [ {"path": GLOB, "accept": "listed"|"signed"|"any", "violation": BOOL}, ... ]
 *		the first whose path matches decides about an entry that is on no list:
 *		signed by one of ima_keys, or (any) excluded from appraisal. violation
 *		(optional, false) tells whether an entry may say that the file was open for
 *		writing while it was measured. Without a matching rule: listed, no violation.
 *    "ima_keys": ["PEM", ...]		public keys or certificates
 *    "ima_text": { "NAME": [GLOB, ...] }	measured buffers that are text, such as
 *		device-mapper's tables (dm_table_load), by pattern. Keys that came onto a
 *		keyring (event name ".ima", ...) are buffers too; list them in "ima_buf".
 *
 * In a GLOB '*' is any run of characters, '/' included, and '?' any one; nothing else is special. A path is what a process in the
 * device's own mount namespace called the file: "any" is for places whose content is never
 * executed with privilege.
 */
#ifndef TCONN_IMA_POLICY_H
#define TCONN_IMA_POLICY_H

#include "appraise_part.h"

#define TCONN_IMA_RULES_MAX	256
#define TCONN_IMA_GLOB_MAX	512	/* bytes */

struct json_object;
struct tconn_ima_policy;

/* The tables of r are borrowed: they must stay as they are. */
int tconn_ima_policy_compile(struct json_object *top, const struct tconn_refvals *r,
			     struct tconn_ima_policy **ret, struct tconn_error *err);
void tconn_ima_policy_free(struct tconn_ima_policy *p);	/* accepts NULL */

/* One entry other than boot_aggregate and the module's own. Where it passes by a rule for
 * any content, or in spite of a violation, why->warning is set.
 */
bool tconn_ima_policy_check(const struct tconn_refvals *r, const struct tconn_ima_event *e,
			    struct tconn_reason *why);

#endif
