// SPDX-License-Identifier: Apache-2.0
/*
 * tconn-confine on this machine, as root: small probes run in an REE and say what they
 * could do there. Where a probe could not do it unconfined either, it proves nothing;
 * controls run it without confinement.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../daemon/lib/confinement.h"

#define PROGRAM "out/bin/tconn-confine"

/* -- probes: run as "confine_test probe NAME ARGUMENT", in the REE or as control */

static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	return 1;
}

/* Every call that no REE has, with arguments that do nothing where it is allowed. */
static int probe_calls(const char *unused)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
#define CALL(name) { #name, SYS_##name }
		CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev),
		CALL(process_madvise), CALL(pidfd_getfd), CALL(kcmp), CALL(userfaultfd), CALL(bpf),
		CALL(perf_event_open), CALL(syslog), CALL(init_module), CALL(finit_module),
		CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(iopl),
		CALL(ioperm), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(open_tree),
		CALL(move_mount), CALL(fsopen), CALL(fsconfig), CALL(fsmount), CALL(fspick),
		CALL(mount_setattr), CALL(setns), CALL(open_by_handle_at), CALL(settimeofday),
		CALL(clock_settime), CALL(adjtimex), CALL(clock_adjtime), CALL(swapon),
		CALL(swapoff), CALL(acct), CALL(quotactl), CALL(reboot),
	};
	int bad = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		errno = 0;
		if (syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != EPERM)
			bad += complain("%s: %s", calls[i].name, strerror(errno));
	}
	return bad != 0;
}

/* Allowed to everybody, so that only a filter can refuse it. */
static int probe_getppid(const char *unused)
{
	(void)unused;
	return syscall(SYS_getppid) == -1 && errno == EPERM ? 0 : complain("getppid works");
}

static int probe_user_namespace(const char *unused)
{
	(void)unused;
	if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM)
		return complain("unshare: %s", strerror(errno));
	if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) != -1 || errno != EPERM)
		return complain("clone");
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return complain("clone3: %s", strerror(errno));
	return 0;
}

/* The kernel looks at 32 bits of a request; the filter must not be led astray by more. */
static int probe_typing(const char *unused)
{
	static const unsigned long requests[] = {
		TIOCSTI, TIOCSTI | 1UL << 32, TIOCLINUX, TIOCLINUX | 1UL << 63,
	};
	char c = 'x';

	(void)unused;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		if (syscall(SYS_ioctl, 0, requests[i], &c) != -1 || errno != EPERM)
			return complain("ioctl %lx: %s", requests[i], strerror(errno));
	}
	return ioctl(0, TCGETS, &c) == -1 && errno == ENOTTY ? 0 : complain("other ioctls");
}

#ifdef __x86_64__
/* getpid by i386's and x32's numbers. */
static int probe_int80(const char *unused)
{
	long number = 20;

	(void)unused;
	__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
	return number == getpid() ? 0 : 1;
}

static int probe_x32(const char *unused)
{
	(void)unused;
	return syscall(0x40000000 | SYS_getpid) < 0;
}
#endif

/* "BOUNDING HELD", hex: what the REE must have, no more and no less. */
static int probe_capabilities(const char *wanted)
{
	struct tconn_confinement c;
	struct tconn_error err;
	char text[64];

	if (tconn_confinement_read(getpid(), &c, &err) < 0)
		return complain("%s", err.text);
	snprintf(text, sizeof(text), "%llx %llx", (unsigned long long)c.bounding,
		 (unsigned long long)c.held);
	if (strcmp(text, wanted) != 0)
		return complain("%s, not %s", text, wanted);
	return c.seccomp == SECCOMP_MODE_FILTER && c.no_new_privs ? 0 : complain("filter");
}

static int probe_euid(const char *unused)
{
	(void)unused;
	printf("%d\n", geteuid());
	return 0;
}

