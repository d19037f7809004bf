// SPDX-License-Identifier: Apache-2.0
#include "operator.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "verb.h"

/* Who is at the other end of the socket, as the kernel says. */
static void name_operator(int fd, char *ret, size_t size)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	snprintf(ret, size, "operator uid %lld", cred.uid == (uid_t)-1 ? -1ll : (long long)cred.uid);
}

struct start {
	struct server *server;
	int fd;
};

static void *operator_thread(void *arg)
{
	struct start start = *(struct start *)arg;
	struct server *s = start.server;
	struct json_object *request = NULL, *reply;
	struct tconn_error err;
	char who[64];
	int r;

	free(arg);
	name_operator(start.fd, who, sizeof(who));
	r = tconn_jsonline_receive(start.fd, TCONN_JSONLINE_MAX, TCONN_JSONLINE_MS, &request, &err);
	if (r < 0)
		tconn_say("operator socket: refused: %s", err.text);
	reply = r < 0 ? tconn_jsonline_error(r, &err) : verb_answer(s, who, request);
	/* An operator who does not take the reply finds it in the receipts. */
	tconn_jsonline_send(start.fd, reply, TCONN_JSONLINE_MS, NULL);
	json_object_put(reply);
	json_object_put(request);
	close(start.fd);
	server_exit(s, &s->operators);
	return NULL;
}

void operator_accept(struct server *s, int fd)
{
	struct start *start = calloc(1, sizeof(*start));

	if (start && server_enter(s, &s->operators, SERVER_OPERATORS)) {
		start->server = s;
		start->fd = fd;
		if (server_thread(operator_thread, start) == 0)
			return;
		server_exit(s, &s->operators);
	}
	free(start);
	close(fd);
}
