/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of an enrolment compute: PROTOCOL.md, ENROL_PROOF. */
#ifndef TCONN_ENROL_PROOF_H
#define TCONN_ENROL_PROOF_H

#include "tpm.h"

/* SHA-256("tconn-enrol-1" || credential || SHA-256(the key's TPMT_PUBLIC)). Shows that
 * the AK that holds the credential and the AK that certifies are one.
 */
void tconn_enrol_qualifying(const uint8_t credential[32], const struct tconn_blob *key, uint8_t ret[32]);

#endif
