// SPDX-License-Identifier: Apache-2.0
/* kmod/app.c: who may hold a session. */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <linux/capability.h>
#include <linux/input.h>
#include <sched.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "client.h"
#include "guest.h"

FIXTURE(app) {
	struct guest guest;
	struct client client;
};

FIXTURE_SETUP(app)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(app)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static uint32_t refusal_of(struct client *c)
{
	struct tconn_status status = { .refusal = 99 };

	client_status(c, &status);
	return status.refusal;
}

static struct tconn_event_app last_app(void)
{
	struct tconn_event_app app = { .admitted = 99 };

	guest_log_last(TCONN_EVENT_APP, &app, sizeof(app));
	return app;
}

TEST_F(app, on_the_policy_is_admitted_and_measured)
{
	struct tconn_event_app app;
	uint8_t digest[32];

	ASSERT_EQ(0, client_bind(&self->client));
	app = last_app();
	ASSERT_EQ(0, guest_own_digest(digest));
	EXPECT_EQ(1, app.admitted);
	EXPECT_EQ(self->client.bind.session, app.session);
	EXPECT_EQ(getpid(), app.pid);
	EXPECT_EQ(0, memcmp(digest, app.digest, sizeof(digest)));
	EXPECT_STREQ("/tests/app_test", app.path);
}

/* Not this file's device: mapping it is all that is done. */
static void *map_code_of_another(void)
{
	int fd = open("/usr/bin/busybox", O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	close(fd);
	return map;
}

TEST_F(app, with_code_of_another_file_is_refused)
{
	void *map = map_code_of_another();

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, refusal_of(&self->client));
	EXPECT_EQ(0, last_app().admitted);
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, last_app().reason);
	munmap(map, 4096);
	EXPECT_EQ(0, client_bind(&self->client));
}

TEST_F(app, with_anonymous_code_is_refused)
{
	ASSERT_NE(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, refusal_of(&self->client));
}

TEST_F(app, with_writable_code_is_refused)
{
	uintptr_t page = (uintptr_t)refusal_of & ~4095ul;

	ASSERT_EQ(0, mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, refusal_of(&self->client));
}

TEST_F(app, that_once_wrote_to_its_code_is_refused)
{
	uintptr_t page = (uintptr_t)refusal_of & ~4095ul;
	volatile char *byte = (volatile char *)page;

	ASSERT_EQ(0, mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	*byte = *byte;
	ASSERT_EQ(0, mprotect((void *)page, 4096, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, refusal_of(&self->client));
}

/* It cannot be replaced in part. */
static size_t vdso_size(void)
{
	unsigned long start, end, wanted = getauxval(AT_SYSINFO_EHDR);
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t size = 0;

	while (maps && fscanf(maps, "%lx-%lx%*[^\n]", &start, &end) == 2)
		if (start == wanted)
			size = end - start;
	if (maps)
		fclose(maps);
	return size;
}

/* Pages of our own with the same content in the vDSO's place; it goes on working. */
static int replace_vdso(void)
{
	static char copy[65536];
	void *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
	size_t size = vdso_size();

	if (!size || size > sizeof(copy))
		return -1;
	memcpy(copy, vdso, size);
	if (mmap(vdso, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) != vdso)
		return -1;
	memcpy(vdso, copy, size);
	return mprotect(vdso, size, PROT_READ | PROT_EXEC);
}

TEST_F(app, with_code_in_the_place_of_the_vdso_is_refused)
{
	ASSERT_EQ(0, replace_vdso());
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, refusal_of(&self->client));
}

/* The effective set alone, so that it can be taken back. */
static int set_sys_admin(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].effective |= on ? 1u << CAP_SYS_ADMIN : 0;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

TEST_F(app, that_the_ree_could_have_started_is_refused)
{
	int mark = guest_kmsg_mark();

	ASSERT_EQ(0, set_sys_admin(false));
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	ASSERT_EQ(0, set_sys_admin(true));
	EXPECT_EQ(TCONN_REFUSAL_CONFINED, refusal_of(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_CONFINED, last_app().reason);
	EXPECT_TRUE(guest_kmsg_said(mark, "it has no CAP_SYS_ADMIN"));
	EXPECT_EQ(0, client_bind(&self->client));
}

/* All capabilities, and none that counts: a user namespace of its own. */
static int bind_in_a_user_namespace(struct client *c)
{
	if (unshare(CLONE_NEWUSER))
		return 97;
	prctl(PR_SET_DUMPABLE, 0);
	return client_bind(c) == -EACCES ? (int)refusal_of(c) : 0;
}

TEST_F(app, that_is_root_of_another_namespace_is_refused)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(bind_in_a_user_namespace(&self->client));
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_REFUSAL_CONFINED, WEXITSTATUS(status));
}

TEST_F(app, that_is_dumpable_is_refused)
{
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	EXPECT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_TRACED, refusal_of(&self->client));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 0));
	EXPECT_EQ(0, client_bind(&self->client));
}

/* In a child: bind when the word comes, exit with the refusal. */
static pid_t start_binder(int *ret_go)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		struct client c;
		char byte;

		prctl(PR_SET_DUMPABLE, 1);
		close(go[1]);
		if (read(go[0], &byte, 1) != 1 || client_open(&c))
			_exit(98);
		_exit(client_bind(&c) == -EACCES ? (int)refusal_of(&c) : 0);
	}
	close(go[0]);
	*ret_go = go[1];
	return pid;
}

