// SPDX-License-Identifier: Apache-2.0
/*
 * Session after session, each ended in a way and at a moment that chance picks: the
 * app decides, closes, dies or is stopped, its time is over, devices come and go.
 *
 *	soak [-s SEED] [-n SESSIONS]
 *
 * Loads the module anew with policy and lamp, and leaves it loaded. The screen is
 * whoever's: a picture on it, and the lamp, are looked at from outside. After each
 * session the system must be idle and the lamp dark. Prints the progress, then
 * "soak: SESSIONS done" and how often each cause stands in the log.
 *
 * Exit codes: 0 all went well, 1 not (said on standard output), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "guest.h"

#define SERIO_DRIVER	"/sys/bus/serio/drivers/atkbd"
#define PROGRESS	100	/* sessions */
#define MOMENT_MIN_US	20000
#define MOMENT_MAX_US	2000000
#define PATIENCE_MS	5000	/* until what was ended has ended */
#define CAUSES		32

enum end {
	DECIDE,
	CLOSE_OPEN,
	CLOSE_BOUND,
	CLOSE_ACTIVE,
	KILL,
	STOP,
	TIMEOUT,
	NEW_DEVICE,
	LAMP,
	KEYBOARD,
};

/* How often out of 100. Those that take a second or more are rare. */
static const struct {
	enum end end;
	unsigned int share;
} shares[] = {
	{ DECIDE, 25 }, { CLOSE_OPEN, 3 }, { CLOSE_BOUND, 10 }, { CLOSE_ACTIVE, 15 },
	{ KILL, 24 }, { STOP, 4 }, { TIMEOUT, 1 }, { NEW_DEVICE, 10 }, { LAMP, 6 },
	{ KEYBOARD, 2 },
};

static unsigned int seed = 1;
/* An event comes within: as long as sessions that the app decides took of late, and half. */
static unsigned int moment_us = MOMENT_MIN_US;

static unsigned int chance(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static enum end pick_end(void)
{
	unsigned int at = chance(100), i = 0;

	while (at >= shares[i].share)
		at -= shares[i++].share;
	return shares[i].end;
}

static int complain(const char *what, int value)
{
	printf("soak: %s: %d\n", what, value);
	return 1;
}

/* --- the app, in a process of its own --- */

/* Devices may be away, and the session may be over at any time. */
static bool is_fine(int ret)
{
	return !ret || ret == -ECANCELED || ret == -ENOLCK || ret == -ENODEV ||
	       ret == -EAGAIN;	/* the key went with its keyboard */
}

static void wait_end(struct client *c)
{
	if (!guest_wait_hangup(c->fd, PATIENCE_MS))
		_exit(complain("a session goes on after its end", 0));
}

/* A key that somebody pressed first may have been the other one. */
static int decide(struct client *c)
{
	int ret = chance(2) ? client_confirm(c, NULL) : client_deny(c, NULL);

	return ret == -EACCES ? 0 : ret;
}

static int act(struct client *c, enum end end)
{
	unsigned int presents = chance(4);
	int ret = client_activate(c);

	while (!ret && presents--)
		ret = client_present(c, chance(100), chance(100), 1 + chance(100), 1 + chance(100));
	if (ret || end == CLOSE_ACTIVE)
		return ret;
	if (end == DECIDE)
		return decide(c);
	/* One that no event ended is closed: the event came before BIND. */
	if (end == TIMEOUT)
		wait_end(c);
	else
		guest_wait_hangup(c->fd, (int)moment_us / 500);
	return 0;
}

static void run_app(enum end end)
{
	struct client c;
	int ret = client_open(&c);

	if (ret)
		_exit(complain("open", ret));
	if (end == TIMEOUT)
		c.timeout_ms = TCONN_TIMEOUT_MIN_MS;
	if (end != CLOSE_OPEN)
		ret = client_bind(&c);
	if (!ret && end != CLOSE_OPEN && end != CLOSE_BOUND)
		ret = act(&c, end);
	client_close(&c);
	_exit(is_fine(ret) ? 0 : complain("an error", ret));
}

/* --- what happens to it --- */

static int plug(void)
{
	struct uinput_setup setup = { .id = { .bustype = BUS_USB }, .name = "soak" };
	int fd = open("/dev/uinput", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY) || ioctl(fd, UI_SET_KEYBIT, KEY_ENTER) ||
	    ioctl(fd, UI_DEV_SETUP, &setup) || ioctl(fd, UI_DEV_CREATE)) {
		close(fd);
		return -EIO;
	}
	usleep(chance(moment_us));
	close(fd);
	return 0;
}

