/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Papers that an owner signed: COSE_Sign1 (cose.h), ES256, protected header exactly
 * {1: -7, 3: content type, 33: the signer's certificate, DER}. A signer is known by its
 * certificate, byte for byte: whoever else's certificate chains to somewhere is none.
 */
#ifndef TCONN_SIGNED_H
#define TCONN_SIGNED_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_SIGNERS_MAX	8	/* certificates */

#define TCONN_TYPE_REFVALS	"application/vnd.tconn.reference-values+json"
#define TCONN_TYPE_WITHDRAWN	"application/vnd.tconn.withdrawn+json"

struct tconn_signers;
/* path: PEM, one certificate or more. */
int tconn_signers_load(const char *path, struct tconn_signers **ret, struct tconn_error *err);
void tconn_signers_free(struct tconn_signers *s);	/* accepts NULL */

/* The payload, borrowed from buf, and its content type. -EKEYREJECTED: not by a signer. */
int tconn_signed_open(const uint8_t *buf, size_t len, const struct tconn_signers *signers,
		      char ret_type[64], const uint8_t **ret, size_t *ret_len,
		      struct tconn_error *err);

#endif
