// SPDX-License-Identifier: Apache-2.0
#include "attention.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/say.h"
#include "../../kmod/uapi/tconn.h"
#include "../../tui/statement.h"
#include "ask.h"

/* The notice as a request that nobody sent. */
static int compose(struct attention *a, struct tconn_message *ret)
{
	char text[1024];
	struct tconn_statement s = { .kind = TCONN_KIND_NOTICE, .text = text };
	int len;

	if (a->plain)
		strcpy(text, TCONN_TUI_ATTENTION);
	else
		state_describe(a->state, text, sizeof(text));
	s.text_len = (uint32_t)strlen(text);
	ret->timeout_ms = ATTENTION_MS;
	ret->statement.data = malloc(TCONN_STATEMENT_MAX);
	/* A key of which nobody has the other half: nobody is to be convinced by the record. */
	if (!ret->statement.data || RAND_bytes(ret->nonce, sizeof(ret->nonce)) != 1 ||
	    RAND_bytes(ret->verifier_key, sizeof(ret->verifier_key)) != 1)
		return -ENOMEM;
	len = tconn_statement_encode(&s, ret->statement.data, TCONN_STATEMENT_MAX);
	ret->statement.len = len < 0 ? 0 : (size_t)len;
	return len < 0 ? -EINVAL : 0;
}

/* True: to be tried once more, with the TUI's own notice. */
static bool show(struct attention *a)
{
	const struct ask how = {
		.program = a->state->settings->tui,
		.args = a->state->settings->tui_args,
		.stop_fd = a->state->wanted_fd,
		.peer_fd = -1,
	};
	struct tconn_message request = { .type = TCONN_MSG_REQUEST }, answer = { 0 };
	struct tconn_error err = { "" };
	bool again = false;

	if (compose(a, &request))
		tconn_say("attention: the notice cannot be made");
	else if (ask_person(&how, &request, &answer, &err) < 0)
		tconn_say("attention: the notice gave way");
	else if (answer.status == TCONN_TUI_UNPROVEN && !a->plain)
		a->plain = again = true;
	else
		tconn_say("attention: %s", *answer.text ? answer.text : "the notice was shown");
	tconn_message_free(&request);
	tconn_message_free(&answer);
	return again;
}

/* A count that was not read before: true. */
static bool pressed(const struct attention *a)
{
	char text[32];

	return read(a->fd, text, sizeof(text)) > 0;
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
		if (!p[1].revents || !pressed(a) || !state_try_screen(a->state))
			continue;
		if (show(a))
			show(a);
		state_give_screen(a->state);
		/* It has been up: presses meanwhile have what they want. */
		pressed(a);
	}
	return NULL;
}

int attention_start(struct attention *a, struct state *state, struct tconn_error *err)
{
	int r;

	*a = (struct attention){ .state = state };
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
