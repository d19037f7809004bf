// SPDX-License-Identifier: Apache-2.0
/*
 * Holds a session, for tests that look at it from outside: colour bars under a
 * white frame, which move by one bar at every key. This program has to be on
 * the policy.
 *
 *	hold_session [-t MILLISECONDS] [-n]
 *		-t	the session's time limit (20000)
 *		-n	do not activate: stay in BOUND until a signal
 *
 * Prints one line for each thing that happens: "bound W H", "active",
 * "key CODE VALUE", "early OUTCOME" where the module saw no gesture for it, then
 * "decided OUTCOME" (Enter confirms, Escape denies) or "aborted CAUSE", and the record's
 * figures.
 *
 * Exit codes: 0 decided, 1 refused or failed (said on standard error), 2 usage,
 * 3 aborted.
 */
#include <errno.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static int fail(struct client *c, const char *what, int error)
{
	struct tconn_status status = { 0 };

	client_status(c, &status);
	fprintf(stderr, "hold_session: %s: %s (refusal %u, cause %u)\n", what, strerror(-error),
		status.refusal, status.cause);
	return 1;
}

static void print_record(const struct tconn_record *r)
{
	printf("record session %llu outcome %u cause %u indicator %u presents %u keys %u input %04x:%04x\n",
	       (unsigned long long)r->session, r->outcome, r->cause, r->indicator, r->presents,
	       r->keys, r->input_vendor, r->input_product);
	printf("times bound %llu active %llu lit %llu unlit %llu ended %llu\n",
	       (unsigned long long)r->bound_ns, (unsigned long long)r->active_ns,
	       (unsigned long long)r->lit_ns, (unsigned long long)r->unlit_ns,
	       (unsigned long long)r->ended_ns);
}

static int decide(struct client *c, uint32_t outcome)
{
	struct tconn_record record;
	int ret = client_decide(c, outcome, &record);

	if (ret == -EAGAIN) {
		printf("early %u\n", outcome);
		return -1;
	}
	if (ret)
		return fail(c, "DECIDE", ret);
	printf("decided %u\n", outcome);
	print_record(&record);
	return 0;
}

static int aborted(struct client *c)
{
	struct tconn_status status;
	int ret = client_status(c, &status);

	if (ret)
		return fail(c, "STATUS", ret);
	printf("aborted %u\n", status.cause);
	print_record(&status.record);
	return 3;
}

/* -1: go on; else the exit code. */
static int key(struct client *c, const struct input_event *event, unsigned int *phase)
{
	int ret;

	if (event->type != EV_KEY)
		return -1;
	printf("key %u %d\n", event->code, event->value);
	if (event->value != 1)
		return -1;
	if (event->code == KEY_ENTER)
		return decide(c, TCONN_OUTCOME_CONFIRMED);
	if (event->code == KEY_ESC)
		return decide(c, TCONN_OUTCOME_DENIED);
	client_draw(c, ++*phase);
	ret = client_present(c, 0, 0, c->bind.width, c->bind.height);
	return ret ? fail(c, "PRESENT", ret) : -1;
}

static int serve(struct client *c)
{
	struct pollfd pollfd = { .fd = c->fd, .events = POLLIN };
	struct input_event event;
	unsigned int phase = 0;
	int code = -1;

	while (code < 0) {
		if (poll(&pollfd, 1, -1) < 0)
			return fail(c, "poll", -errno);
		if (pollfd.revents & POLLHUP)
			return aborted(c);
		if (read(c->fd, &event, sizeof(event)) != sizeof(event))
			continue;	/* aborted meanwhile: poll says so */
		code = key(c, &event, &phase);
	}
	return code;
}

static int hold(struct client *c, bool activate)
{
	int ret = client_bind(c);

	if (ret)
		return fail(c, "BIND", ret);
	printf("bound %u %u\n", c->bind.width, c->bind.height);
	client_draw(c, 0);
	if (activate) {
		ret = client_activate(c);
		if (ret)
			return fail(c, "ACTIVATE", ret);
		printf("active\n");
	}
	return serve(c);
}

int main(int argc, char **argv)
{
	uint32_t timeout_ms = 20000;
	bool activate = true;
	struct client c;
	int option, ret;

	while ((option = getopt(argc, argv, "t:n")) != -1) {
		if (option == 't')
			timeout_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			activate = false;
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	ret = client_open(&c);
	if (ret) {
		fprintf(stderr, "hold_session: cannot open display or %s: %s\n", TCONN_DEVICE,
			strerror(-ret));
		return 1;
	}
	c.timeout_ms = timeout_ms;
	ret = hold(&c, activate);
	client_close(&c);
	return ret;
}
