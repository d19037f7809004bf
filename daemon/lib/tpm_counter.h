/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TPM counts, so that a rollback shows: its clock with the counts of resets
 * and restarts (TPM2_ReadClock), and one NV counter of ours. A counter that is
 * removed and made anew goes on above the highest value any counter of this TPM had.
 */
#ifndef TCONN_TPM_COUNTER_H
#define TCONN_TPM_COUNTER_H

#include <stdbool.h>
#include "tpm.h"

#define TCONN_COUNTER_NV	0x01817104	/* owner hierarchy, 8 bytes */

struct tconn_tpm_clock {
	uint64_t clock_ms;
	uint32_t reset_count, restart_count;
	bool safe;
};

int tconn_tpm_clock(struct tconn_tpm *tpm, struct tconn_tpm_clock *ret, struct tconn_error *err);
/* One step, then the value. Makes the counter where it is absent. */
int tconn_tpm_count(struct tconn_tpm *tpm, uint64_t *ret, struct tconn_error *err);

#endif
