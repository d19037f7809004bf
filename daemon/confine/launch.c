// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/confinement.h"
#include "../lib/say.h"
#include "caps.h"
#include "syscalls.h"
#include "view.h"

#define OUTSIDE	3	/* descriptor by which the REE's first process talks to the launcher */

/* Passed on to PROGRAM, whichever of ours gets them. */
static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void block_signals(sigset_t *ret)
{
	/* Ignored, as some parents leave it, children would vanish unreported. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(ret, passed_on[i]);
	sigprocmask(SIG_BLOCK, ret, NULL);
}

/* Waits for child and for whoever else became ours; passes signals on to child. */
static int wait_for(pid_t child, const sigset_t *signals)
{
	int sig, status;
	pid_t pid;

	for (;;) {
		if (sigwait(signals, &sig) != 0)
			continue;
		if (sig != SIGCHLD)
			kill(child, sig);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == child)
				return exit_status(status);
		}
	}
}

/* -- inside */

/*
 * Answers: a folder of the outside left open, from which openat() reaches all of
 * it past the view. Standard streams must not be one; the rest is closed, but for
 * the way outside, which becomes descriptor 3.
 */
static int close_descriptors(int outside, struct tconn_error *err)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return tconn_fail(err, -EINVAL, "standard stream %d is a folder", fd);
	}
	if (dup2(outside, OUTSIDE) < 0 || close_range(OUTSIDE + 1, ~0U, 0) < 0)
		return tconn_fail(err, -errno, "cannot close descriptors: %s", strerror(errno));
	return 0;
}

/* Answers: keys of the trusted side in the session keyring. */
static void leave_keyring(void)
{
	/* A kernel without keys has none to leave. */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

/* In this order: each step needs what the next one takes. */
static int confine(const struct launch *l, int outside, struct tconn_error *err)
{
	int r = close_descriptors(outside, err);

	if (r < 0)
		return r;
	leave_keyring();
	/* No terminal of the trusted side: neither its input nor its signals. */
	setsid();
	r = view_make(l->policy, err);
	if (r == 0)
		r = caps_drop(l->policy->keep, err);
	if (r == 0)
		r = syscalls_deny(l->policy, err);
	return r;
}

static void execute(char *const *argv, const sigset_t *signals)
{
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	execvp(argv[0], argv);
	tconn_say("tconn-confine: cannot execute %s in the REE: %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? LAUNCH_MISSING : LAUNCH_CANNOT);
}

/* Tells the outside that this process is confined, and waits until it agrees. */
static bool agreed(void)
{
	char byte;

	return write(OUTSIDE, "", 1) == 1 && read(OUTSIDE, &byte, 1) == 1;
}

static void run_first(const struct launch *l, int outside, const sigset_t *signals)
{
	struct tconn_error err;
	pid_t child;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	if (confine(l, outside, &err) < 0) {
		tconn_say("tconn-confine: nothing was started: %s", err.text);
		_exit(LAUNCH_FAILED);
	}
	if (!agreed())
		_exit(LAUNCH_FAILED);
	close(OUTSIDE);
	if (l->init)
		execute(l->argv, signals);
	child = fork();
	if (child == 0) {
		/* PROGRAM leads a session, as a login shell or a compositor expects to. */
		setsid();
		execute(l->argv, signals);
	}
	_exit(child < 0 ? LAUNCH_FAILED : wait_for(child, signals));
}

/* -- outside */

static void record_path(pid_t first, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%d", TCONN_CONFINED_DIR, first);
}

/* For `tconnctl status`: who runs under which policy. */
static void write_record(const struct launch *l, pid_t first)
{
	char path[64];
	FILE *f;

	record_path(first, path, sizeof(path));
	if (mkdir(TCONN_CONFINED_DIR, 0700) < 0 && errno != EEXIST)
		tconn_say("tconn-confine: %s: %s", TCONN_CONFINED_DIR, strerror(errno));
	f = fopen(path, "we");
	if (!f) {
		tconn_say("tconn-confine: %s: %s; status will not show this REE", path,
			  strerror(errno));
		return;
	}
	fprintf(f, "%s %s\n", l->policy->digest, l->policy_path);
	fclose(f);
}

/* What the kernel says of the REE now that it calls itself confined. */
static bool holds(const struct launch *l, pid_t first)
{
	struct tconn_confinement c;
	struct tconn_error err;
	const char *flaw;

	if (tconn_confinement_read(first, &c, &err) < 0)
		flaw = err.text;
	else
		flaw = tconn_confinement_flaw(&c);
	if (flaw) {
		tconn_say("tconn-confine: the confinement does not hold: %s", flaw);
		return false;
	}
	tconn_say("tconn-confine: REE is process %d, policy %s sha256:%s", first, l->policy_path,
		  l->policy->digest);
	return true;
}

static int watch(const struct launch *l, pid_t first, int inside, const sigset_t *signals)
{
	char path[64], byte;
	int status;

	/* No byte: it has said why and is gone. No answer: it goes. */
	if (read(inside, &byte, 1) == 1 && holds(l, first)) {
		write_record(l, first);
		if (send(inside, "", 1, MSG_NOSIGNAL) != 1)
			tconn_say("tconn-confine: the REE has ended");
	}
	close(inside);
	status = wait_for(first, signals);
	record_path(first, path, sizeof(path));
	unlink(path);
	return status;
}

static int fail(const char *what)
{
	tconn_say("tconn-confine: nothing was started: %s: %s", what, strerror(errno));
	return LAUNCH_FAILED;
}

/* So that nothing opened later takes the number of a standard stream. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	close(fd);
}

int launch(const struct launch *l)
{
	sigset_t signals;
	pid_t first;
	int fds[2];

	open_standard_streams();
	block_signals(&signals);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return fail("socketpair");
	if (unshare(CLONE_NEWPID | CLONE_NEWIPC | (l->policy->own_network ? CLONE_NEWNET : 0)) < 0)
		return fail("new namespaces (is this run by root?)");
	first = fork();
	if (first < 0)
		return fail("fork");
	if (first == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			_exit(fail("new mount namespace"));
		close(fds[0]);
		run_first(l, fds[1], &signals);
	}
	close(fds[1]);
	return watch(l, first, fds[0], &signals);
}
