/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MAC of a record: whether the module that measured its key made it, for this
 * verifier. How it is computed is in kmod/uapi/tconn.h, struct tconn_record.
 */
#ifndef TCONN_RECORD_MAC_H
#define TCONN_RECORD_MAC_H

#include <stdint.h>
#include "../../kmod/uapi/tconn.h"
#include "error.h"

/* For one request: made with it, wiped with it, and never written anywhere. */
struct tconn_verifier_key {
	uint8_t private[TCONN_KEY_SIZE];
	uint8_t public[TCONN_KEY_SIZE];
};
int tconn_verifier_key_make(struct tconn_verifier_key *ret, struct tconn_error *err);
void tconn_verifier_key_wipe(struct tconn_verifier_key *key);

/*
 * What record->mac must be, by either side's private key and the other's public one.
 * kernel_key: public half, as the BOOT event has it. -EKEYREJECTED: peer is a point of low
 * order; -EIO: libcrypto fails.
 */
int tconn_record_mac(const struct tconn_record *record, const uint8_t kernel_key[TCONN_KEY_SIZE],
		     const uint8_t private[TCONN_KEY_SIZE], const uint8_t peer[TCONN_KEY_SIZE],
		     uint8_t ret[TCONN_MAC_SIZE], struct tconn_error *err);

#endif
