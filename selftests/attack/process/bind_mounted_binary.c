// SPDX-License-Identifier: Apache-2.0
/*
 * Mounts itself over tconn-tui, so that the trusted side starts it.
 *
 * attack: bind_mounted_binary
 * class: process
 * when: before
 * judge: picture-write
 * defence: confinement
 * why: mount(2) is denied, CAP_SYS_ADMIN gone, and the REE has mounts of its own; the module
 *      admits by digest, whatever the name
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "impostor.h"
#include "report.h"

int main(int argc, char **argv)
{
	if (argc && impostor_is_called(argv[0]))
		return impostor_run();
	attack_init();
	if (mount(argv[0], IMPOSTOR_OF, NULL, MS_BIND, NULL))
		attack_failed("it cannot be mounted over: %s", strerror(errno));
	attack_ready();
	while (!attack_wait(1000))
		;
	umount2(IMPOSTOR_OF, MNT_DETACH);
	attack_succeeded("it was mounted over");
}
