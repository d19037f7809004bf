/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the measurement log (struct tconn_event of kmod/uapi/tconn.h), forged. */
#ifndef ATTACK_EVENT_H
#define ATTACK_EVENT_H

#include <stddef.h>

#include "kmod/uapi/tconn.h"

#define EVENT_KERNEL_LOG	TCONN_SECURITYFS "/log"
#define EVENT_USERSPACE_LOG	"/run/records"	/* of the guest without a module */
#define EVENT_PCR		13

struct event {
	__u32 pcr;
	__u32 type;
	__u8 digest[TCONN_DIGEST_SIZE];
	__u32 len;
	union {
		struct tconn_record record;
		struct tconn_event_boot boot;
	};
} __attribute__((packed));

/* A record that says: confirmed, for the verifier whose public key is known. */
void event_forge(struct event *ret);
/* A BOOT event with a kernel key. */
void event_forge_boot(struct event *ret, const __u8 *kernel_key);
/* Makes the digest fit after a change of the data. */
void event_digest(struct event *e);

/*
 * Adds events to the log that a verifier is shown: the kernel's, by mounting a longer one
 * over it, else the one that is kept in a file; and extends the PCR with each. NULL, or
 * what could not be done.
 */
const char *event_add(const struct event *events, size_t count);

#endif
