// SPDX-License-Identifier: Apache-2.0
#include "attention.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/message.h"
#include "../lib/say.h"
#include "../../kmod/uapi/tconn.h"

enum { RETRY_MS = 100 };

static void show(struct attention *a)
{
	struct tconn_message answer = { 0 };
	struct tconn_error err = { "" };
	char text[1024];
	int r;

	state_describe(a->state, text, sizeof(text));
	r = notice_show(&a->notice, text, state_phrase_shown(a->state), ATTENTION_MS, -1, &answer,
			&err);
	if (r < 0)
		tconn_say("attention: %s", r == -ECANCELED ? "the notice gave way" : err.text);
	else
		tconn_say("attention: %s", *answer.text ? answer.text : "the notice was shown");
	tconn_message_free(&answer);
}

/* A press that was not read before, and that no dialog has answered: true. */
static bool pressed(const struct attention *a)
{
	char text[32];

	return read(a->fd, text, sizeof(text)) > 0;
}

/* Who has the screen may have done with the person, but not yet with the service. */
static void answer(struct attention *a)
{
	struct pollfd stop = { .fd = a->state->stop_fd, .events = POLLIN };

	if (!state_try_screen(a->state)) {
		poll(&stop, 1, RETRY_MS);
		return;
	}
	if (pressed(a))
		show(a);
	state_give_screen(a->state);
}

static void *attention_run(void *arg)
{
	struct attention *a = arg;
	struct pollfd p[] = {
		{ .fd = a->state->stop_fd, .events = POLLIN },
		{ .fd = a->fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			break;
		if (p[1].revents)
			answer(a);
	}
	return NULL;
}

int attention_start(struct attention *a, struct state *state, struct tconn_error *err)
{
	int r;

	*a = (struct attention){ .state = state, .notice = { .state = state } };
	a->fd = open(TCONN_SECURITYFS "/attention", O_RDONLY | O_CLOEXEC);
	if (a->fd < 0)
		return 0;
	pressed(a);	/* before we were there */
	r = -pthread_create(&a->thread, NULL, attention_run, a);
	if (r == 0)
		return 0;
	close(a->fd);
	return tconn_fail(err, r, "cannot start a thread: %s", strerror(-r));
}

void attention_end(struct attention *a)
{
	if (a->fd < 0)
		return;
	pthread_join(a->thread, NULL);
	close(a->fd);
}
