// SPDX-License-Identifier: Apache-2.0
#include "caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>

#include "../lib/confinement.h"

/* What this process has of keep; asked before capng_clear() forgets it. */
static uint64_t have_of(uint64_t keep)
{
	uint64_t have = 0;

	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (keep & 1ULL << cap && capng_have_capability(CAPNG_PERMITTED, cap) &&
		    capng_have_capability(CAPNG_BOUNDING_SET, cap))
			have |= 1ULL << cap;
	}
	return have;
}

/* The kernel's word that it is done, not the library's. */
static int check(uint64_t kept, struct tconn_error *err)
{
	struct tconn_confinement now;
	int r = tconn_confinement_read(getpid(), &now, err);

	if (r < 0)
		return r;
	if (now.bounding != kept || now.held != kept)
		return tconn_fail(err, -EPERM, "capabilities are not what was set: bounding %llx, "
				  "held %llx, wanted %llx", (unsigned long long)now.bounding,
				  (unsigned long long)now.held, (unsigned long long)kept);
	return 0;
}

int caps_drop(uint64_t keep, struct tconn_error *err)
{
	uint64_t kept;

	if (capng_get_caps_process() < 0)
		return tconn_fail(err, -EIO, "cannot read the capabilities of this process");
	kept = have_of(keep);
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (kept & 1ULL << cap)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				     CAPNG_BOUNDING_SET, cap);
	}
	if (capng_apply(CAPNG_SELECT_ALL) < 0)
		return tconn_fail(err, -EPERM, "cannot drop capabilities: is this run by root?");
	return check(kept, err);
}
