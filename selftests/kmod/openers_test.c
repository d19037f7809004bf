// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/session.c under many threads and processes at once: all open, bind, take,
 * give up and are killed, in no order. At most one is live at any time, and
 * nothing of it is left when they are gone.
 */
#include <kselftest_harness.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "client.h"
#include "guest.h"

#define THREADS		4	/* of each process */
#define PROCESSES	4
#define SECONDS		3
#define PATIENCE	60	/* more seconds, where no session came about */

/* Shared by all processes. */
struct tally {
	atomic_uint live;	/* sessions that were told they are ACTIVE */
	atomic_uint clashes;	/* more than one at a time */
	atomic_uint sessions;
	atomic_uint busy;	/* BINDs refused since another is */
	atomic_uint odd;	/* errors that none of this explains */
};

FIXTURE(openers) {
	struct guest guest;
	struct tally *tally;
};

FIXTURE_SETUP(openers)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	self->tally = mmap(NULL, sizeof(*self->tally), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tally);
}

FIXTURE_TEARDOWN(openers)
{
	char state[32];

	guest_state("state", state, sizeof(state));
	EXPECT_STREQ("idle", state);
	guest_state("lit", state, sizeof(state));
	EXPECT_STREQ("0", state);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* All but success, "another is open" and "it was aborted meanwhile" is odd. */
static bool went_well(struct tally *tally, int ret)
{
	if (ret && ret != -EBUSY && ret != -ECANCELED)
		atomic_fetch_add(&tally->odd, 1);
	if (ret == -EBUSY)
		atomic_fetch_add(&tally->busy, 1);
	return !ret;
}

static void run_session(struct tally *tally, struct client *c, unsigned int *seed)
{
	if (!went_well(tally, client_bind(c)) || rand_r(seed) % 4 == 0 ||
	    !went_well(tally, client_activate(c)))
		return;
	if (atomic_fetch_add(&tally->live, 1))
		atomic_fetch_add(&tally->clashes, 1);
	went_well(tally, client_present(c, 0, 0, 8, 8));
	atomic_fetch_sub(&tally->live, 1);
	atomic_fetch_add(&tally->sessions, 1);
	if (rand_r(seed) % 2)
		went_well(tally, client_deny(c, NULL));
}

struct opener {
	struct tally *tally;
	uint64_t end_ms;
	unsigned int seed;
};

/* Until then, or until a busy machine has come to the first session. */
static bool goes_on(const struct opener *o)
{
	uint64_t now = guest_now_ms();

	return now < o->end_ms || (!o->tally->sessions && now < o->end_ms + 1000 * PATIENCE);
}

static void *open_and_close(void *data)
{
	struct opener *o = data;
	struct client c;

	while (goes_on(o))
		if (went_well(o->tally, client_open(&c))) {
			run_session(o->tally, &c, &o->seed);
			client_close(&c);
		}
	return NULL;
}

static void run_threads(struct tally *tally, unsigned int seed, uint64_t end_ms)
{
	struct opener openers[THREADS];
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		openers[i] = (struct opener){ tally, end_ms, seed * THREADS + (unsigned int)i };
		if (pthread_create(&threads[i], NULL, open_and_close, &openers[i]))
			_exit(1);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static pid_t start_process(struct tally *tally, unsigned int seed, uint64_t end_ms)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	run_threads(tally, seed, end_ms);
	_exit(0);
}

TEST_F_TIMEOUT(openers, take_turns, 120)
{
	struct tally *t = self->tally;
	uint64_t end_ms = guest_now_ms() + 1000 * SECONDS;
	pid_t pids[PROCESSES];
	unsigned int i;
	int status;

	for (i = 0; i < PROCESSES; i++)
		pids[i] = start_process(t, i, end_ms);
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	TH_LOG("%u sessions, %u times busy", t->sessions, t->busy);
	EXPECT_EQ(0, t->clashes);
	EXPECT_EQ(0, t->odd);
	EXPECT_LT(0, t->sessions);
	EXPECT_LT(0, t->busy);
}

TEST_F_TIMEOUT(openers, are_killed_at_any_moment, 120)
{
	uint64_t end_ms = guest_now_ms() + 1000 * SECONDS;
	unsigned int seed = 1, round;
	pid_t pids[PROCESSES];
	int i;

	for (round = 0; guest_now_ms() < end_ms; round++) {
		for (i = 0; i < PROCESSES; i++)
			pids[i] = start_process(self->tally, round, UINT64_MAX);
		usleep((unsigned int)rand_r(&seed) % 300000);
		for (i = 0; i < PROCESSES; i++) {
			ASSERT_EQ(0, kill(pids[i], SIGKILL));
			ASSERT_EQ(pids[i], waitpid(pids[i], NULL, 0));
		}
	}
	TH_LOG("%u rounds, %u sessions", round, self->tally->sessions);
}

struct sharer {
	struct client *client;
	atomic_bool *stop;
	unsigned int seed;
};

/* Errors are fine here; the kernel's health is what is looked at. */
static void *command_at_random(void *data)
{
	struct sharer *s = data;
	struct tconn_status status;
	struct pollfd pollfd = { .fd = s->client->fd, .events = POLLIN };
	char byte;

	while (!atomic_load(s->stop)) {
		switch (rand_r(&s->seed) % 6) {
		case 0:
			client_present(s->client, 0, 0, 4, 4);
			break;
		case 1:
			client_status(s->client, &status);
			break;
		case 2:
			(void)!read(s->client->fd, &byte, 1);
			break;
		case 3:
			poll(&pollfd, 1, 1);
			break;
		case 4:
			client_activate(s->client);
			break;
		case 5:
			munmap(mmap(NULL, s->client->bind.canvas_size, PROT_READ, MAP_SHARED,
				    s->client->fd, 0), s->client->bind.canvas_size);
			break;
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(openers, share_one_session_while_it_ends, 120)
{
	uint64_t end_ms = guest_now_ms() + 1000 * SECONDS;
	unsigned int rounds = 0;

	while (guest_now_ms() < end_ms) {
		struct sharer sharers[THREADS];
		pthread_t threads[THREADS];
		atomic_bool stop = false;
		struct client c;
		int i;

		ASSERT_EQ(0, client_open(&c));
		ASSERT_EQ(0, client_bind(&c));
		for (i = 0; i < THREADS; i++) {
			sharers[i] = (struct sharer){ &c, &stop, rounds * THREADS + i };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, command_at_random,
						    &sharers[i]));
		}
		client_activate(&c);
		client_present(&c, 0, 0, 8, 8);
		if (rounds++ % 2)
			client_confirm(&c, NULL);
		else
			close(dup(c.fd));	/* which ends it, too */
		atomic_store(&stop, true);
		for (i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		client_close(&c);
	}
	TH_LOG("%u rounds", rounds);
}

TEST_HARNESS_MAIN
