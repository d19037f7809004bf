// SPDX-License-Identifier: Apache-2.0
/*
 * Each allocation, and each copy from or to userspace, of each call of tconn.ko
 * fails once. The call must return an error, or do all it should; what it left
 * behind must not keep the next one from working. (kmemleak looks afterwards.)
 */
#include <dirent.h>
#include <fcntl.h>
#include <kselftest_harness.h>
#include <linux/input.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "client.h"
#include "fault.h"
#include "guest.h"
#include "keyboard.h"

#define MINUTES(n)	(60 * (n))
#define OF_INIT		150	/* the last chances of loading: the hundred of tconn_init(), some before */

FIXTURE(failing) {
	struct guest guest;
	struct client client;
	struct fault fault;
};

FIXTURE_SETUP(failing)
{
	ASSERT_EQ(0, fault_open(&self->fault));
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
}

/* Whatever failed before: a whole session works, and the REE goes on after it. */
FIXTURE_TEARDOWN(failing)
{
	struct client *c = &self->client;
	char state[32];
	uint64_t flips;

	TH_LOG("%u failures", self->fault.hits);
	fault_close(&self->fault);
	client_close(c);
	ASSERT_EQ(0, client_open(c));
	ASSERT_EQ(0, client_bind(c));
	ASSERT_EQ(0, client_activate(c));
	ASSERT_EQ(0, client_present(c, 0, 0, 8, 8));
	ASSERT_EQ(0, client_confirm(c, NULL));
	client_close(c);
	guest_state("state", state, sizeof(state));
	EXPECT_STREQ("idle", state);
	guest_state("lit", state, sizeof(state));
	EXPECT_STREQ("0", state);
	flips = *self->guest.flips;
	usleep(1000000);
	EXPECT_LT(flips + 1, *self->guest.flips);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static int anew(struct client *c)
{
	client_close(c);
	return client_open(c);
}

static int start(struct client *c)
{
	int ret = anew(c);

	if (!ret)
		ret = client_bind(c);
	return ret ? ret : client_activate(c);
}

static struct tconn_status status_of(struct client *c)
{
	struct tconn_status status = { .state = 99 };

	client_status(c, &status);
	return status;
}

TEST_F_TIMEOUT(failing, open, MINUTES(2))
{
	unsigned int n;

	for (n = 1; fault_more(&self->fault, n); n++) {
		int fd;

		fault_arm(&self->fault, n);
		fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC);
		fault_disarm(&self->fault);
		EXPECT_TRUE(fd >= 0 || self->fault.hit);
		if (fd >= 0)
			close(fd);
	}
	EXPECT_LT(1, self->fault.hits);
}

static int bind(struct client *c)
{
	static const char statement[] = CLIENT_STATEMENT;
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = TCONN_KIND_CONFIRM,
		.timeout_ms = 20000,
		.display_fd = c->card,
		.statement = (uintptr_t)statement,
		.statement_len = sizeof(statement) - 1,
		.verifier_key = CLIENT_PUBLIC,
	};

	if (ioctl(c->fd, TCONN_IOC_BIND, &bind))
		return -errno;
	c->bind = bind;
	return 0;
}

TEST_F_TIMEOUT(failing, bind, MINUTES(10))
{
	struct client *c = &self->client;
	unsigned int n;
	int ret;

	ASSERT_EQ(0, fault_spare_pages());
	for (n = 1; fault_more(&self->fault, n); n++) {
		fault_arm(&self->fault, n);
		ret = bind(c);
		fault_disarm(&self->fault);
		if (ret) {
			EXPECT_TRUE(self->fault.hit);
			ASSERT_EQ(TCONN_STATE_IDLE, status_of(c).state);
			/* The same fd may ask again. */
			ASSERT_EQ(0, bind(c));
		}
		ASSERT_EQ(TCONN_STATE_BOUND, status_of(c).state);
		ASSERT_EQ(0, anew(c));
	}
	EXPECT_LT(20, self->fault.hits);
}

TEST_F_TIMEOUT(failing, mmap, MINUTES(5))
{
	struct client *c = &self->client;
	void *canvas = MAP_FAILED;
	unsigned int n;

	ASSERT_EQ(0, bind(c));
	for (n = 1; fault_more(&self->fault, n); n++) {
		fault_arm(&self->fault, n);
		canvas = mmap(NULL, c->bind.canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      c->fd, 0);
		fault_disarm(&self->fault);
		EXPECT_TRUE(canvas != MAP_FAILED || self->fault.hit);
		if (canvas != MAP_FAILED)
			munmap(canvas, c->bind.canvas_size);
	}
	EXPECT_LT(1, self->fault.hits);
	EXPECT_EQ(TCONN_STATE_BOUND, status_of(c).state);
}

