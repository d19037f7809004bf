// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "question.h"
#include "tui/protocol.h"

#define TEXT "PIN, says somebody else"

/* tui/statement.h, all little-endian. */
struct request {
	struct tconn_tui_request header;
	char magic[4];
	uint16_t version, kind;
	uint32_t text_len;
	uint16_t pin_min, pin_max;
	char text[sizeof(TEXT) - 1];
} __attribute__((packed));

static void fill_request(struct request *r, unsigned int timeout_ms)
{
	*r = (struct request) {
		.header = {
			.magic = "TCRQ", .version = TCONN_TUI_VERSION, .timeout_ms = timeout_ms,
			.verifier_key = { 9 },	/* any will do */
			.statement_len = sizeof(*r) - sizeof(r->header),
		},
		.magic = "TCST", .version = 1, .kind = TCONN_KIND_PIN,
		.text_len = sizeof(r->text), .pin_min = 4, .pin_max = 12,
	};
	memcpy(r->text, TEXT, sizeof(r->text));
}

void question_execute(void)
{
	char *argv[] = { QUESTION_TUI, NULL };

	execve(argv[0], argv, environ);
}

static void run_child(const int *in, const int *out, void (*start)(void))
{
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	close(in[1]);
	close(out[0]);
	start();
	_exit(127);
}

int question_start(struct question *q, unsigned int timeout_ms, void (*start)(void))
{
	struct request request;
	int in[2], out[2];

	fill_request(&request, timeout_ms);
	if (pipe(in) || pipe(out))
		return -errno;
	q->pid = fork();
	if (q->pid < 0)
		return -errno;
	if (!q->pid)
		run_child(in, out, start);
	close(in[0]);
	close(out[1]);
	q->reply = out[0];
	q->message[0] = '\0';
	if (write(in[1], &request, sizeof(request)) != sizeof(request))
		return -EIO;
	return 0;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t at = 0;
	ssize_t got;

	while (at < size && (got = read(fd, buf + at, size - at)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		at += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)at;
}

int question_end(struct question *q, struct tconn_record *ret)
{
	char buf[sizeof(struct tconn_tui_reply) + sizeof(*ret) + 1024];
	struct tconn_tui_reply reply;
	ssize_t len = read_all(q->reply, buf, sizeof(buf));
	const char *rest = buf + sizeof(reply);

	waitpid(q->pid, NULL, 0);
	close(q->reply);
	if (len < (ssize_t)sizeof(reply)) {
		snprintf(q->message, sizeof(q->message), "tconn-tui made no reply");
		return -EACCES;
	}
	memcpy(&reply, buf, sizeof(reply));
	if (reply.record_len != sizeof(*ret)) {
		snprintf(q->message, sizeof(q->message), "%.*s", (int)reply.message_len,
			 rest + reply.record_len + reply.answer_len);
		return -EACCES;
	}
	memcpy(ret, rest, sizeof(*ret));
	return 0;
}
