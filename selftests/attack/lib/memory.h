/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the trusted user interface, and who reads it. */
#ifndef ATTACK_MEMORY_H
#define ATTACK_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory_range {
	uint64_t start, end;
};

/* The mapping that /proc/PID/maps gives that name, such as "[stack]"; 0 or a negative errno. */
int memory_find(pid_t pid, const char *name, struct memory_range *ret);

/* One way to read another process's memory: bytes read or a negative errno. */
typedef ssize_t memory_read(pid_t pid, uint64_t address, void *buf, size_t size);

/* process_vm_readv() */
memory_read memory_read_vm;

/*
 * All of an attack whose point is the way to read: says ready, waits for tconn-tui and
 * looks for the PIN on its stack, again and again until SIGTERM. For the judge keys.
 */
__attribute__((noreturn)) void memory_watch(memory_read *read);

#endif
