/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TPM would do for a device, done with keys in this process: structures and signatures are
 * those of a TPM, bit by bit; what is missing is the TPM. Nobody should believe such keys but a
 * test's issuer: their EK certificates come from a maker of our own (ek_maker.h).
 */
#ifndef SWARM_SOFT_TPM_H
#define SWARM_SOFT_TPM_H

#include <openssl/evp.h>

#include "../lib/tpm.h"

struct soft_tpm {
	EVP_PKEY *ek, *ak, *tls, *data;		/* P-256; ek and data NULL where not loaded */
};

/* New keys, all four. */
int soft_tpm_make(struct soft_tpm *ret, struct tconn_error *err);
void soft_tpm_free(struct soft_tpm *t);

/* TPMT_PUBLIC, as the templates of tpm_ek.h (L-2) and tpm_template.h have it. */
int soft_tpm_ek_public(const struct soft_tpm *t, struct tconn_blob *ret, struct tconn_error *err);
int soft_tpm_public(const struct soft_tpm *t, enum tconn_key key, struct tconn_blob *ret,
		    struct tconn_error *err);

/* Of the PCRs in pcrs->mask, which have these values. */
int soft_tpm_quote(const struct soft_tpm *t, const struct tconn_pcrs *pcrs,
		   const uint8_t qualifying[32], struct tconn_quote *ret, struct tconn_error *err);
int soft_tpm_certify(const struct soft_tpm *t, enum tconn_key key, const uint8_t qualifying[32],
		     struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		     struct tconn_error *err);
int soft_tpm_activate(const struct soft_tpm *t, const struct tconn_blob *credential,
		      const struct tconn_blob *secret, uint8_t ret[32], struct tconn_error *err);

#endif
