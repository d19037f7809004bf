// SPDX-License-Identifier: Apache-2.0
/* kmod/session.c: states, ends of a session, and the module coming and going. */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <linux/input.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "client.h"
#include "guest.h"

FIXTURE(session) {
	struct guest guest;
	struct client client;
};

FIXTURE_SETUP(session)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(session)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static struct tconn_status status_of(struct client *c)
{
	struct tconn_status status = { .state = 99 };

	client_status(c, &status);
	return status;
}

static uint32_t last_cause(void)
{
	struct tconn_record record = { .cause = 99 };

	guest_log_last(TCONN_EVENT_RECORD, &record, sizeof(record));
	return record.cause;
}

/* As the state file has it, "" without a module. */
static bool state_is(const char *state)
{
	char value[32];

	guest_state("state", value, sizeof(value));
	return !strcmp(value, state);
}

static bool lamp_is(const char *lit)
{
	char value[32];

	guest_state("lit", value, sizeof(value));
	return !strcmp(value, lit);
}

TEST_F(session, confirms)
{
	struct tconn_record r;
	uint64_t flips;

	EXPECT_EQ(TCONN_STATE_IDLE, status_of(&self->client).state);
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(TCONN_STATE_BOUND, status_of(&self->client).state);
	EXPECT_TRUE(lamp_is("0"));
	client_draw(&self->client, 0);
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_EQ(TCONN_STATE_ACTIVE, status_of(&self->client).state);
	EXPECT_TRUE(lamp_is("1"));
	EXPECT_GE(self->client.timeout_ms, status_of(&self->client).remaining_ms);
	EXPECT_LT(0, status_of(&self->client).remaining_ms);
	flips = *self->guest.flips;
	usleep(300000);
	/* One flip may have been under way. */
	EXPECT_GE(flips + 1, *self->guest.flips);
	ASSERT_EQ(0, client_confirm(&self->client, &r));
	EXPECT_TRUE(lamp_is("0"));
	EXPECT_TRUE(state_is("idle"));
	EXPECT_EQ(TCONN_STATE_DECIDED, status_of(&self->client).state);
	EXPECT_EQ(TCONN_OUTCOME_CONFIRMED, r.outcome);
	EXPECT_EQ(TCONN_CAUSE_NONE, r.cause);
	EXPECT_EQ(TCONN_INDICATOR_PRESENT | TCONN_INDICATOR_LIT, r.indicator);
	EXPECT_LT(r.bound_ns, r.active_ns);
	EXPECT_LT(r.active_ns, r.lit_ns);
	EXPECT_LT(r.lit_ns, r.unlit_ns);
	EXPECT_LT(r.unlit_ns, r.ended_ns);
	usleep(300000);
	EXPECT_LT(flips + 1, *self->guest.flips);
}

