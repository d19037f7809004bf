/* SPDX-License-Identifier: Apache-2.0 */
/* An event of the measurement log (struct tconn_event of kmod/uapi/tconn.h), forged. */
#ifndef ATTACK_EVENT_H
#define ATTACK_EVENT_H

#include "kmod/uapi/tconn.h"

#define EVENT_KERNEL_LOG	TCONN_SECURITYFS "/log"
#define EVENT_USERSPACE_LOG	"/run/records"	/* of the guest without a module */
#define EVENT_PCR		13

struct event {
	__u32 pcr;
	__u32 type;
	__u8 digest[TCONN_DIGEST_SIZE];
	__u32 len;
	struct tconn_record record;
} __attribute__((packed));

/* A record that says: confirmed. */
void event_forge(struct event *ret);

#endif
