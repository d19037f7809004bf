/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_EVIDENCE_H
#define TCONN_EVIDENCE_H

#include <linux/types.h>
#include "uapi/tconn.h"

/* The kernel's key pair: made at load, before anything is measured; gone at unload. */
void tconn_evidence_init(void);
void tconn_evidence_exit(void);
const u8 *tconn_evidence_public(void);

/*
 * The key for one record's MAC, TCONN_MAC_SIZE bytes. Secret: wiped by the caller.
 * -EKEYREJECTED: no secret comes of the verifier's key.
 */
int tconn_evidence_agree(const struct tconn_record *record, u8 *ret_key);

/* Fills record->mac; the rest is complete. */
void tconn_evidence_seal(struct tconn_record *record, const u8 *key);

#endif
