// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char *const argv[], char *const env[], int in)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* A group of its own: what it starts ends with it. */
	setpgid(0, 0);
	if (dup2(in, STDIN_FILENO) < 0)
		_exit(127);
	close_range(3, ~0U, 0);
	execve(argv[0], argv, env);
	_exit(127);
}

static int await(pid_t pid, int timeout_ms, int *ret_status)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int r = p.fd < 0 ? -1 : poll(&p, 1, timeout_ms);

	if (p.fd >= 0)
		close(p.fd);
	if (r != 1) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return r == 1 ? 0 : -ETIMEDOUT;
}

int child_run(char *const argv[], char *const env[], const void *in, size_t len, int timeout_ms,
	      int *ret_status)
{
	int fd[2], r;
	ssize_t sent;
	pid_t pid;

	if (len > CHILD_INPUT_MAX)
		return -EMSGSIZE;
	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(argv, env, fd[0]);
	close(fd[0]);
	if (pid < 0) {
		close(fd[1]);
		return -EAGAIN;
	}
	sent = write(fd[1], in, len);
	close(fd[1]);
	r = await(pid, timeout_ms, ret_status);
	if (r < 0)
		return r;
	return sent == (ssize_t)len ? 0 : -EIO;
}