TEST_F_TIMEOUT(failing, activate, MINUTES(10))
{
	struct client *c = &self->client;
	unsigned int n;
	int ret;

	for (n = 1; fault_more(&self->fault, n); n++) {
		ASSERT_EQ(0, anew(c));
		ASSERT_EQ(0, bind(c));
		fault_arm(&self->fault, n);
		ret = client_activate(c);
		fault_disarm(&self->fault);
		if (ret)
			EXPECT_TRUE(self->fault.hit);
		/* Its argument could not be read: nothing was done. */
		if (ret == -EFAULT) {
			EXPECT_EQ(TCONN_STATE_BOUND, status_of(c).state);
			continue;
		}
		if (ret)
			EXPECT_EQ(-ECANCELED, ret);
		EXPECT_EQ(ret ? TCONN_STATE_ABORTED : TCONN_STATE_ACTIVE, status_of(c).state);
	}
	EXPECT_LT(1, self->fault.hits);
}

TEST_F_TIMEOUT(failing, present, MINUTES(5))
{
	struct client *c = &self->client;
	unsigned int n;
	int ret;

	for (n = 1; fault_more(&self->fault, n); n++) {
		if (status_of(c).state != TCONN_STATE_ACTIVE)
			ASSERT_EQ(0, start(c));
		fault_arm(&self->fault, n);
		ret = client_present(c, 0, 0, 16, 16);
		fault_disarm(&self->fault);
		if (ret)
			EXPECT_TRUE(self->fault.hit);
		/* Its argument could not be read: nothing was done. */
		if (ret == -EFAULT) {
			EXPECT_EQ(TCONN_STATE_ACTIVE, status_of(c).state);
		} else if (ret) {
			EXPECT_EQ(TCONN_CAUSE_DISPLAY_FAILED, status_of(c).cause);
		}
	}
	EXPECT_LT(2, self->fault.hits);
}

TEST_F_TIMEOUT(failing, read, MINUTES(5))
{
	struct client *c = &self->client;
	struct input_event event;
	unsigned int n;

	for (n = 1; fault_more(&self->fault, n); n++) {
		if (status_of(c).state != TCONN_STATE_ACTIVE) {
			ASSERT_EQ(0, start(c));
			ASSERT_EQ(0, fcntl(c->fd, F_SETFL, O_NONBLOCK));
		}
		keyboard_type(SCAN_5);
		fault_arm(&self->fault, n);
		if (read(c->fd, &event, sizeof(event)) != sizeof(event))
			EXPECT_EQ(EFAULT, errno);
		fault_disarm(&self->fault);
	}
	EXPECT_LT(0, self->fault.hits);
	EXPECT_EQ(TCONN_STATE_ACTIVE, status_of(c).state);
}

TEST_F_TIMEOUT(failing, decide, MINUTES(10))
{
	struct client *c = &self->client;
	struct tconn_record record;
	unsigned int n;
	int ret;

	for (n = 1; fault_more(&self->fault, n); n++) {
		enum tconn_state state;

		if (status_of(c).state != TCONN_STATE_ACTIVE)
			ASSERT_EQ(0, start(c));
		usleep(c->bind.grace_ms * 1000);
		ASSERT_EQ(0, keyboard_type(SCAN_ENTER));
		fault_arm(&self->fault, n);
		ret = client_decide(c, TCONN_OUTCOME_CONFIRMED, &record);
		fault_disarm(&self->fault);
		state = status_of(c).state;
		/* -EFAULT comes before anything is done, or when all is. */
		if (ret == -EFAULT) {
			EXPECT_NE(TCONN_STATE_ABORTED, state);
		} else {
			EXPECT_EQ(ret ? TCONN_STATE_ABORTED : TCONN_STATE_DECIDED, state);
		}
		if (ret)
			EXPECT_TRUE(self->fault.hit);
	}
	EXPECT_LT(2, self->fault.hits);
}

