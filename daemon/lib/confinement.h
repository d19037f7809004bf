/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of a process that tconn-confine started: facts from
 * /proc/PID/status, not the launcher's word. All that such a process starts
 * inherits them and cannot lose them.
 */
#ifndef TCONN_CONFINEMENT_H
#define TCONN_CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

/*
 * One file for each REE that runs, named after its first process as the trusted
 * side counts; "SHA256 PATH\n" of its policy. Not in /run/tconn: a service
 * manager empties that when tconnd stops, and the REE runs on.
 */
#define TCONN_CONFINED_DIR	"/run/tconn-ree"
#define TCONN_CONFINED_MAX	16	/* REEs that are looked at */

/*
 * Capabilities that no REE may hold, whatever its policy says: with any of them
 * it could undo its confinement, read other processes or run code in the kernel.
 */
uint64_t tconn_capabilities_never(void);

struct tconn_confinement {
	int32_t pid;
	char digest[65];		/* of the policy, hex; "" not known */
	char policy[256];		/* its path, "" not known */
	uint64_t bounding;		/* capabilities it can ever have */
	uint64_t held;			/* in any other of its sets */
	uint32_t seccomp;		/* 0 none, 1 strict, 2 filter */
	bool no_new_privs;
	bool own_pids;			/* in a PID namespace below ours */
};

/* -ESRCH no such process; -EBADMSG a status this does not understand. */
int tconn_confinement_read(int32_t pid, struct tconn_confinement *ret, struct tconn_error *err);

/* The REEs that run now, from dir; files left by others are passed over.
 * Returns how many are in ret, at most TCONN_CONFINED_MAX.
 */
size_t tconn_confinement_list(const char *dir, struct tconn_confinement *ret);

/* NULL where it holds, otherwise what does not. */
const char *tconn_confinement_flaw(const struct tconn_confinement *c);

/* "sys_admin", ...; NULL past the last one this kernel has. */
const char *tconn_capability_name(unsigned int number);

#endif