/* A setuid-root program run by somebody else. */
static int probe_setuid(const char *program)
{
	if (setgid(65534) || setuid(65534))
		return complain("setuid: %s", strerror(errno));
	execl(program, program, "probe", "euid", "", NULL);
	return complain("%s: %s", program, strerror(errno));
}

static int cannot_open(const char *path, int flags, int wanted)
{
	int fd = open(path, flags, 0600);

	if (fd < 0 && errno == wanted)
		return 0;
	return complain("open %s: %s, not %s", path, fd < 0 ? strerror(errno) : "works",
			strerror(wanted));
}

static int probe_devices(const char *folder)
{
	static const char *const absent[] = {
		"/dev/tconn", "/dev/tpm0", "/dev/tpmrm0", "/dev/mem", "/dev/kmem", "/dev/port",
		"/dev/kmsg", "/dev/uinput", "/dev/uhid", "/dev/vhci", "/dev/console",
	};
	char path[PATH_MAX];
	int bad = 0, fd;

	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		bad |= cannot_open(absent[i], O_RDONLY, ENOENT);
	if (mknod("/dev/mine", S_IFCHR | 0600, makedev(1, 1)) == 0 || errno != EPERM)
		bad |= complain("mknod: %s", strerror(errno));
	/* The policy's folder: usable, not changeable, and what comes later is in it. */
	snprintf(path, sizeof(path), "%s/node", folder);
	fd = open(path, O_RDWR);
	if (fd < 0 || write(fd, "x", 1) != 1)
		bad |= complain("%s: %s", path, strerror(errno));
	if (unlink(path) == 0 || errno != EROFS)
		bad |= complain("unlink: %s", strerror(errno));
	fd = open("/dev/null", O_RDWR);
	return bad || fd < 0;
}

static int probe_pty(const char *unused)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	(void)unused;
	if (fd < 0 || grantpt(fd) || unlockpt(fd) || strcmp(ptsname(fd), "/dev/pts/0") != 0)
		return complain("pty: %s", strerror(errno));
	return 0;
}

static int probe_processes(const char *outside)
{
	pid_t pid = atoi(outside);
	char path[64];

	if (kill(pid, 0) == 0 || errno != ESRCH)
		return complain("kill: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return cannot_open(path, O_RDONLY, ENOENT) |
	       (access("/proc/sysrq-trigger", F_OK) == 0 &&
		cannot_open("/proc/sysrq-trigger", O_WRONLY, EROFS)) |
	       cannot_open("/proc/sys/kernel/core_pattern", O_WRONLY, EROFS) |
	       cannot_open("/proc/self/mem", O_RDWR, EROFS);
}

static bool is_empty(const char *path)
{
	struct stat st;

	/* A folder without folders has two links. */
	return stat(path, &st) == 0 && (S_ISDIR(st.st_mode) ? st.st_nlink == 2 : st.st_size == 0);
}

static int probe_sys(const char *unused)
{
	struct statvfs st;

	(void)unused;
	if (statvfs("/sys", &st) || !(st.f_flag & ST_RDONLY))
		return complain("/sys can be written");
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 || access("/sys/fs/cgroup/freezer", F_OK) == 0)
		return complain("cgroups can be seen");
	return access("/sys/kernel/security/lockdown", F_OK) == 0 ? complain("securityfs") : 0;
}

/* folder/{fresh,writable,read,hidden,hidden-file,other}, as the fixture made them */
static int probe_files(const char *folder)
{
	char path[PATH_MAX];
	int bad = cannot_open("/etc/confine-test", O_CREAT | O_WRONLY, EROFS);

	if (chdir(folder) < 0)
		return complain("chdir: %s", strerror(errno));
	bad |= cannot_open("other/file", O_WRONLY, EROFS);
	bad |= cannot_open("other/file-of-mine", O_CREAT | O_WRONLY, EROFS);
	bad |= cannot_open("fresh/file", O_RDONLY, ENOENT);
	bad |= cannot_open("fresh/read/file", O_WRONLY, EROFS);
	if (access("fresh/read/file", R_OK))
		bad |= complain("fresh/read/file: %s", strerror(errno));
	bad |= cannot_open("hidden/file", O_RDONLY, ENOENT);
	if (open("fresh/mine", O_CREAT | O_WRONLY, 0600) < 0 ||
	    open("writable/mine", O_CREAT | O_WRONLY, 0600) < 0)
		bad |= complain("cannot write: %s", strerror(errno));
	bad |= cannot_open("other/node", O_RDONLY, EACCES);
	if (access("hidden-file", R_OK) == 0) {
		int fd = open("hidden-file", O_RDONLY);

		if (read(fd, path, 1) != 0)
			bad |= complain("hidden-file can be read");
	}
	return bad || !is_empty("hidden");
}

