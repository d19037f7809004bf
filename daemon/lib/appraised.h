/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was appraised of a machine since it started, to compare with what its labels say of it.
 * Their digests cannot be: the evidence that a label names was quoted for labels, with a nonce
 * of its own. What both say is compared: how long the logs were, and which kernel ran. The
 * TPM's clock, which never goes back but where it lost power, says which label is of this start:
 * the counts in quotes are masked (TPM 2.0 Library, part 2, TPMS_ATTEST), those in labels are not.
 */
#ifndef TCONN_APPRAISED_H
#define TCONN_APPRAISED_H

#include "evidence.h"
#include "label.h"

struct tconn_appraised {
	bool known;				/* false: nothing was, and no label can be compared */
	uint32_t reset_count, restart_count;	/* as quoted */
	uint64_t first_ms, last_ms;		/* the TPM's clock at this start's first and last quote */
	uint64_t ima_log, tconn_log;		/* bytes, at the last */
	char kernel[128];
};

/* After a verdict that trusts e. -EBADMSG. */
int tconn_appraised_add(struct tconn_appraised *a, const struct tconn_evidence *e,
			struct tconn_error *err);

/* 0: the label's environment agrees, or it has none or one of an earlier time; ret tells which.
 * -EPERM: it does not agree. -EAGAIN: it is younger than what was appraised, and says more.
 */
int tconn_appraised_check(const struct tconn_appraised *a, const struct tconn_label *l,
			  bool *ret_compared, struct tconn_error *err);

#endif
