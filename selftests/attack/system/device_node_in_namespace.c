// SPDX-License-Identifier: Apache-2.0
/*
 * Opens the module's device by a node of its own, in mount and user namespaces of its
 * own.
 *
 * attack: device_node_in_namespace
 * class: system
 * when: idle
 * judge: self
 * unprotected: module
 * defence: confinement
 * why: whoever can make a device node can open the module; the REE has no CAP_MKNOD and no mount that would honour it
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file.h"
#include "kmod/uapi/tconn.h"
#include "report.h"

#define MISC_MAJOR	10
#define MINORS		256

/* The module's version, if the node at path is its device. */
static int ask(const char *path)
{
	struct tconn_version version = { 0 };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, TCONN_IOC_VERSION, &version) ? -errno : 0;
	close(fd);
	return ret;
}

/* Its minor is dynamic: all of them are tried, as one who cannot read /proc/misc would. */
static int try_nodes(const char *folder)
{
	int minor, ret = -ENOENT;
	char path[64];

	for (minor = 0; minor < MINORS; minor++) {
		snprintf(path, sizeof(path), "%s/node%d", folder, minor);
		if (mknod(path, S_IFCHR | 0600, makedev(MISC_MAJOR, minor)))
			return -errno;
		/* Opening a watchdog starts it. */
		ret = minor == 130 ? -EPERM : ask(path);
		unlink(path);
		if (!ret)
			return 0;
	}
	return ret;
}

static void own_mounts(const char *folder)
{
	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		attack_note("no namespace of its own: %s", strerror(errno));
	mkdir(folder, 0700);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("attack", folder, "tmpfs", 0, NULL))
		attack_note("no mount of its own: %s", strerror(errno));
}

int main(void)
{
	static const char * const folders[] = { "/tmp/nodes", "/tmp", "/dev/shm", "/dev" };
	unsigned int i;
	int ret;

	attack_init();
	attack_ready();
	if (!ask(TCONN_DEVICE))
		attack_succeeded("opened " TCONN_DEVICE);
	own_mounts(folders[0]);
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		ret = try_nodes(folders[i]);
		if (!ret)
			attack_succeeded("opened a node in %s", folders[i]);
		attack_note("%s: %s", folders[i], strerror(-ret));
	}
	attack_failed("no node of it can be made and opened");
}
