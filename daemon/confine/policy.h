/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an REE may have, as its policy file says: lines "WORD ARGUMENT", '#' to
 * the end of a line says why. The first one is "version 1". A line this does not
 * understand refuses the file: a misspelt word must not leave a door open.
 */
#ifndef CONFINE_POLICY_H
#define CONFINE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/error.h"

#define POLICY_FILE_MAX	65536	/* bytes */
#define POLICY_LINES	256
#define POLICY_DEFAULT	"/etc/tconn/ree.policy"

enum policy_word {
	POLICY_KEEP,		/* CAP_NAME: a capability the REE's root keeps */
	POLICY_DENY,		/* a system call denied beside those of syscalls.c */
	POLICY_DEVICE,		/* a node or folder below /dev that the REE has */
	POLICY_FRESH,		/* a folder that is empty and the REE's own (tmpfs) */
	POLICY_READ,		/* a folder of the outside, shown below a fresh one */
	POLICY_WRITABLE,	/* a folder the REE may write to; all else is read-only */
	POLICY_HIDE,		/* a file or folder that the REE must not see */
	POLICY_NETWORK,		/* "shared" with the trusted side, or "own": none yet */
};

struct policy_line {
	enum policy_word word;
	const char *argument;
};

struct policy {
	char *text;		/* what the arguments point into */
	struct policy_line line[POLICY_LINES];
	size_t count;
	uint64_t keep;		/* capability sets' bit mask */
	bool own_network;
	char digest[65];	/* SHA-256 of the file, hex */
};

/* -EPERM: others than root can write the file; -EINVAL: where and what is wrong. */
int policy_load(const char *path, struct policy *ret, struct tconn_error *err);
void policy_free(struct policy *p);

/* The next argument of a word: start with *at = 0; NULL after the last one. */
const char *policy_next(const struct policy *p, enum policy_word word, size_t *at);

#endif
