/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public areas of keys this project makes and accepts (EKs: tpm_ek.h). A template has the unique
 * field that goes into TPM2_CreatePrimary; what comes back differs there only.
 */
#ifndef TCONN_TPM_TEMPLATE_H
#define TCONN_TPM_TEMPLATE_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>
#include "error.h"
#include "tpm.h"

/* unique.x = SHA-256 of the key's label: three primaries of one hierarchy
 * must differ somewhere. policy: 32 bytes, the only way to use the key (boot_policy.h); NULL:
 * anybody with this TPM may.
 */
void tconn_template_key(enum tconn_key key, const uint8_t *policy, TPMT_PUBLIC *ret);

/* A parent for what is sealed, ECC P-256 and AES-128-CFB; a primary of the owner hierarchy,
 * with a label like the keys'.
 */
void tconn_template_storage(TPMT_PUBLIC *ret);

/* Equal to the template in everything but the unique field. */
bool tconn_template_is_key(enum tconn_key key, const uint8_t *policy, const TPMT_PUBLIC *pub);
/* The 32 bytes of authPolicy where there is no other way to use the key, else NULL. */
const uint8_t *tconn_template_policy(const TPMT_PUBLIC *pub);

/* A fixed signing key of this TPM: ECC P-256, ECDSA-SHA256, restricted or not.
 * Checks attributes by meaning, not equality with the template: the verifier
 * need not care about noDA. -EKEYREJECTED says which property is wrong.
 */
int tconn_template_check_signer(const TPMT_PUBLIC *pub, bool restricted, struct tconn_error *err);

const char *tconn_key_label(enum tconn_key key);

#endif
