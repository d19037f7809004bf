// SPDX-License-Identifier: Apache-2.0
/* When: the kernel's clock and how well it is kept, the TPM's, and the epoch. */
#include "label.h"

#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#include "tpm_counter.h"

void tconn_label_now(struct tconn_label_clock *ret)
{
	struct timex t = { 0 };
	struct timespec now;
	int state = adjtimex(&t);

	clock_gettime(CLOCK_REALTIME, &now);
	ret->time_us = now.tv_sec > 0 ? (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 :
					0;
	ret->synchronised = state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
	/* maxerror grows by 500 us a second until somebody disciplines the clock. */
	ret->uncertainty_us = state >= 0 && t.maxerror >= 0 && t.maxerror < UINT32_MAX ?
			      (uint32_t)t.maxerror : UINT32_MAX;
}

int tconn_label_read_clock(struct tconn_tpm *tpm, struct tconn_label_clock *ret,
			   struct tconn_error *err)
{
	struct tconn_tpm_clock c;
	int r = tconn_tpm_clock(tpm, &c, err);

	if (r)
		return r;
	ret->tpm_clock_ms = c.clock_ms;
	ret->reset_count = c.reset_count;
	ret->restart_count = c.restart_count;
	ret->safe = c.safe;
	return 0;
}

int tconn_label_new_epoch(struct tconn_tpm *tpm, uint64_t *ret, struct tconn_error *err)
{
	return tconn_tpm_count(tpm, ret, err);
}