static int probe_descriptor(const char *number)
{
	return fcntl(atoi(number), F_GETFD) == -1 && errno == EBADF ? 0 : complain("it is open");
}

static int probe_interfaces(const char *wanted)
{
	struct if_nameindex *list = if_nameindex();
	int count = 0;

	while (list && list[count].if_index)
		count++;
	return count == atoi(wanted) ? 0 : complain("%d interfaces", count);
}

static int probe_pid(const char *wanted)
{
	return getpid() == atoi(wanted) ? 0 : complain("process %d", getpid());
}

static int probe_exit(const char *code)
{
	return atoi(code);
}

static int probe_signal(const char *number)
{
	raise(atoi(number));
	return 0;
}

static volatile sig_atomic_t terminated;

static void on_term(int sig)
{
	(void)sig;
	terminated = 1;
}

/* Says that it is there, waits to be told to end. */
static int probe_wait(const char *file)
{
	signal(SIGTERM, on_term);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < 1000 && !terminated; i++)
		poll(NULL, 0, 20);
	return terminated ? 42 : 1;
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} probes[] = {
	{ "calls", probe_calls }, { "getppid", probe_getppid },
	{ "user-namespace", probe_user_namespace }, { "typing", probe_typing },
#ifdef __x86_64__
	{ "int80", probe_int80 }, { "x32", probe_x32 },
#endif
	{ "capabilities", probe_capabilities }, { "euid", probe_euid }, { "setuid", probe_setuid },
	{ "devices", probe_devices }, { "pty", probe_pty }, { "processes", probe_processes },
	{ "sys", probe_sys }, { "files", probe_files }, { "descriptor", probe_descriptor },
	{ "interfaces", probe_interfaces }, { "pid", probe_pid }, { "exit", probe_exit },
	{ "signal", probe_signal }, { "wait", probe_wait },
};

static int run_probe(const char *name, const char *argument)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		if (strcmp(probes[i].name, name) == 0)
			return probes[i].run(argument);
	}
	return complain("no probe %s", name);
}

/* -- the stage */

static char me[PATH_MAX], output[8192];

FIXTURE(confine) {
	char dir[64];		/* probe_files() says what is in it */
	char nodes[64];		/* below /dev, holds a node */
	char policy[80];
	char view[1024];	/* policy lines for the folders in dir */
};

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode)) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static const char *in(const char *dir, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	return path;
}

