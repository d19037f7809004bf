// SPDX-License-Identifier: Apache-2.0
/*
 * Random sequences of system calls on /dev/tconn: several threads of a process that
 * the policy admits share a table of files, and call with arguments that are right,
 * nearly right or wild; some fork. Errors are fine. Afterwards the system must be
 * idle, the lamp dark, and a session possible. Each seed is a process of its own and
 * is said on the console, so that it stands there before any complaint.
 *
 * Environment: FUZZ_SECONDS (5), FUZZ_SEED: the first one (1), FUZZ_ROUNDS: seeds at
 * most. FUZZ_SEED=N FUZZ_ROUNDS=1 runs one again.
 */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <linux/input.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "client.h"
#include "guest.h"

#define THREADS		3
#define CALLS		60	/* of a thread */
#define FILES		8
#define ROUND_S		20	/* a process that is not done by then is killed */
#define PAGE		4096u
#define RECORDS		1000	/* of the log's 1400 or so */
#define LIMIT_S		3600	/* FUZZ_SECONDS is the one that counts */

struct shared {
	int files[FILES];	/* -1, /dev/tconn or the display; no lock, on purpose */
	uint8_t *pages;		/* two; the third is not there */
	void *canvas;
	size_t canvas_size;
};

struct thread {
	struct shared *shared;
	unsigned int seed;
};

static unsigned int chance(struct thread *t, unsigned int below)
{
	return (unsigned int)rand_r(&t->seed) % below;
}

static int *any_file(struct thread *t)
{
	return &t->shared->files[chance(t, FILES)];
}

/* Mostly a good address; else NULL, the kernel's, or one that runs into a hole. */
static void *any_address(struct thread *t, size_t size)
{
	uint8_t *pages = t->shared->pages;

	switch (chance(t, 12)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffff888000000000ul;
	case 2:
		return pages + 2 * PAGE - chance(t, (unsigned int)size + 1);
	case 3:
		return t->shared->canvas;
	default:
		return pages + chance(t, PAGE);
	}
}

static uint32_t any_number(struct thread *t)
{
	static const uint32_t edges[] = { 0, 1, 2, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0xfff,
					  1000, 90000, 8192, 8193, 65536 };

	return chance(t, 2) ? edges[chance(t, sizeof(edges) / sizeof(edges[0]))] :
	       (uint32_t)rand_r(&t->seed);
}

static void mutate(struct thread *t, void *data, size_t size)
{
	uint32_t number;
	unsigned int times = chance(t, 4) ? 0 : 1 + chance(t, 3);

	while (times--) {
		number = any_number(t);
		memcpy((uint8_t *)data + chance(t, (unsigned int)(size / 4)) * 4, &number, 4);
	}
}

/* The structure goes where the address says, if that can be written. */
static int call(struct thread *t, unsigned long cmd, const void *data, size_t size)
{
	void *address = any_address(t, size);
	uint8_t *pages = t->shared->pages;

	if ((uint8_t *)address >= pages && (uint8_t *)address + size <= pages + 2 * PAGE)
		memcpy(address, data, size);
	return ioctl(*any_file(t), cmd, address);
}

static void do_bind(struct thread *t)
{
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = 1 + chance(t, 3),
		.timeout_ms = 1000 + chance(t, 2000),
		.display_fd = *any_file(t),
		.statement = (uintptr_t)any_address(t, 64),
		.statement_len = 1 + chance(t, 64),
		.verifier_key = CLIENT_PUBLIC,
	};

	mutate(t, &bind, sizeof(bind));
	call(t, TCONN_IOC_BIND, &bind, sizeof(bind));
}

static void do_present(struct thread *t)
{
	struct tconn_rect rect = { chance(t, 32), chance(t, 32), 1 + chance(t, 32),
				   1 + chance(t, 32) };

	mutate(t, &rect, sizeof(rect));
	call(t, TCONN_IOC_PRESENT, &rect, sizeof(rect));
}

static void do_decide(struct thread *t)
{
	struct tconn_decide decide = { .outcome = 1 + chance(t, 3) };

	mutate(t, &decide, 8);
	call(t, TCONN_IOC_DECIDE, &decide, sizeof(decide));
}

