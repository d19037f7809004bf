/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key that a PIN authorises (pin_key.h) says: that its PIN was typed for this request and
 * this record, as its TPM found. Who has the key's public area can check it without a TPM.
 */
#ifndef TCONN_PIN_PROOF_H
#define TCONN_PIN_PROOF_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct tconn_blob;
struct tconn_pin_binding;	/* sealed_pin.h */

/* TPMT_PUBLIC of the PIN's key but for its point, and how long that part is. */
#define TCONN_PIN_KEY_FORM	20
extern const uint8_t tconn_pin_key_form[TCONN_PIN_KEY_FORM];
#define TCONN_PIN_KEY_PUBLIC	(TCONN_PIN_KEY_FORM + 68)	/* two coordinates of 32 bytes */

/* What is signed: SHA-256("tconn-pin-proof-1" || nonce || SHA-256(statement) || SHA-256(record)). */
void tconn_pin_proof_digest(const struct tconn_pin_binding *of, uint8_t ret[32]);

/* Did the key of this public area sign that? signature: TPMT_SIGNATURE. -EKEYREJECTED: it is no
 * key that only a PIN opens, or did not; -EBADMSG.
 */
int tconn_pin_proof_verify(const struct tconn_blob *public, const void *signature, size_t len,
			   const struct tconn_pin_binding *of, struct tconn_error *err);

#endif
