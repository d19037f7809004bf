/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the REE sees of the file system: a mount namespace that nobody in it can
 * change (no CAP_SYS_ADMIN, no mount calls). All is read-only and without device
 * nodes but what the policy opens; /dev holds the policy's nodes, /proc the REE's own
 * processes, /sys nothing to write.
 */
#ifndef CONFINE_VIEW_H
#define CONFINE_VIEW_H

#include "policy.h"

/* Run by the first process of a PID namespace, in a mount namespace of its own. */
int view_make(const struct policy *p, struct tconn_error *err);

#endif