static void do_evdev(struct thread *t)
{
	static const unsigned long commands[] = {
		EVIOCGVERSION, EVIOCGID, EVIOCGREP, EVIOCGRAB, EVIOCSCLOCKID, EVIOCGUNIQ(9),
		EVIOCGMASK, EVIOCREVOKE, EVIOCSKEYCODE,
	};
	uint32_t number = any_number(t);

	if (chance(t, 2))
		call(t, commands[chance(t, sizeof(commands) / sizeof(commands[0]))], &number, 4);
	else
		call(t, _IOC(_IOC_READ, 'E', chance(t, 256), chance(t, 1024)), &number, 4);
}

static void do_any_ioctl(struct thread *t)
{
	uint32_t number = any_number(t);

	call(t, _IOC(chance(t, 4), TCONN_IOC_MAGIC, 0x10 + chance(t, 16), chance(t, 512)), &number,
	     4);
}

static void do_activate(struct thread *t)
{
	struct tconn_rect live = { 0 };

	mutate(t, &live, sizeof(live));
	call(t, TCONN_IOC_ACTIVATE, &live, sizeof(live));
}

static void do_status(struct thread *t)
{
	struct tconn_status status = { 0 };

	call(t, chance(t, 4) ? TCONN_IOC_STATUS : TCONN_IOC_VERSION, &status, sizeof(status));
}

static void do_mmap(struct thread *t)
{
	static const int flags[] = { MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_PRIVATE };
	size_t size = t->shared->canvas_size;
	void *canvas;

	if (!size)
		size = PAGE * (1 + chance(t, 2048));
	canvas = mmap(NULL, chance(t, 4) ? size : size + PAGE, (int)chance(t, 8),
		      flags[chance(t, 4)], *any_file(t), chance(t, 8) ? 0 : PAGE);
	if (canvas == MAP_FAILED)
		return;
	if (chance(t, 2)) {
		mprotect(canvas, PAGE, (int)chance(t, 8));
		madvise(canvas, PAGE, (int)chance(t, 26));
	}
	munmap(canvas, size + PAGE);
}

static void do_read(struct thread *t)
{
	size_t len = chance(t, 4) ? 24 * (1 + chance(t, 8)) : any_number(t);
	struct pollfd pollfd = { .fd = *any_file(t), .events = (short)chance(t, 0x800) };

	poll(&pollfd, 1, (int)chance(t, 3));
	if (fcntl(pollfd.fd, F_SETFL, chance(t, 16) ? O_NONBLOCK : 0))
		return;
	if (fcntl(pollfd.fd, F_GETFL) & O_NONBLOCK)
		(void)!read(pollfd.fd, any_address(t, 24), len);
}

static void do_write(struct thread *t)
{
	int fd = *any_file(t);

	(void)!write(fd, any_address(t, 8), chance(t, 64));
	lseek(fd, any_number(t), (int)chance(t, 4));
	fsync(fd);
}

