// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int may_lock_memory(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (data[0].effective & (1u << CAP_IPC_LOCK)) != 0;
}

static int fill_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int tconn_process_harden(struct tconn_error *err)
{
	const struct rlimit none = { 0, 0 };
	int r = fill_descriptors();

	if (r < 0)
		return tconn_fail(err, r, "/dev/null: %s", strerror(-r));
	if (prctl(PR_SET_DUMPABLE, 0))
		return tconn_fail(err, -errno, "cannot become non-dumpable: %s", strerror(errno));
	if (setrlimit(RLIMIT_CORE, &none))
		return tconn_fail(err, -errno, "cannot forbid core files: %s", strerror(errno));
	/* On fault: thread stacks and large logs are locked as they are used. */
	if (may_lock_memory() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return tconn_fail(err, -errno, "cannot lock memory: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

void tconn_process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Nobody to tell that telling failed. */
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   offsetof(struct sockaddr_un, sun_path) + len) < 0)
		errno = 0;
	close(fd);
}
