// SPDX-License-Identifier: Apache-2.0
#include "appraised.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int tconn_appraised_add(struct tconn_appraised *a, const struct tconn_evidence *e,
			struct tconn_error *err)
{
	struct tconn_appraised now = {
		.known = true, .ima_log = e->ima_base + e->ima_log.len, .tconn_log = e->tconn_log.len,
	};
	int r = tconn_quote_counts(&e->quote.attest, &now.reset_count, &now.restart_count, err);

	if (!r)
		r = tconn_quote_clock(&e->quote.attest, &now.last_ms, err);
	if (r)
		return r;
	now.first_ms = now.last_ms;
	if (a->known && a->reset_count == now.reset_count && a->restart_count == now.restart_count)
		now.first_ms = a->first_ms;
	snprintf(now.kernel, sizeof(now.kernel), "%s", e->kernel);
	*a = now;
	return 0;
}

static int check_log(const struct tconn_appraised *a, uint64_t at_ms, const char *which,
		     uint64_t said, uint64_t appraised, struct tconn_error *err)
{
	if (said <= appraised)
		return 0;
	return tconn_fail(err, at_ms > a->last_ms ? -EAGAIN : -EPERM,
			  "environment: %s's log of %" PRIu64 " bytes at %" PRIu64 " ms of the TPM's clock; "
			  "appraised were %" PRIu64 " bytes at %" PRIu64 " ms", which, said, at_ms, appraised,
			  a->last_ms);
}

int tconn_appraised_check(const struct tconn_appraised *a, const struct tconn_label *l,
			  bool *ret_compared, struct tconn_error *err)
{
	const struct tconn_label_environment *e = tconn_label_environment(l);
	const uint64_t at_ms = tconn_label_clock(l)->tpm_clock_ms;
	int r;

	*ret_compared = e->present && a->known && at_ms >= a->first_ms;
	if (!*ret_compared)
		return 0;
	if (strcmp(e->kernel, a->kernel))
		return tconn_fail(err, -EPERM, "environment: kernel %s; appraised was %s", e->kernel,
				  a->kernel);
	r = check_log(a, at_ms, "IMA", e->ima_log, a->ima_log, err);
	return r ? r : check_log(a, at_ms, "the module", e->tconn_log, a->tconn_log, err);
}
