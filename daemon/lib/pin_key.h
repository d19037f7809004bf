/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PIN for this device's TPM, from the side that has the TPM and must not have the PIN: carries
 * what the other side computes (pin_session.h, which has the protocol) to the TPM and back.
 *
 * The PIN's key: ECC P-256, unrestricted sign, persistent at TCONN_PIN_KEY_HANDLE, made by TPM2_Create
 * below the storage key. Not a primary: that could be made anew with another authValue and the same
 * Name. authValue is the only way to it. It has no noDA, so the TPM counts wrong PINs, over all such
 * keys, and after its maximum takes none for its recovery time; the TPM's owner sets both (part 1,
 * 19.8.2; tpm2_dictionarylockout). Who knows lockoutAuth resets the count: until the owner sets one it
 * is empty, and the limit holds against nobody who reaches the TPM by themselves. Nor does anything
 * of this keep such a one from putting another key at the handle: that has another Name, and whoever
 * checks signatures knows the right one.
 */
#ifndef TCONN_PIN_KEY_H
#define TCONN_PIN_KEY_H

#include <stdbool.h>

#include "pin_session.h"
#include "tpm.h"

#define TCONN_PIN_KEY_HANDLE	0x81010013

/* One conversation. begin: to OPEN, ret is OPENED. use: to COMMAND, ret is RESULT, whatever the TPM
 * said, a refusal too; the session is over then. A key that was made takes the place of the one
 * before. end accepts what never began, and what is over. -EBADMSG: not such a message; else
 * as tconn_tpm_rc().
 */
struct tconn_pin_carrier {
	struct tconn_tpm *tpm;
	uint32_t session;		/* its handle; 0: none */
};
int tconn_pin_carrier_begin(struct tconn_pin_carrier *c, struct tconn_tpm *tpm, const void *open, size_t len,
			    struct tconn_pin_message *ret, struct tconn_error *err);
int tconn_pin_carrier_use(struct tconn_pin_carrier *c, const void *command, size_t len,
			  struct tconn_pin_message *ret, struct tconn_error *err);
void tconn_pin_carrier_end(struct tconn_pin_carrier *c);

/* What an operator wants to know of the TPM's limit. */
struct tconn_pin_limit {
	uint32_t failed, most;		/* wrong tries so far; at so many it takes none */
	uint32_t recovery_s;		/* one is forgotten after so long */
	bool locked;
	bool lockout_auth;		/* somebody set one: the count cannot be reset by anybody */
};
int tconn_pin_limit(struct tconn_tpm *tpm, struct tconn_pin_limit *ret, struct tconn_error *err);

/* TPMT_PUBLIC of the key; -ENOENT: there is none. */
int tconn_pin_key_public(struct tconn_tpm *tpm, struct tconn_blob *ret, struct tconn_error *err);

#endif
