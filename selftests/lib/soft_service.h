/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose keys are in memory, and who vouches for it: for tests of what such a
 * service signs, wrong certificates included. Steps that fail end the program.
 */
#ifndef TCONN_SOFT_SERVICE_H
#define TCONN_SOFT_SERVICE_H

#include "daemon/lib/request_proof.h"

struct evp_pkey_st;

struct soft_party {
	struct evp_pkey_st *key;	/* P-256 */
	uint8_t *cert;			/* DER, malloc'ed */
	size_t cert_len;
};

#define SOFT_DATA_USAGE	"critical,digitalSignature,nonRepudiation"

struct soft_certificate {
	const char *name;		/* subject's CN */
	const char *urn;		/* NULL: an issuer, self-signed */
	const char *usage;		/* keyUsage */
	long from, until;		/* seconds from now */
};

void soft_issuer(struct soft_party *ret, const char *name);
void soft_certify(struct soft_party *ret, const struct soft_party *issuer,
		  const struct soft_certificate *c);
/* pay.example, as tconn-ca would have it. */
void soft_service(struct soft_party *ret, const struct soft_party *issuer);
void soft_free(struct soft_party *p);

/* Bytes in buf of TCONN_PROOF_MAX. */
size_t soft_prove(const struct soft_party *signer, const struct soft_party *issuer,
		  const struct tconn_proof_of *of, uint8_t *buf);

#endif