TEST_F(session, answers_its_version)
{
	struct tconn_version version = { .errata = 7 };

	ASSERT_EQ(0, ioctl(self->client.fd, TCONN_IOC_VERSION, &version));
	EXPECT_EQ(TCONN_ABI, version.abi);
	EXPECT_EQ(0, version.errata);
	EXPECT_EQ(-1, ioctl(self->client.fd, _IO(TCONN_IOC_MAGIC, 0x7f)));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(session, refuses_commands_out_of_order)
{
	char byte[sizeof(struct input_event)];

	EXPECT_EQ(-EBADFD, client_activate(&self->client));
	EXPECT_EQ(-EBADFD, client_present(&self->client, 0, 0, 1, 1));
	EXPECT_EQ(-EBADFD, client_decide(&self->client, TCONN_OUTCOME_CONFIRMED, NULL));
	EXPECT_EQ(-1, read(self->client.fd, byte, sizeof(byte)));
	EXPECT_EQ(EBADFD, errno);
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(-EBADFD, client_bind(&self->client));
	EXPECT_EQ(-EBADFD, client_present(&self->client, 0, 0, 1, 1));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_EQ(-EBADFD, client_activate(&self->client));
	EXPECT_EQ(-EINVAL, client_decide(&self->client, TCONN_OUTCOME_ENTERED, NULL));
	EXPECT_EQ(-EINVAL, client_decide(&self->client, TCONN_OUTCOME_ABORTED, NULL));
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	EXPECT_EQ(-EBADFD, client_decide(&self->client, TCONN_OUTCOME_DENIED, NULL));
	EXPECT_EQ(-EBADFD, client_bind(&self->client));
}

static int bind_with(struct client *c, uint32_t size, uint32_t flags, uint32_t kind, uint32_t len,
		     uint32_t timeout_ms)
{
	static uint8_t statement[TCONN_STATEMENT_MAX + 1];
	struct tconn_bind bind = {
		.size = size, .flags = flags, .kind = kind, .statement_len = len,
		.timeout_ms = timeout_ms, .display_fd = c->card,
		.statement = (uintptr_t)statement, .verifier_key = CLIENT_PUBLIC,
	};

	return ioctl(c->fd, TCONN_IOC_BIND, &bind) ? -errno : 0;
}

TEST_F(session, refuses_bad_arguments)
{
	struct client *c = &self->client;
	uint32_t size = sizeof(struct tconn_bind);

	EXPECT_EQ(-EINVAL, bind_with(c, size - 1, 0, TCONN_KIND_PIN, 1, 5000));
	EXPECT_EQ(-EINVAL, bind_with(c, size, 1, TCONN_KIND_PIN, 1, 5000));
	EXPECT_EQ(-EINVAL, bind_with(c, size, 0, 0, 1, 5000));
	EXPECT_EQ(-EINVAL, bind_with(c, size, 0, TCONN_KIND_NOTICE + 1, 1, 5000));
	EXPECT_EQ(-EMSGSIZE, bind_with(c, size, 0, TCONN_KIND_PIN, 0, 5000));
	EXPECT_EQ(-EMSGSIZE, bind_with(c, size, 0, TCONN_KIND_PIN, TCONN_STATEMENT_MAX + 1, 5000));
	EXPECT_EQ(-ERANGE, bind_with(c, size, 0, TCONN_KIND_PIN, 1, TCONN_TIMEOUT_MIN_MS - 1));
	EXPECT_EQ(-ERANGE, bind_with(c, size, 0, TCONN_KIND_PIN, 1, TCONN_TIMEOUT_MAX_MS + 1));
	EXPECT_TRUE(state_is("idle"));
	EXPECT_EQ(0, bind_with(c, size, 0, TCONN_KIND_PIN, TCONN_STATEMENT_MAX, 5000));
}

TEST_F(session, is_one_at_a_time)
{
	struct client other;

	ASSERT_EQ(0, client_open(&other));
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(-EBUSY, client_bind(&other));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, client_confirm(&self->client, NULL));
	EXPECT_EQ(0, client_bind(&other));
	client_close(&other);
}

TEST_F(session, ends_at_its_time_limit)
{
	char byte[sizeof(struct input_event)];
	struct tconn_status status;

	self->client.timeout_ms = TCONN_TIMEOUT_MIN_MS;
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_FALSE(guest_wait_hangup(self->client.fd, 500));
	ASSERT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	status = status_of(&self->client);
	EXPECT_EQ(TCONN_STATE_ABORTED, status.state);
	EXPECT_EQ(TCONN_CAUSE_TIMEOUT, status.cause);
	EXPECT_EQ(TCONN_OUTCOME_ABORTED, status.record.outcome);
	EXPECT_LE(1000000000ull, status.record.unlit_ns - status.record.lit_ns);
	EXPECT_EQ(-1, read(self->client.fd, byte, sizeof(byte)));
	EXPECT_EQ(ECANCELED, errno);
	EXPECT_EQ(-ECANCELED, client_decide(&self->client, TCONN_OUTCOME_CONFIRMED, NULL));
	EXPECT_TRUE(lamp_is("0"));
}

TEST_F(session, ends_at_close)
{
	struct client other;

	ASSERT_EQ(0, client_open(&other));
	ASSERT_EQ(0, client_bind(&other));
	ASSERT_EQ(0, client_activate(&other));
	client_close(&other);
	EXPECT_TRUE(state_is("idle"));
	EXPECT_TRUE(lamp_is("0"));
	EXPECT_EQ(TCONN_CAUSE_CLOSED, last_cause());
}

