// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"

#define WATCH_MS	200	/* between two looks at the LED */
#define CLIENT_MS	1000	/* for a status client to send its line and take the reply */

static struct json_object *answer(struct watch *w, struct json_object *request)
{
	struct tconn_error err;
	struct json_object *reply;
	const char *verb;

	if (!tconn_json_string(request, "do", &verb, NULL) || strcmp(verb, "status") != 0) {
		tconn_fail(&err, -EINVAL,
			   "this socket knows \"status\", \"phrase-new\" and \"phrase-forget\" only");
		return tconn_jsonline_error(EINVAL, &err);
	}
	reply = state_json(w->state);
	tconn_json_add(reply, "indicator", indicator_json(&w->indicator));
	return reply;
}

/* True where another thread has the client now: a dialog takes longer than we may. */
static bool hand_over(struct watch *w, struct json_object *request, int fd)
{
	const char *verb;

	if (!tconn_json_string(request, "do", &verb, NULL))
		return false;
	if (strcmp(verb, "phrase-new") == 0)
		return phrase_wanted(w->phrase, PHRASE_NEW, fd);
	if (strcmp(verb, "phrase-forget") == 0)
		return phrase_wanted(w->phrase, PHRASE_FORGET, fd);
	return false;
}

static void serve_client(struct watch *w)
{
	struct json_object *request = NULL, *reply;
	struct tconn_error err;
	int fd = accept4(w->status_fd, NULL, NULL, SOCK_CLOEXEC);
	int r;

	if (fd < 0)
		return;
	r = tconn_jsonline_receive(fd, TCONN_JSONLINE_MAX, CLIENT_MS, &request, &err);
	if (r == 0 && hand_over(w, request, fd)) {
		json_object_put(request);
		return;
	}
	reply = r < 0 ? tconn_jsonline_error(r, &err) : answer(w, request);
	if (r < 0)
		tconn_say("status socket: refused: %s", err.text);
	/* A client that does not take its reply has only itself to blame. */
	tconn_jsonline_send(fd, reply, CLIENT_MS, NULL);
	json_object_put(reply);
	json_object_put(request);
	close(fd);
}

static void *watch_run(void *arg)
{
	struct watch *w = arg;

	for (;;) {
		struct pollfd p[] = {
			{ .fd = w->signal_fd, .events = POLLIN },
			{ .fd = w->status_fd, .events = POLLIN },
			{ .fd = w->state->stop_fd, .events = POLLIN },
		};

		if (poll(p, 3, WATCH_MS) < 0 && errno != EINTR)
			break;
		if (p[2].revents)
			break;
		if (p[0].revents) {
			state_stop(w->state);
			break;
		}
		if (p[1].revents)
			serve_client(w);
		indicator_watch(&w->indicator);
	}
	return NULL;
}

static int open_signals(int *ret_fd, struct tconn_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_fd < 0)
		return tconn_fail(err, -errno, "signalfd: %s", strerror(errno));
	return 0;
}

int watch_start(struct watch *w, struct state *state, struct phrase *phrase,
		struct tconn_error *err)
{
	int r;

	memset(w, 0, sizeof(*w));
	w->state = state;
	w->phrase = phrase;
	w->indicator.pattern = state->settings->indicator;
	r = open_signals(&w->signal_fd, err);
	if (r < 0)
		return r;
	r = tconn_jsonline_listen(state->settings->status_socket, &w->status_fd, err);
	if (r < 0) {
		close(w->signal_fd);
		return r;
	}
	indicator_watch(&w->indicator);
	r = -pthread_create(&w->thread, NULL, watch_run, w);
	if (r < 0) {
		close(w->signal_fd);
		close(w->status_fd);
		return tconn_fail(err, r, "cannot start a thread: %s", strerror(-r));
	}
	return 0;
}

void watch_end(struct watch *w)
{
	state_stop(w->state);
	pthread_join(w->thread, NULL);
	indicator_release(&w->indicator);
	unlink(w->state->settings->status_socket);
	close(w->status_fd);
	close(w->signal_fd);
}