TEST_F(app, that_is_traced_is_refused)
{
	int go, status;
	pid_t pid = start_binder(&go);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_EQ(1, write(go, "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_REFUSAL_TRACED, WEXITSTATUS(status));
}

TEST_F(app, whose_code_a_tracer_changed_is_refused)
{
	int go, status;
	pid_t pid = start_binder(&go);
	void *word = (void *)((uintptr_t)refusal_of & ~7ul);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	/* The same word: what counts is that it was written. */
	ASSERT_EQ(0, ptrace(PTRACE_POKETEXT, pid, word, *(long *)word));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	ASSERT_EQ(1, write(go, "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_REFUSAL_MAPPING, WEXITSTATUS(status));
}

TEST_F(app, that_changes_during_a_session_ends_it)
{
	struct tconn_status status;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_NE(MAP_FAILED, map_code_of_another());
	EXPECT_EQ(-ECANCELED, client_present(&self->client, 0, 0, 1, 1));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_APP, status.cause);
}

/* As a tracer would have it do: no key goes to a process that can be looked into. */
TEST_F(app, that_opens_itself_gets_no_more_keys)
{
	struct tconn_status status;
	struct input_event event;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	EXPECT_EQ(-1, read(self->client.fd, &event, sizeof(event)));
	EXPECT_EQ(ECANCELED, errno);
	EXPECT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_STATE_ABORTED, status.state);
	EXPECT_EQ(TCONN_CAUSE_APP, status.cause);
}

/* A child that is active; when it may go on, it exits with the cause of the session's end. */
static pid_t start_holder(struct client *c)
{
	struct tconn_status status;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		close(ready[0]);
		if (client_bind(c) || client_activate(c) || write(ready[1], "", 1) != 1 ||
		    !guest_wait_hangup(c->fd, 15000) || client_status(c, &status))
			_exit(99);
		_exit((int)status.cause);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static bool is_idle_within(int ms)
{
	char state[32] = "";

	for (; ms > 0 && strcmp(state, "idle"); ms -= 50) {
		usleep(50000);
		guest_state("state", state, sizeof(state));
	}
	return !strcmp(state, "idle");
}

TEST_F(app, that_is_stopped_ends_the_session)
{
	int status;
	pid_t pid = start_holder(&self->client);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_TRUE(is_idle_within(3000));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_CAUSE_APP, WEXITSTATUS(status));
}

#define CGROUPS	"/tmp/cgroups"

/* In a control group of its own, which is frozen or not; -errno. */
static int freeze(pid_t pid, bool on)
{
	char text[16];
	int ret;

	if (!on)
		return guest_write(CGROUPS "/app/cgroup.freeze", "0");
	mkdir(CGROUPS, 0700);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		return -errno;
	mkdir(CGROUPS "/app", 0700);
	snprintf(text, sizeof(text), "%d", pid);
	ret = guest_write(CGROUPS "/app/cgroup.procs", text);
	return ret ? ret : guest_write(CGROUPS "/app/cgroup.freeze", "1");
}

TEST_F(app, that_is_frozen_ends_the_session)
{
	int status;
	pid_t pid = start_holder(&self->client);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, freeze(pid, true));
	EXPECT_TRUE(is_idle_within(3000));
	ASSERT_EQ(0, freeze(pid, false));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_CAUSE_APP, WEXITSTATUS(status));
	EXPECT_EQ(0, rmdir(CGROUPS "/app"));
	EXPECT_EQ(0, umount(CGROUPS));
}

TEST_F(app, that_is_traced_ends_the_session)
{
	int status;
	pid_t pid = start_holder(&self->client);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	EXPECT_TRUE(is_idle_within(3000));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(TCONN_CAUSE_APP, WEXITSTATUS(status));
}

/* Without a command or a read in between that would look at it. */
TEST_F(app, that_maps_other_code_ends_the_session)
{
	struct tconn_status status;
	void *map;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	map = map_code_of_another();
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	ASSERT_EQ(0, munmap(map, 4096));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_APP, status.cause);
}

TEST_F(app, that_becomes_dumpable_ends_the_session)
{
	struct tconn_status status;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	EXPECT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 0));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_APP, status.cause);
}

FIXTURE(stranger) {
	struct guest guest;
	struct client client;
};

/* A policy with another app on it. */
FIXTURE_SETUP(stranger)
{
	char text[512];

	ASSERT_EQ(0, guest_start(&self->guest, GUEST_REE));
	snprintf(text, sizeof(text), "tconn-policy 1\napp sha256 %064d other\n" GUEST_DISPLAYS
		 GUEST_INPUTS "indicator-required no\n", 1);
	ASSERT_EQ(0, guest_write(GUEST_FILE("policy"), text));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(stranger)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

TEST_F(stranger, is_refused_and_measured)
{
	int mark = guest_kmsg_mark();
	struct tconn_event_app app;
	uint8_t digest[32];

	ASSERT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_NOT_LISTED, refusal_of(&self->client));
	app = last_app();
	ASSERT_EQ(0, guest_own_digest(digest));
	EXPECT_EQ(0, app.admitted);
	EXPECT_EQ(0, app.session);
	EXPECT_EQ(TCONN_REFUSAL_NOT_LISTED, app.reason);
	EXPECT_EQ(0, memcmp(digest, app.digest, sizeof(digest)));
	EXPECT_TRUE(guest_kmsg_said(mark, "its digest is not on the policy"));
}

TEST_F(stranger, asking_again_is_not_measured_again)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(-EACCES, client_bind(&self->client));
	EXPECT_EQ(1, guest_log_count(TCONN_EVENT_APP));
}

TEST_HARNESS_MAIN