TEST_F_TIMEOUT(failing, status_and_version, MINUTES(2))
{
	struct tconn_version version;
	struct tconn_status status;
	unsigned int n;

	for (n = 1; fault_more(&self->fault, n); n++) {
		fault_arm(&self->fault, n);
		if (client_status(&self->client, &status))
			EXPECT_EQ(EFAULT, errno);
		fault_disarm(&self->fault);
	}
	fault_reset(&self->fault);
	for (n = 1; fault_more(&self->fault, n); n++) {
		fault_arm(&self->fault, n);
		if (ioctl(self->client.fd, TCONN_IOC_VERSION, &version))
			EXPECT_EQ(EFAULT, errno);
		fault_disarm(&self->fault);
	}
	EXPECT_LT(0, self->fault.hits);
}

TEST_F_TIMEOUT(failing, evdev_commands, MINUTES(5))
{
	static const unsigned long commands[] = {
		EVIOCGVERSION, EVIOCGID, EVIOCGREP, EVIOCGRAB, EVIOCSCLOCKID, EVIOCGNAME(64),
		EVIOCGPHYS(64), EVIOCGUNIQ(64), EVIOCGKEY(96), EVIOCGPROP(8), EVIOCGBIT(0, 8),
		EVIOCGBIT(EV_KEY, 96), EVIOCGBIT(EV_ABS, 8), EVIOCGABS(0),
	};
	struct client *c = &self->client;
	unsigned int i, n;

	ASSERT_EQ(0, start(c));
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		fault_reset(&self->fault);
		for (n = 1; fault_more(&self->fault, n); n++) {
			unsigned char buf[128] = { CLOCK_MONOTONIC };

			fault_arm(&self->fault, n);
			if (ioctl(c->fd, commands[i], buf) < 0 && self->fault.hit)
				EXPECT_NE(0, errno);
			fault_disarm(&self->fault);
		}
	}
	EXPECT_EQ(TCONN_STATE_ACTIVE, status_of(c).state);
}