/* While it is lit, sysfs refuses. */
static int rearm(void)
{
	int tries, ret = -EBUSY;

	for (tries = 0; ret && tries < 500; tries++) {
		ret = guest_arm("tconn");
		if (ret)
			usleep(20000);
	}
	return ret;
}

/* A key pressed meanwhile has the kernel look for the driver by itself: busy is fine. */
static int replug_keyboard(void)
{
	int ret = guest_write(SERIO_DRIVER "/unbind", "serio0");

	if (ret)
		return ret;
	usleep(chance(moment_us));
	ret = guest_write(SERIO_DRIVER "/bind", "serio0");
	return ret == -EBUSY ? 0 : ret;
}

static int happen(enum end end, pid_t app)
{
	if (end <= CLOSE_ACTIVE || end == TIMEOUT)
		return 0;
	usleep(chance(moment_us));
	switch (end) {
	case KILL:
		return kill(app, SIGKILL);
	case STOP:
		kill(app, SIGSTOP);
		usleep(300000 + chance(moment_us));
		return kill(app, SIGCONT);
	case NEW_DEVICE:
		return plug();
	case LAMP:
		guest_arm("none");
		return 0;
	case KEYBOARD:
		return replug_keyboard();
	default:
		return 0;
	}
}

static bool state_is(const char *key, const char *wanted)
{
	char value[32];

	guest_state(key, value, sizeof(value));
	return !strcmp(value, wanted);
}

static bool is_idle(void)
{
	int tries;

	for (tries = 0; tries < PATIENCE_MS / 10; tries++) {
		if (state_is("state", "idle") && state_is("lit", "0"))
			return true;
		usleep(10000);
	}
	return false;
}

static unsigned int now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned int)((uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

static void learn_moment(unsigned int took_us)
{
	moment_us = (3 * moment_us + took_us + took_us / 2) / 4;
	if (moment_us < MOMENT_MIN_US)
		moment_us = MOMENT_MIN_US;
	if (moment_us > MOMENT_MAX_US)
		moment_us = MOMENT_MAX_US;
}

static int run_session(void)
{
	enum end end = pick_end();
	unsigned int for_app = chance(RAND_MAX), start_us = now_us();
	int status, ret;
	pid_t app = fork();

	if (app < 0)
		return complain("fork", -errno);
	if (!app) {
		seed = for_app;
		run_app(end);
	}
	ret = happen(end, app);
	if (ret)
		return complain("an event", ret);
	if (waitpid(app, &status, 0) != app || (end != KILL && status))
		return complain("an app ended with status", status);
	if (end == DECIDE)
		learn_moment(now_us() - start_us);
	if (!is_idle())
		return complain("not idle after an end of kind", end);
	ret = end == LAMP || end == KEYBOARD ? rearm() : 0;
	return ret ? complain("cannot arm the lamp", ret) : 0;
}

static void print_causes(void)
{
	static uint8_t log[GUEST_LOG_SIZE + 1];
	ssize_t len = guest_read(GUEST_FILE("log"), log, sizeof(log)), at = 0;
	unsigned int counts[CAUSES] = { 0 }, i;

	while (at < len) {
		struct tconn_event event;
		struct tconn_record record;

		memcpy(&event, log + at, sizeof(event));
		at += (ssize_t)sizeof(event);
		memcpy(&record, log + at, sizeof(record));
		if (event.type == TCONN_EVENT_RECORD && record.cause < CAUSES)
			counts[record.cause]++;
		at += event.len;
	}
	for (i = 0; i < CAUSES; i++)
		if (counts[i])
			printf("cause %u %u\n", i, counts[i]);
}

int main(int argc, char **argv)
{
	unsigned int sessions = 100, done;
	struct guest guest;
	int option, ret;

	while ((option = getopt(argc, argv, "s:n:")) != -1) {
		if (option == 's')
			seed = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			sessions = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ret = guest_start(&guest, GUEST_POLICY | GUEST_LAMP);
	if (ret)
		return complain("cannot start", ret);
	printf("soak: seed %u\n", seed);
	for (done = 0; done < sessions; done++) {
		ret = run_session();
		if (ret)
			return ret;
		if (done % PROGRESS == PROGRESS - 1)
			printf("soak: %u of %u\n", done + 1, sessions);
	}
	printf("soak: %u done\n", done);
	print_causes();
	return 0;
}