/* Runs argv with standard output and error into output[]; stdin is /dev/null. */
static int run(const char *const *argv)
{
	size_t len = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(open("/dev/null", O_RDWR), 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execv(argv[0], (char *const *)argv);
		_exit(250);
	}
	close(fds[1]);
	while ((n = read(fds[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define RUN(...) run((const char *const []){ __VA_ARGS__, NULL })

static void set_policy(FIXTURE_DATA(confine) *f, const char *lines)
{
	char text[4096];

	snprintf(text, sizeof(text), "version 1\n%s", lines);
	write_file(f->policy, text, 0644);
}

/* A probe in an REE with this policy. */
static int probe(FIXTURE_DATA(confine) *f, const char *lines, const char *name,
		 const char *argument)
{
	set_policy(f, lines);
	return RUN(PROGRAM, "--policy", f->policy, "--", me, "probe", name, argument);
}

static int control(const char *name, const char *argument)
{
	return RUN(me, "probe", name, argument);
}


static void make_folders(FIXTURE_DATA(confine) *f)
{
	static const char *const folders[] = {
		"fresh", "fresh/read", "hidden", "writable", "other",
	};
	char path[128];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, folders[i]);
		mkdir(path, 0755);
		strcat(path, "/file");
		write_file(path, "outside", 0644);
	}
	write_file(in(f->dir, "hidden-file"), "secret", 0644);
	mknod(in(f->dir, "other/node"), S_IFCHR | 0666, makedev(1, 3));
	mknod(in(f->nodes, "node"), S_IFCHR | 0666, makedev(1, 3));
	snprintf(f->view, sizeof(f->view),
		 "fresh %s/fresh\nread %s/fresh/read\nwritable %s/writable\n"
		 "hide %s/hidden\nhide %s/hidden-file\ndevice %s\n",
		 f->dir, f->dir, f->dir, f->dir, f->dir, f->nodes);
}

/* Not below /tmp, which is fresh in some REEs. */
FIXTURE_SETUP(confine)
{
	if (geteuid() != 0)
		SKIP(return, "needs root");
	if (!realpath("/proc/self/exe", me))
		SKIP(return, "no /proc");
	strcpy(self->dir, "/var/tmp/confine.XXXXXX");
	strcpy(self->nodes, "/dev/confine.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_NE(NULL, mkdtemp(self->nodes));
	chmod(self->dir, 0755);
	snprintf(self->policy, sizeof(self->policy), "%s/policy", self->dir);
	make_folders(self);
	if (probe(self, "", "exit", "0") == 125 && strstr(output, "namespace"))
		SKIP(return, "no namespaces here");
}

FIXTURE_TEARDOWN(confine)
{
	if (self->dir[0])
		RUN("/bin/rm", "-rf", "--one-file-system", self->dir, self->nodes);
}

#define EXPECT_OK(status)						\
	EXPECT_EQ(0, status) {						\
		TH_LOG("%s", output);					\
	}

/* -- what root of the REE cannot do */

TEST_F(confine, calls_are_refused)
{
	EXPECT_OK(probe(self, "", "calls", ""));
	/* The control: some of them do something else than refuse. */
	EXPECT_EQ(1, control("calls", ""));
}

TEST_F(confine, policy_denies_more_calls)
{
	EXPECT_OK(probe(self, "deny getppid\n", "getppid", ""));
	EXPECT_EQ(1, probe(self, "", "getppid", ""));
}

TEST_F(confine, no_user_namespace)
{
	EXPECT_OK(probe(self, "", "user-namespace", ""));
}

TEST_F(confine, no_typing_into_terminals)
{
	EXPECT_OK(probe(self, "", "typing", ""));
	EXPECT_EQ(1, control("typing", ""));
}

#ifdef __x86_64__
TEST_F(confine, calls_by_numbers_of_i386_kill)
{
	if (control("int80", "") != 0)
		SKIP(return, "this kernel has no i386 calls");
	EXPECT_EQ(128 + SIGSYS, probe(self, "", "int80", ""));
}

TEST_F(confine, calls_by_numbers_of_x32_kill)
{
	EXPECT_EQ(128 + SIGSYS, probe(self, "", "x32", ""));
}
#endif

TEST_F(confine, capabilities_are_those_kept)
{
	EXPECT_OK(probe(self, "", "capabilities", "0 0"));
	EXPECT_OK(probe(self, "keep CAP_SETUID\nkeep CAP_CHOWN\n", "capabilities", "81 81"));
	/* Executing a program as root brings none back. */
	set_policy(self, "keep CAP_KILL\n");
	EXPECT_OK(RUN(PROGRAM, "--policy", self->policy, "/bin/sh", "-c", "exec \"$@\"", "sh", me,
		      "probe", "capabilities", "20 20"));
}

TEST_F(confine, setuid_root_is_without_effect)
{
	const char *copy = in(self->dir, "setuid");
	static const char keep[] = "keep CAP_SETUID\nkeep CAP_SETGID\n";

	ASSERT_EQ(0, RUN("/bin/cp", me, copy));
	ASSERT_EQ(0, chmod(copy, 04755));
	EXPECT_OK(control("setuid", copy));
	EXPECT_STREQ("0\n", output);
	EXPECT_OK(probe(self, keep, "setuid", copy));
	EXPECT_NE(NULL, strstr(output, "65534\n"));
}

TEST_F(confine, devices_are_those_named)
{
	EXPECT_OK(probe(self, self->view, "devices", self->nodes));
}

TEST_F(confine, devices_that_come_later_appear_in_their_folder)
{
	const char *later = in(self->nodes, "later"), *began = in(self->dir, "writable/began");
	int status = 0;
	pid_t pid;

	set_policy(self, self->view);
	pid = fork();
	if (pid == 0) {
		char script[512];

		snprintf(script, sizeof(script), "echo >%s; for i in 1 2 3 4 5 6 7 8 9; do "
			 "[ -c %s ] && exit 0; sleep 0.5; done; exit 1", began, later);
		execl(PROGRAM, PROGRAM, "--policy", self->policy, "/bin/sh", "-c", script, NULL);
		_exit(250);
	}
	for (int i = 0; i < 500 && access(began, F_OK); i++)
		poll(NULL, 0, 20);
	mknod(later, S_IFCHR | 0600, makedev(1, 3));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
}

TEST_F(confine, pseudo_terminals_are_its_own)
{
	EXPECT_OK(probe(self, "", "pty", ""));
}

TEST_F(confine, processes_outside_have_no_number)
{
	char pid[16];

	/* Unlikely to be a number that the REE has, too. */
	snprintf(pid, sizeof(pid), "%d", getpid());
	if (getpid() < 50)
		SKIP(return, "this process's number is too small");
	EXPECT_OK(probe(self, "", "processes", pid));
}

TEST_F(confine, sysfs_is_read_only_and_bare)
{
	EXPECT_OK(probe(self, "", "sys", ""));
}

TEST_F(confine, files_are_as_the_policy_says)
{
	/* With this capability modes do not matter: what is refused, mounts refuse. */
	strcat(self->view, "keep CAP_DAC_OVERRIDE\n");
	EXPECT_OK(probe(self, self->view, "files", self->dir));
	EXPECT_EQ(0, access(in(self->dir, "writable/mine"), F_OK));
	EXPECT_NE(0, access(in(self->dir, "fresh/mine"), F_OK));
}

TEST_F(confine, network_of_its_own_has_one_interface)
{
	EXPECT_OK(probe(self, "network own\n", "interfaces", "1"));
}

TEST_F(confine, an_ree_starts_no_ree)
{
	set_policy(self, "");
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", self->policy, realpath(PROGRAM, NULL), "--policy",
			   self->policy, "/bin/true"));
	EXPECT_NE(NULL, strstr(output, "nothing was started: new namespaces"));
}

/* -- what comes from outside */

TEST_F(confine, descriptors_are_closed)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	ASSERT_EQ(700, dup2(fd, 700));
	EXPECT_OK(probe(self, "", "descriptor", "700"));
	EXPECT_EQ(1, control("descriptor", "700"));
}

TEST_F(confine, closed_standard_streams_are_no_trouble)
{
	set_policy(self, "");
	EXPECT_EQ(7, RUN("/bin/sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", PROGRAM, "--policy",
			 self->policy, me, "probe", "exit", "7"));
}

TEST_F(confine, standard_streams_are_no_folders)
{
	set_policy(self, "");
	EXPECT_EQ(125, RUN("/bin/sh", "-c", "exec \"$@\" </", "sh", PROGRAM, "--policy",
			   self->policy, "/bin/true"));
	EXPECT_NE(NULL, strstr(output, "standard stream 0 is a folder"));
}

/* -- policies that are refused */

TEST_F(confine, policies_that_are_refused)
{
	static const struct {
		const char *lines, *says;
	} bad[] = {
		{ "drop CAP_SYS_ADMIN\n", "line 2: unknown word drop" },
		{ "# \n\nkeep CAP_SYS_ADMIN\n", "line 4: CAP_SYS_ADMIN: no REE can keep it" },
		{ "keep CAP_MKNOD\n", "no REE can keep it" },
		{ "keep CAP_SYS_PTRACE\n", "no REE can keep it" },
		{ "keep SYS_NICE\n", "no such capability" },
		{ "keep CAP_NONSENSE\n", "no such capability" },
		{ "keep CAP_KILL CAP_CHOWN\n", "one word and one argument" },
		{ "keep\n", "one word and one argument" },
		{ "deny nonsense\n", "no such system call" },
		{ "device /dev/mem\n", "no REE can have this device" },
		{ "device /dev/tpmrm0\n", "no REE can have this device" },
		{ "device /dev/tconn\n", "no REE can have this device" },
		{ "device /dev/hidraw3\n", "no REE can have this device" },
		{ "device /dev\n", "give a path below /dev" },
		{ "device /dev/../dev/mem\n", "give a path below /dev" },
		{ "device /etc\n", "give a path below /dev" },
		{ "writable /\n", "absolute path" },
		{ "writable /proc/sys\n", "not below" },
		{ "writable /sys\n", "not below" },
		{ "writable etc\n", "absolute path" },
		{ "writable /var//tmp\n", "absolute path" },
		{ "read /var/../etc\n", "absolute path" },
		{ "writable /var\nhide /var/tmp\n", "it lies in /var, which is writable" },
		{ "hide /not/there\n", "make it before the REE starts" },
		{ "fresh /not/there\n", "fresh /not/there" },
		{ "writable /not/there\n", "cannot take /not/there" },
		{ "network none\n", "network is shared or own" },
		{ "version 1\n", "unknown word version" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_EQ(125, probe(self, bad[i].lines, "exit", "0"));
		EXPECT_NE(NULL, strstr(output, bad[i].says)) {
			TH_LOG("%s -> %s", bad[i].lines, output);
		}
	}
}

TEST_F(confine, policy_files_that_are_refused)
{
	write_file(self->policy, "keep CAP_KILL\n", 0644);
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", self->policy, "/bin/true"));
	EXPECT_NE(NULL, strstr(output, "the first line must be \"version 1\""));
	write_file(self->policy, "", 0644);
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", self->policy, "/bin/true"));
	write_file(self->policy, "version 1\n", 0666);
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", self->policy, "/bin/true"));
	EXPECT_NE(NULL, strstr(output, "only root may own and write it"));
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", self->dir, "/bin/true"));
	EXPECT_EQ(125, RUN(PROGRAM, "--policy", "/not/there", "/bin/true"));
}

/* What an administrator is given must be valid. */
TEST_F(confine, policy_of_the_tree_is_accepted)
{
	EXPECT_EQ(0, RUN("/bin/sh", "-c", "grep -v '^hide' policy/ree.policy >$0 && exec \"$@\"",
			 self->policy, PROGRAM, "--policy", self->policy, "/bin/true")) {
		TH_LOG("%s", output);
	}
}

/* -- starting and ending */

TEST_F(confine, exit_codes)
{
	EXPECT_EQ(7, probe(self, "", "exit", "7"));
	EXPECT_EQ(128 + SIGKILL, probe(self, "", "signal", "9"));
	EXPECT_EQ(128 + SIGSEGV, probe(self, "", "signal", "11"));
	EXPECT_EQ(127, RUN(PROGRAM, "--policy", self->policy, "/not/there"));
	EXPECT_EQ(126, RUN(PROGRAM, "--policy", self->policy, "/etc/passwd"));
	EXPECT_EQ(2, RUN(PROGRAM));
	EXPECT_EQ(2, RUN(PROGRAM, "--nonsense"));
	EXPECT_EQ(2, RUN(PROGRAM, "--check=x"));
	EXPECT_EQ(0, RUN(PROGRAM, "--help"));
	EXPECT_EQ(0, RUN(PROGRAM, "--version"));
}

TEST_F(confine, program_is_second_or_first_process)
{
	EXPECT_OK(probe(self, "", "pid", "2"));
	EXPECT_OK(RUN(PROGRAM, "--init", "--policy", self->policy, me, "probe", "pid", "1"));
}

TEST_F(confine, somebody_else_cannot_start_one)
{
	set_policy(self, "");
	EXPECT_EQ(125, RUN("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			   realpath(PROGRAM, NULL), "--policy", self->policy, "/bin/true"));
	EXPECT_NE(NULL, strstr(output, "root"));
}

/* An REE that waits; returns the launcher once its program runs. */
static pid_t start_waiting(FIXTURE_DATA(confine) *f)
{
	const char *file = in(f->dir, "writable/runs");
	pid_t pid;

	set_policy(f, f->view);
	unlink(file);
	pid = fork();
	if (pid == 0) {
		execl(PROGRAM, PROGRAM, "--policy", f->policy, me, "probe", "wait", file, NULL);
		_exit(250);
	}
	for (int i = 0; i < 500 && access(file, F_OK); i++)
		poll(NULL, 0, 20);
	return pid;
}

/* The one process the launcher has started. */
static int32_t first_of(pid_t launcher)
{
	struct tconn_confinement ree[TCONN_CONFINED_MAX];
	size_t count = tconn_confinement_list(TCONN_CONFINED_DIR, ree);
	char path[64], line[64];
	int parent;

	for (size_t i = 0; i < count; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/status", ree[i].pid);
		f = fopen(path, "re");
		parent = 0;
		while (f && fgets(line, sizeof(line), f) && sscanf(line, "PPid: %d", &parent) != 1)
			;
		if (f)
			fclose(f);
		if (parent == launcher)
			return ree[i].pid;
	}
	return 0;
}

TEST_F(confine, signals_are_passed_on)
{
	pid_t pid = start_waiting(self);
	int status;

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(42, WEXITSTATUS(status));
}

TEST_F(confine, the_ree_dies_with_its_launcher)
{
	pid_t pid = start_waiting(self);
	int32_t first = first_of(pid);
	char path[64];
	int status = 0;

	ASSERT_NE(0, first);
	/* Whose parent is gone is then this process's to wait for. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(first, waitpid(first, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* The launcher could not take its record away. */
	snprintf(path, sizeof(path), "%s/%d", TCONN_CONFINED_DIR, first);
	EXPECT_EQ(0, unlink(path));
}

TEST_F(confine, what_holds_is_shown)
{
	pid_t pid = start_waiting(self);
	int32_t first = first_of(pid);
	struct tconn_confinement c;
	struct tconn_error err;
	char argument[32];

	ASSERT_NE(0, first);
	snprintf(argument, sizeof(argument), "--check=%d", first);
	EXPECT_EQ(0, RUN(PROGRAM, "--check"));
	EXPECT_NE(NULL, strstr(output, self->policy));
	EXPECT_EQ(0, RUN(PROGRAM, argument));
	EXPECT_NE(NULL, strstr(output, "capabilities dropped: chown"));
	EXPECT_EQ(0, tconn_confinement_read(first, &c, &err));
	EXPECT_EQ(NULL, tconn_confinement_flaw(&c));
	EXPECT_EQ(0, c.bounding);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, first_of(pid));
	EXPECT_EQ(1, RUN(PROGRAM, argument));
	snprintf(argument, sizeof(argument), "--check=%d", getpid());
	EXPECT_EQ(1, RUN(PROGRAM, argument));
	EXPECT_NE(NULL, strstr(output, "NOT confined"));
}

#define main run_tests
TEST_HARNESS_MAIN
#undef main

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "probe") == 0)
		return run_probe(argv[2], argv[3]);
	return run_tests(argc, argv);
}
