/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict that others can check: an EAT Attestation Result (draft-ietf-rats-ear) as a CWT,
 * COSE_Sign1 with ES256 by the service's DATA key, in a conceptual message wrapper
 * (draft-ietf-rats-msg-wrap): the CBOR array ["application/eat+cwt", bstr COSE_Sign1, 8],
 * 8 = attestation results. Protected header {1: -7, 3: "application/eat+cwt", 33: DATA
 * certificate DER}. Claims, in this order:
 *
 *	1 iss	"urn:tconn:service:NAME"	2 sub	"urn:tconn:device:ID"
 *	6 iat	seconds since 1970, of the appraisal
 *	265 eat_profile "tag:github.com,2023:veraison/ear"
 *	266 submods { "tconn": { 1000 ear.status, 1001 ear.trustworthiness-vector
 *		{ 0 instance-identity, 1 configuration, 2 executables },
 *		-70001: checks as in VERDICT } }
 *	1004 ear.verifier-id { 0 build, 1 developer }
 *
 * Status: the worst of the vector. Each part is 2 (affirming) where all its checks passed, 32
 * (warning) where one did with a reservation, 96 (contraindicated) where one failed, and 0
 * (none) where there was none.
 */
#ifndef TCONN_EAR_H
#define TCONN_EAR_H

#include "appraise.h"

#define TCONN_EAR_MAX	65536u	/* bytes */

enum tconn_tier {
	TCONN_TIER_NONE			= 0,
	TCONN_TIER_AFFIRMING		= 2,
	TCONN_TIER_WARNING		= 32,
	TCONN_TIER_CONTRAINDICATED	= 96,
};
const char *tconn_tier_name(enum tconn_tier tier);

enum tconn_trust_part {
	TCONN_TRUST_IDENTITY,
	TCONN_TRUST_CONFIGURATION,
	TCONN_TRUST_EXECUTABLES,
	TCONN_TRUST_PARTS,
};
void tconn_verdict_grade(const struct tconn_verdict *v,
			 enum tconn_tier ret[TCONN_TRUST_PARTS], enum tconn_tier *ret_status);

struct tconn_ear {
	uint64_t time;
	char device[TCONN_IDENTITY_MAX], service[TCONN_IDENTITY_MAX];
	enum tconn_tier part[TCONN_TRUST_PARTS], status;	/* sign: from the verdict */
	struct tconn_verdict verdict;	/* after verify: no warnings, they are in the tiers */
};

int tconn_ear_sign(const struct tconn_ear *e, struct tconn_tpm *tpm, const uint8_t *data_cert,
		   size_t data_cert_len, struct tconn_bytes *ret, struct tconn_error *err);
/* Signature, chain to trust, issuer; then decodes. -EKEYREJECTED, -EBADMSG, -EMSGSIZE. */
int tconn_ear_verify(const uint8_t *cmw, size_t len, struct x509_store_st *trust,
		     struct tconn_ear *ret, struct tconn_error *err);

#endif
