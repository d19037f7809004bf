/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into another process, as root can. */
#ifndef TCONN_PROCESS_MEMORY_H
#define TCONN_PROCESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* In any of its mappings that can be read. */
bool process_memory_has(pid_t pid, const void *what, size_t len);

#endif