static void do_open(struct thread *t)
{
	int *file = any_file(t);

	if (*file < 0)
		*file = open(TCONN_DEVICE, (chance(t, 8) ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

static void do_close(struct thread *t)
{
	int *file = any_file(t);

	close(*file);
	*file = -1;
}

static void do_dup(struct thread *t)
{
	int *file = any_file(t);

	if (*file < 0)
		*file = dup(*any_file(t));
}

static void do_calls(struct thread *t, unsigned int count);

static void do_fork(struct thread *t)
{
	pid_t pid = chance(t, 4) ? -1 : fork();

	if (!pid) {
		alarm(2);
		do_calls(t, 5);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, chance(t, 2) ? WNOHANG : 0);
}

/* One at a time: the keyboard takes two bytes for a key. */
static void decide(struct thread *t, struct client *c)
{
	static pthread_mutex_t typing = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&typing);
	if (chance(t, 2))
		client_confirm(c, NULL);
	else
		client_deny(c, NULL);
	pthread_mutex_unlock(&typing);
}

/* In the order that gets somewhere, for chance alone would hardly. */
static void do_session(struct thread *t)
{
	struct client c;

	if (client_open(&c))
		return;
	c.timeout_ms = 1000 + chance(t, 1000);
	if (!client_bind(&c)) {
		t->shared->canvas_size = c.bind.canvas_size;
		t->shared->canvas = c.canvas;
		if (chance(t, 4) && !client_activate(&c)) {
			int *file = any_file(t);

			/* The others may have it, for a while or to the end. */
			if (*file < 0)
				*file = c.fd;
			do_calls(t, chance(t, 8));
			decide(t, &c);
		}
	}
	t->shared->canvas = NULL;
	client_close(&c);
}

static void (* const calls[])(struct thread *t) = {
	do_session, do_bind, do_bind, do_activate, do_activate, do_present, do_present, do_decide,
	do_status, do_evdev, do_any_ioctl, do_mmap, do_read, do_read, do_write, do_open, do_open,
	do_close, do_dup, do_fork,
};

static void do_calls(struct thread *t, unsigned int count)
{
	while (count--)
		calls[chance(t, sizeof(calls) / sizeof(calls[0]))](t);
}

static void *run_thread(void *data)
{
	do_calls(data, CALLS);
	return NULL;
}

static void run_seed(unsigned int seed)
{
	static struct shared shared;
	struct thread threads[THREADS];
	pthread_t ids[THREADS];
	unsigned int i;

	prctl(PR_SET_DUMPABLE, 0);
	alarm(ROUND_S);
	shared.pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	munmap(shared.pages + 2 * PAGE, PAGE);
	for (i = 0; i < FILES; i++)
		shared.files[i] = -1;
	shared.files[0] = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ &shared, seed * THREADS + i };
		pthread_create(&ids[i], NULL, run_thread, &threads[i]);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	_exit(0);
}

static unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static void say_seed(unsigned int seed)
{
	char line[64];

	snprintf(line, sizeof(line), "ioctl_fuzz_test: seed %u\n", seed);
	guest_write("/dev/kmsg", line);
}

static bool state_comes(const char *key, const char *wanted)
{
	char value[32];
	int tries;

	for (tries = 0; tries < 500; tries++) {
		guest_state(key, value, sizeof(value));
		if (!strcmp(value, wanted))
			return true;
		usleep(10000);
	}
	return false;
}

static bool whole_session(void)
{
	struct client c;
	int ret = client_open(&c);

	if (ret)
		return false;
	ret = client_bind(&c);
	if (!ret)
		ret = client_activate(&c);
	if (!ret)
		ret = client_confirm(&c, NULL);
	client_close(&c);
	return !ret;
}

FIXTURE(ioctl_fuzz) {
	struct guest guest;
};

FIXTURE_SETUP(ioctl_fuzz)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
}

FIXTURE_TEARDOWN(ioctl_fuzz)
{
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* A full log refuses sessions, and then there is little left to try. */
static int renew(struct guest *guest)
{
	if (guest_log_count(TCONN_EVENT_RECORD) < RECORDS)
		return 0;
	guest_ree_stop(guest);
	return guest_start(guest, GUEST_ALL);
}

TEST_F_TIMEOUT(ioctl_fuzz, errors_are_all_there_is, LIMIT_S)
{
	unsigned int seed = setting("FUZZ_SEED", 1), rounds = setting("FUZZ_ROUNDS", UINT32_MAX);
	time_t end = time(NULL) + setting("FUZZ_SECONDS", 5);
	unsigned int done;

	for (done = 0; done < rounds && time(NULL) < end; done++, seed++) {
		pid_t pid;

		say_seed(seed);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			run_seed(seed);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		ASSERT_TRUE(state_comes("state", "idle")) { TH_LOG("seed %u", seed); }
		ASSERT_TRUE(state_comes("lit", "0")) { TH_LOG("seed %u", seed); }
		ASSERT_EQ(0, renew(&self->guest));
	}
	TH_LOG("%u seeds, the last one %u; %d sessions since the last load", done, seed - 1,
	       guest_log_count(TCONN_EVENT_RECORD));
	EXPECT_TRUE(whole_session());
}

TEST_HARNESS_MAIN
