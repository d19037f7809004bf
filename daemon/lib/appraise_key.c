// SPDX-License-Identifier: Apache-2.0
/*
 * In which boot states the attester's keys can be used. The evidence shows the AK's whole
 * public area, of which the certificate vouches for the key alone; that the rest is true
 * follows from the quote, in which the TPM names its signer by that area's digest. TLS and
 * DATA key are like the AK in this: the issuer looked.
 */
#include <string.h>

#include "appraise_part.h"
#include "tpm_blob.h"
#include "tpm_template.h"

static bool is_quotes_signer(const struct tconn_appraising *a)
{
	uint8_t name[34], qualified[34];

	if (tconn_name(&a->evidence->ak, name, NULL))
		return false;
	tconn_owner_qualified_name(name, qualified);
	return memcmp(qualified, a->info.signer, sizeof(qualified)) == 0;
}

bool tconn_check_key_policy(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_digests *wanted = a->refvals->key_policy;
	const uint8_t *policy;
	TPMT_PUBLIC public;

	if (tconn_blob_unpack_public(&a->evidence->ak, &public, NULL))
		return tconn_refuse(why, "the AK's public area is malformed");
	if (!is_quotes_signer(a))
		return tconn_refuse(why, "the AK's public area is not that of the key that quoted, or "
				    "that is no primary key of the owner hierarchy");
	policy = tconn_template_policy(&public);
	if (!wanted)
		return tconn_reserve(why, policy ? "sealed to the boot states that somebody signs; it is "
				     "not demanded" : "the keys can be used in any boot state; "
				     "nothing else is demanded");
	if (!policy)
		return tconn_refuse(why, "the keys can be used in any boot state");
	if (!tconn_digests_have(wanted, policy))
		return tconn_refuse(why, "the keys are sealed to boot states that somebody else signs "
				    "(policy %s)", tconn_digest_short(policy).text);
	return tconn_pass(why, "the keys can be used in boot states that the owner signed, and no other");
}
