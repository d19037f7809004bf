// SPDX-License-Identifier: Apache-2.0
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../tui/render.h"
#include "../../tui/statement.h"
#include "../lib/request_proof.h"

#define REPLY_MAX (sizeof(struct tconn_tui_reply) + sizeof(struct tconn_record) + \
		   TCONN_TUI_ANSWER_MAX + TCONN_TUI_MESSAGE_MAX)

_Static_assert(sizeof(struct tconn_tui_request) == 88, "tui/protocol.h says 88 bytes");
_Static_assert(sizeof(struct tconn_tui_reply) == 32, "tui/protocol.h says 32 bytes");
_Static_assert(sizeof(struct tconn_record) == 480, "uapi/tconn.h says 480 bytes");

struct run {
	pid_t pid;
	int pidfd, in, out;		/* -1: closed */
	uint8_t request[sizeof(struct tconn_tui_request) + TCONN_STATEMENT_MAX + TCONN_PHRASE_MAX +
			TCONN_PROOF_MAX];
	size_t request_len, sent;
	uint8_t reply[REPLY_MAX + 1];	/* one more, to see that there is too much */
	size_t got;
	int64_t deadline;		/* ms */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Kills what still runs: the module then aborts the session and gives the screen back. */
static void run_end(struct run *r)
{
	close_fd(&r->in);
	close_fd(&r->out);
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_fd(&r->pidfd);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}

static void run_cleanup(struct run **r)
{
	if (*r)
		run_end(*r);
}

/* In the child, between fork and exec: async-signal-safe calls only. */
static void become_tui(const struct ask *how, char *const argv[], int in, int out, pid_t parent)
{
	static char *const env[] = { "LANG=C.UTF-8", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127);
	/* Both are above 2: tconnd's own standard descriptors are open. */
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	close_range(3, ~0U, 0);
	execve(how->program, argv, env);
	_exit(127);
}

static int build_argv(const struct ask *how, char **argv, size_t size)
{
	size_t n = 0;

	argv[n++] = (char *)how->program;
	for (char *const *a = how->args; a && *a; a++) {
		if (n + 1 == size)
			return -E2BIG;
		argv[n++] = *a;
	}
	argv[n] = NULL;
	return 0;
}

static int start(const struct ask *how, struct run *r)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	pid_t parent = getpid();
	char *argv[40];
	int code = build_argv(how, argv, sizeof(argv) / sizeof(argv[0]));

	if (code == 0 && (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)))
		code = -errno;
	if (code == 0) {
		r->pid = fork();
		if (r->pid == 0)
			become_tui(how, argv, in[0], out[1], parent);
		code = r->pid < 0 ? -errno : 0;
	}
	close_fd(&in[0]);
	close_fd(&out[1]);
	r->in = in[1];
	r->out = out[0];
	if (code)
		return code;
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0 || fcntl(r->in, F_SETFL, O_NONBLOCK) || fcntl(r->out, F_SETFL, O_NONBLOCK))
		return -errno;
	return 0;
}

static void feed(struct run *r)
{
	ssize_t n = write(r->in, r->request + r->sent, r->request_len - r->sent);

	if (n > 0)
		r->sent += (size_t)n;
	/* A TUI that does not read says why in its reply, or by its exit code. */
	if (r->sent == r->request_len || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&r->in);
}

static void drain(struct run *r)
{
	ssize_t n = read(r->out, r->reply + r->got, sizeof(r->reply) - r->got);

	if (n > 0)
		r->got += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || r->got == sizeof(r->reply))
		close_fd(&r->out);
}

/* Until the TUI closed its output and exited. 0, or what cut it short. */
static int converse(const struct ask *how, struct run *r, int *ret_status)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = how->stop_fd, .events = POLLIN },
			{ .fd = how->peer_fd, .events = POLLRDHUP },
			{ .fd = r->in, .events = POLLOUT },
			{ .fd = r->out, .events = POLLIN },
			{ .fd = r->out < 0 ? r->pidfd : -1, .events = POLLIN },
		};
		int64_t left = r->deadline - now_ms();
		int n = left > 0 ? poll(p, 5, (int)left) : 0;

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		if (p[0].revents)
			return -ECANCELED;
		if (p[1].revents)
			return -ECONNRESET;
		if (p[2].revents)
			feed(r);
		if (p[3].revents)
			drain(r);
		if (r->got == sizeof(r->reply))
			return -EMSGSIZE;
		if (p[4].revents && waitpid(r->pid, ret_status, WNOHANG) == r->pid) {
			r->pid = 0;
			return 0;
		}
	}
}

