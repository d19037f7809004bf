/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's owner for tests: keys in a directory, and boot states that they sign, in files as
 * scripts/bootpolicy.py makes them. Run from the top of the tree.
 */
#ifndef TCONN_BOOT_OWNER_H
#define TCONN_BOOT_OWNER_H

#include <stdint.h>

#define BOOT_OWNER_PCRS	(1u << 7 | 1u << 11)

struct tconn_tpm;

/* DIR/NAME.key and DIR/NAME.crt. Exits the program with a KTAP bail-out where that fails. */
void boot_owner_make(const char *dir, const char *name);
/* NAME signs what these PCRs are now; more: more of bootpolicy.py's options, or "". 0, or not. */
int boot_owner_sign(struct tconn_tpm *tpm, const char *dir, const char *name, const char *more,
		    const char *path);

#endif
