// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/label.h"

static int read_executable(struct peer *p, struct tconn_error *err)
{
	char path[64];
	struct stat st;
	uint64_t size;
	ssize_t n;
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/exe", p->who.pid);
	n = readlink(path, p->who.executable, sizeof(p->who.executable));
	if (n < 0 || n == sizeof(p->who.executable))
		return tconn_fail(err, -EACCES, "process %d: its executable cannot be named", p->who.pid);
	p->who.executable[n] = '\0';
	/* What the link leads to, not what has that name by now. */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tconn_fail(err, -EACCES, "process %d: its executable cannot be read", p->who.pid);
	r = fstat(fd, &st) ? -errno : tconn_label_hash_file(fd, p->who.digest, &size, err);
	close(fd);
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	return r;
}

/* The unified hierarchy's line, "0::/path". */
static void read_cgroup(struct tconn_label_peer *who)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", who->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::", 3) && strchr(line, '\n') &&
		    strcspn(line + 3, "\n") < sizeof(who->cgroup))
			snprintf(who->cgroup, sizeof(who->cgroup), "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
	if (f)
		fclose(f);
}

int peer_identify(int fd, struct peer *ret, struct tconn_error *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct peer p = { .pidfd = -1 };
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || cred.pid <= 0)
		return tconn_fail(err, -EACCES, "a client of another process id namespace");
	p.who.pid = cred.pid;
	p.who.uid = cred.uid;
	p.pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
	if (p.pidfd < 0)
		return tconn_fail(err, -ESRCH, "process %d has gone", cred.pid);
	r = read_executable(&p, err);
	read_cgroup(&p.who);
	if (!r && !peer_unchanged(&p))
		r = tconn_fail(err, -ESRCH, "process %d changed while it was looked at", cred.pid);
	if (r)
		close(p.pidfd);
	else
		*ret = p;
	return r;
}

bool peer_unchanged(const struct peer *p)
{
	struct pollfd alive = { .fd = p->pidfd, .events = POLLIN };
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", p->who.pid);
	return !stat(path, &st) && st.st_dev == p->dev && st.st_ino == p->ino &&
	       poll(&alive, 1, 0) == 0;
}
