/* SPDX-License-Identifier: Apache-2.0 */
/* Says what holds for confined processes, as the kernel sees them. */
#ifndef CONFINE_CHECK_H
#define CONFINE_CHECK_H

#include <stdint.h>

/* One process, or with 0 every REE that runs. 0: it holds for all of them; 1: it does
 * not, or there is none.
 */
int check(int32_t pid);

#endif