static void failed(struct tconn_message *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void failed(struct tconn_message *a, const char *fmt, ...)
{
	va_list args;

	a->status = TCONN_TUI_FAILED;
	va_start(args, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, args);
	va_end(args);
}

/* Form only: lengths add up, fields are in range. What is wrong, or NULL. */
static const char *reply_fault(const struct tconn_tui_reply *h, size_t got)
{
	if (memcmp(h->magic, "TCRP", 4) != 0 || h->version != TCONN_TUI_VERSION)
		return "not a reply of this version";
	if (h->status > TCONN_TUI_STATUS_MAX || h->reserved)
		return "unknown status or a reserved field set";
	if (h->record_len && h->record_len != sizeof(struct tconn_record))
		return "record of a wrong size";
	if (h->answer_len > TCONN_TUI_ANSWER_MAX || h->message_len > TCONN_TUI_MESSAGE_MAX)
		return "answer or message over its limit";
	if (got != sizeof(*h) + h->record_len + h->answer_len + h->message_len)
		return "truncated, or bytes after it";
	if (h->record_len == 0 && h->status <= TCONN_TUI_ABORTED)
		return "a decision without a record";
	if (h->answer_len && h->status != TCONN_TUI_DECIDED)
		return "digits without a decision";
	return NULL;
}

static int copy(struct tconn_bytes *to, const uint8_t *from, size_t len)
{
	if (len == 0)
		return 0;
	to->data = malloc(len);
	if (!to->data)
		return -ENOMEM;
	memcpy(to->data, from, len);
	to->len = len;
	return 0;
}

static int take_reply(const struct run *r, struct tconn_message *a)
{
	struct tconn_tui_reply h;
	const uint8_t *p = r->reply + sizeof(h);
	const char *fault = "truncated";
	size_t text;

	if (r->got >= sizeof(h)) {
		memcpy(&h, r->reply, sizeof(h));
		fault = reply_fault(&h, r->got);
	}
	if (fault) {
		failed(a, "the TUI's reply is malformed: %s", fault);
		return 0;
	}
	a->status = h.status;
	if (copy(&a->record, p, h.record_len) || copy(&a->answer, p + h.record_len, h.answer_len))
		return -ENOMEM;
	text = h.message_len < sizeof(a->text) ? h.message_len : sizeof(a->text) - 1;
	memcpy(a->text, p + h.record_len + h.answer_len, text);
	a->text[text] = '\0';
	return 0;
}

/* The proof goes on as it came: to judge it is the TUI's, which need not trust us. */
static void build_request(struct run *r, const struct tconn_message *request, const char *phrase)
{
	const size_t phrase_len = phrase ? strnlen(phrase, TCONN_PHRASE_MAX) : 0;
	struct tconn_tui_request h = {
		.magic = "TCRQ",
		.version = TCONN_TUI_VERSION,
		.timeout_ms = request->timeout_ms,
		.statement_len = (uint32_t)request->statement.len,
		.phrase_len = (uint16_t)phrase_len,
		.proof_len = (uint16_t)request->proof.len,
	};
	uint8_t *p = r->request + sizeof(h);

	memcpy(h.nonce, request->nonce, sizeof(h.nonce));
	memcpy(h.verifier_key, request->verifier_key, sizeof(h.verifier_key));
	memcpy(r->request, &h, sizeof(h));
	memcpy(p, request->statement.data, request->statement.len);
	p += request->statement.len;
	if (phrase_len)
		memcpy(p, phrase, phrase_len);
	p += phrase_len;
	if (request->proof.len)
		memcpy(p, request->proof.data, request->proof.len);
	r->request_len = sizeof(h) + request->statement.len + phrase_len + request->proof.len;
}

static int run_tui(const struct ask *how, struct run *r, struct tconn_message *a,
		   struct tconn_error *err)
{
	int status = 0;
	int code = start(how, r);

	if (code < 0) {
		failed(a, "the TUI cannot be started: %s", strerror(-code));
		return 0;
	}
	code = converse(how, r, &status);
	switch (code) {
	case 0:
		break;
	case -ECANCELED:
		return tconn_fail(err, code, "told to stop while a dialog was open");
	case -ECONNRESET:
		return tconn_fail(err, code, "the service went away while a dialog was open");
	case -EMSGSIZE:
		failed(a, "the TUI's reply is over %zu bytes", REPLY_MAX);
		return 0;
	default:
		failed(a, "the TUI was stopped: %s", strerror(-code));
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return take_reply(r, a);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		failed(a, "the TUI cannot be executed");
	else if (WIFEXITED(status))
		failed(a, "the TUI exited with code %d", WEXITSTATUS(status));
	else
		failed(a, "the TUI was killed by signal %d", WTERMSIG(status));
	return 0;
}

/* The same refusals the TUI would make, before the screen is taken. */
static bool request_fits(const struct tconn_message *request, struct tconn_message *a)
{
	struct tconn_statement s;
	size_t at = 0;
	int e = tconn_statement_parse(request->statement.data, request->statement.len, &s, &at);

	if (e == TCONN_STATEMENT_OK)
		e = tconn_statement_check_renders(&s, 0, 0, &at);
	if (e != TCONN_STATEMENT_OK) {
		a->status = TCONN_TUI_STATEMENT;
		snprintf(a->text, sizeof(a->text), "%s (byte %zu of the text)",
			 tconn_statement_strerror(e), at);
		return false;
	}
	if (request->timeout_ms < TCONN_TIMEOUT_MIN_MS ||
	    request->timeout_ms > TCONN_TIMEOUT_MAX_MS) {
		failed(a, "a time-out of %u ms is not within %d..%d ms", request->timeout_ms,
		       TCONN_TIMEOUT_MIN_MS, TCONN_TIMEOUT_MAX_MS);
		return false;
	}
	return true;
}

int ask_person(const struct ask *how, const struct tconn_message *request,
	       struct tconn_message *ret_answer, struct tconn_error *err)
{
	__attribute__((cleanup(run_cleanup))) struct run *r = NULL;

	if (!request_fits(request, ret_answer))
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r->pidfd = r->in = r->out = -1;
	r->deadline = now_ms() + request->timeout_ms + ASK_MARGIN_MS;
	build_request(r, request, how->phrase);
	return run_tui(how, r, ret_answer, err);
}
