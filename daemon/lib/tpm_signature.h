/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM's ECDSA P-256/SHA-256 signature as X.509 and TLS write it. */
#ifndef TCONN_TPM_SIGNATURE_H
#define TCONN_TPM_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>
#include "error.h"

#define TCONN_SIGNATURE_MAX	72	/* bytes of a DER ECDSA-Sig-Value over P-256 */

/* -EBADMSG where it is of another algorithm. */
int tconn_signature_der(const TPMT_SIGNATURE *signature, uint8_t ret[TCONN_SIGNATURE_MAX],
			size_t *ret_len, struct tconn_error *err);

#endif
