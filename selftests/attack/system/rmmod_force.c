// SPDX-License-Identifier: Apache-2.0
/*
 * Unloads the module by force (O_TRUNC), though a session uses it.
 *
 * attack: rmmod_force
 * class: system
 * when: session
 * judge: alive
 * unprotected: module
 * spoils: yes
 * defence: boot
 * why: delete_module with O_TRUNC ignores who uses it; modules_disabled=1 stops it, and the REE has no CAP_SYS_MODULE
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

int main(void)
{
	attack_init();
	attack_ready();
	if (syscall(SYS_delete_module, "tconn", O_NONBLOCK | O_TRUNC))
		attack_failed("delete_module: %s", strerror(errno));
	attack_succeeded("the kernel has unloaded it");
}
