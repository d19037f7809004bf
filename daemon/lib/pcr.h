/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of PCRs as a verifier computes them; tconn_pcrs_reset() and
 * tconn_pcr_replay() are in log.h.
 */
#ifndef TCONN_PCR_H
#define TCONN_PCR_H

#include "log.h"

#define TCONN_EV_NO_ACTION	3u

/* One firmware event. EV_NO_ACTION is not extended; the StartupLocality one
 * sets PCR 0 and must come before anything is extended into it (-EBADMSG).
 */
int tconn_pcr_replay_boot(struct tconn_pcrs *p, const struct tconn_boot_event *e,
			  struct tconn_error *err);
bool tconn_pcr_equal(const uint8_t a[32], const uint8_t b[32]);
bool tconn_pcr_is_zero(const uint8_t digest[32]);
/* The pcrDigest of a quote over all PCRs in mask: SHA-256 of the values, ascending. */
void tconn_pcrs_digest(const struct tconn_pcrs *p, uint32_t mask, uint8_t ret[32]);

#endif