/* A child that is active; its word comes over the pipe. */
static pid_t start_holder(bool share_with_child)
{
	int ready[2];
	struct client c;
	char byte = 0;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		if (client_open(&c) || client_bind(&c) || client_activate(&c))
			_exit(1);
		/* Someone else who has the fd as well, and outlives us. */
		if (share_with_child && !fork()) {
			close(ready[1]);
			sleep(3);
			_exit(0);
		}
		(void)!write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

TEST_F(session, ends_when_the_app_is_killed)
{
	pid_t pid = start_holder(false);

	ASSERT_LT(0, pid);
	EXPECT_TRUE(lamp_is("1"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(lamp_is("0"));
	EXPECT_TRUE(state_is("idle"));
	EXPECT_EQ(TCONN_CAUSE_CLOSED, last_cause());
}

TEST_F(session, ends_when_the_app_is_killed_though_another_holds_the_fd)
{
	pid_t pid = start_holder(true);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(lamp_is("0"));
	EXPECT_TRUE(state_is("idle"));
	EXPECT_EQ(TCONN_CAUSE_CLOSED, last_cause());
	/* The other one still has the fd, and so the module. */
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	sleep(4);
}

TEST_F(session, belongs_to_one_process)
{
	char byte[sizeof(struct input_event)];
	int status;
	pid_t pid;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	pid = fork();
	if (!pid) {
		struct client *c = &self->client;
		struct tconn_status s;
		bool denied = client_status(c, &s) == -EPERM &&
			client_present(c, 0, 0, 1, 1) == -EPERM &&
			client_decide(c, TCONN_OUTCOME_CONFIRMED, NULL) == -EPERM &&
			read(c->fd, byte, sizeof(byte)) == -1 && errno == EPERM &&
			mmap(NULL, c->bind.canvas_size, PROT_READ, MAP_SHARED, c->fd, 0) ==
			MAP_FAILED && errno == EPERM;

		_exit(denied ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* And the other's end is not the session's. */
	EXPECT_EQ(TCONN_STATE_ACTIVE, status_of(&self->client).state);
	EXPECT_EQ(0, client_confirm(&self->client, NULL));
}

TEST_F(session, gives_the_canvas_to_no_child)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, client_bind(&self->client));
	self->client.canvas[0] = 1;
	pid = fork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit((int)self->client.canvas[0]);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* As far as frozen processes, and back after the kernel's five seconds. */
TEST_F_TIMEOUT(session, ends_before_the_machine_suspends, 120)
{
	struct tconn_status status;

	if (guest_write("/sys/power/pm_test", "freezer"))
		SKIP(return, "this kernel has no /sys/power/pm_test");
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_EQ(0, guest_write("/sys/power/state", "freeze"));
	EXPECT_EQ(0, guest_write("/sys/power/pm_test", "none"));
	status = status_of(&self->client);
	EXPECT_EQ(TCONN_STATE_ABORTED, status.state);
	EXPECT_EQ(TCONN_CAUSE_SUSPEND, status.cause);
	EXPECT_TRUE(lamp_is("0"));
}

TEST_F(session, keeps_the_module_while_open)
{
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
}

static bool file_has(const char *path, const char *text)
{
	static char buf[65536];

	return guest_read(path, buf, sizeof(buf)) > 0 && strstr(buf, text);
}

TEST(unloading_leaves_nothing)
{
	char trigger[256];
	struct client client;
	struct guest guest;

	ASSERT_EQ(0, guest_led_path(trigger, sizeof(trigger), "trigger"));
	ASSERT_EQ(0, guest_start(&guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&client));
	ASSERT_EQ(0, client_bind(&client));
	ASSERT_EQ(0, client_activate(&client));
	client_close(&client);
	EXPECT_TRUE(guest_exists(TCONN_DEVICE));
	EXPECT_TRUE(guest_exists(GUEST_FILE("log")));
	EXPECT_TRUE(file_has(trigger, "[tconn]"));
	EXPECT_TRUE(file_has("/proc/bus/input/handlers", "Name=tconn"));
	ASSERT_EQ(0, guest_stop(&guest));
	EXPECT_FALSE(guest_exists(TCONN_DEVICE));
	EXPECT_FALSE(guest_exists(TCONN_SECURITYFS));
	EXPECT_FALSE(file_has(trigger, "tconn"));
	EXPECT_FALSE(file_has("/proc/bus/input/handlers", "tconn"));
	EXPECT_FALSE(file_has("/proc/misc", "tconn"));
	EXPECT_FALSE(guest_exists("/sys/module/tconn"));
}

TEST_HARNESS_MAIN
