/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls the REE is refused (EPERM), for good: a seccomp filter is
 * inherited and cannot be taken off. Capabilities stop most of these as well;
 * the filter holds where a capability check is missing or a user namespace
 * would give capabilities back.
 */
#ifndef CONFINE_SYSCALLS_H
#define CONFINE_SYSCALLS_H

#include "policy.h"

/* Also sets no_new_privs. Run it last: it takes mount() and the like. */
int syscalls_deny(const struct policy *p, struct tconn_error *err);

#endif