TEST_F_TIMEOUT(failing, close, MINUTES(10))
{
	struct client *c = &self->client;
	struct tconn_record record;
	unsigned int n;
	char state[32];

	for (n = 1; fault_more(&self->fault, n); n++) {
		ASSERT_EQ(0, start(c));
		fault_arm(&self->fault, n);
		close(c->fd);
		fault_disarm(&self->fault);
		guest_state("state", state, sizeof(state));
		EXPECT_STREQ("idle", state);
		guest_state("lit", state, sizeof(state));
		EXPECT_STREQ("0", state);
		c->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	EXPECT_EQ(0, guest_log_last(TCONN_EVENT_RECORD, &record, sizeof(record)));
	EXPECT_EQ(TCONN_CAUSE_CLOSED, record.cause);
}

TEST_F_TIMEOUT(failing, files, MINUTES(5))
{
	static const char * const files[] = { "policy", "state", "log", "log_ascii" };
	static char text[GUEST_LOG_SIZE + 1];
	unsigned int i, n;

	for (i = 0; i < 4; i++) {
		char path[64];

		fault_reset(&self->fault);
		snprintf(path, sizeof(path), TCONN_SECURITYFS "/%s", files[i]);
		for (n = 1; fault_more(&self->fault, n); n++) {
			fault_arm(&self->fault, n);
			guest_read(path, text, sizeof(text));
			fault_disarm(&self->fault);
		}
		EXPECT_LT(0, self->fault.hits);
		EXPECT_LT(0, guest_read(path, text, sizeof(text)));
	}
}

TEST_F_TIMEOUT(failing, arming, MINUTES(5))
{
	unsigned int n;

	for (n = 1; fault_more(&self->fault, n); n++) {
		int ret;

		ASSERT_EQ(0, guest_arm("none"));
		fault_arm(&self->fault, n);
		ret = guest_arm("tconn");
		fault_disarm(&self->fault);
		if (ret)
			EXPECT_TRUE(self->fault.hit);
	}
	EXPECT_EQ(0, guest_arm("tconn"));
}

/* The thread that holds the screen; 0 if there is none. */
static int display_thread(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int tid = 0;

	while (proc && !tid && (entry = readdir(proc))) {
		char path[300], name[32] = "";

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (atoi(entry->d_name) && guest_read(path, name, sizeof(name)) > 0 &&
		    !strncmp(name, "tconn-display", strlen("tconn-display")))
			tid = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
	return tid;
}

/* A busy machine's picture comes late; one that stays dark never comes. */
static bool draws_again(const volatile uint64_t *flips)
{
	uint64_t before = *flips;
	int waited;

	for (waited = 0; *flips <= before + 1 && waited < 100; waited++)
		usleep(100000);
	return *flips > before + 1;
}

/* Giving back must succeed in the end, or the REE sits in the dark. */
TEST_F_TIMEOUT(failing, of_the_displays_thread_in_giving_back, MINUTES(5))
{
	struct client *c = &self->client;
	unsigned int n;

	for (n = 1; n <= 30; n++) {
		ASSERT_EQ(0, start(c));
		ASSERT_EQ(0, fault_arm_thread(display_thread(), n));
		EXPECT_EQ(0, client_confirm(c, NULL));
		EXPECT_TRUE(draws_again(self->guest.flips));
	}
}

TEST_F_TIMEOUT(failing, policy, MINUTES(10))
{
	char text[1024], state[8192];
	unsigned int n;
	int ret;

	ASSERT_EQ(0, guest_policy_text(text, sizeof(text), ""));
	client_close(&self->client);
	for (n = 1; fault_more(&self->fault, n); n++) {
		guest_arm("none");
		ASSERT_EQ(0, guest_unload());
		ASSERT_EQ(0, guest_load());
		fault_arm(&self->fault, n);
		ret = guest_write(GUEST_FILE("policy"), text);
		fault_disarm(&self->fault);
		if (ret) {
			EXPECT_TRUE(self->fault.hit);
			ASSERT_EQ(0, guest_write(GUEST_FILE("policy"), text));
		}
		ASSERT_LT(0, guest_read(GUEST_FILE("state"), state, sizeof(state)));
		EXPECT_NE(NULL, strstr(state, "input /devices/platform/i8042/serio"));
	}
	EXPECT_LT(5, self->fault.hits);
	ASSERT_EQ(0, guest_arm("tconn"));
	ASSERT_EQ(0, client_open(&self->client));
}

/* Writes a policy as soon as there is a file that takes it; one each time it is wanted. */
struct eager {
	char text[1024];
	atomic_bool stop, wanted;
	unsigned int accepted;
};

static void *write_policies(void *argument)
{
	struct eager *e = argument;

	while (!atomic_load(&e->stop)) {
		if (!atomic_load(&e->wanted) || guest_write(GUEST_FILE("policy"), e->text))
			continue;
		e->accepted++;
		atomic_store(&e->wanted, false);
	}
	return NULL;
}

/* Who opens a file of a module that is going makes the kernel complain: nobody must. */
static int unload_when_written(struct eager *e)
{
	int i;

	for (i = 0; i < 5000 && atomic_load(&e->wanted); i++)
		usleep(1000);
	return guest_unload();
}

/* How many chances to fail there are in loading, the kernel's own included; 0 if it failed. */
static unsigned int count_chances(struct fault *fault)
{
	int ret;

	fault_arm(fault, FAULT_MAX);
	ret = guest_load();
	fault_disarm(fault);
	if (!ret)
		ret = guest_unload();
	return ret || fault->hit ? 0 : FAULT_MAX - fault->left;
}

/*
 * Every step of tconn_init() fails once. A policy is written the while: where loading
 * fails, none may have been accepted, for an input handler comes with it.
 */
TEST_F_TIMEOUT(failing, loading, MINUTES(10))
{
	unsigned int n, chances, loads = 0;
	struct eager eager = { };
	pthread_t thread;
	int ret;

	ASSERT_EQ(0, guest_policy_text(eager.text, sizeof(eager.text), ""));
	client_close(&self->client);
	guest_arm("none");
	ASSERT_EQ(0, guest_unload());
	ASSERT_EQ(0, fault_spare_pages());
	chances = count_chances(&self->fault);
	ASSERT_LT(OF_INIT, chances);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_policies, &eager));
	fault_reset(&self->fault);
	for (n = chances - OF_INIT; fault_more(&self->fault, n); n++) {
		atomic_store(&eager.wanted, true);
		fault_arm(&self->fault, n);
		ret = guest_load();
		fault_disarm(&self->fault);
		if (ret) {
			EXPECT_TRUE(self->fault.hit);
			EXPECT_FALSE(guest_exists(TCONN_DEVICE));
			EXPECT_FALSE(guest_exists(TCONN_SECURITYFS));
			EXPECT_FALSE(guest_exists("/sys/module/tconn"));
		} else {
			loads++;
			ASSERT_EQ(0, unload_when_written(&eager));
		}
	}
	atomic_store(&eager.stop, true);
	pthread_join(thread, NULL);
	TH_LOG("%u of %u chances, %u loads all the same", n - chances + OF_INIT, chances, loads);
	EXPECT_EQ(loads, eager.accepted);
	EXPECT_LT(50, self->fault.hits);
	guest_ree_stop(&self->guest);
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
}

TEST_HARNESS_MAIN
