// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/tconnd/ask.c: the pipe to the TUI. This program plays TUIs that do what
 * the real one must not: say too much, too little, nothing, or something else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/tconnd/ask.h"
#include "tui/statement.h"

/* -- TUIs */

static void say(const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0)
			_exit(4);
		p += n;
		len -= (size_t)n;
	}
}

static struct tconn_tui_reply reply(uint16_t status)
{
	return (struct tconn_tui_reply){ .magic = "TCRP",
					 .version = TCONN_TUI_VERSION,
					 .status = status };
}

static void say_decided(uint32_t answer_len, uint32_t message_len)
{
	struct tconn_tui_reply r = reply(TCONN_TUI_DECIDED);
	struct tconn_record record = { .magic = "TCNR" };
	char rest[1024];

	memset(rest, '7', sizeof(rest));
	r.record_len = sizeof(record);
	r.answer_len = answer_len;
	r.message_len = message_len;
	say(&r, sizeof(r));
	say(&record, sizeof(record));
	say(rest, answer_len + message_len);
}

/* The request as it came, back as the message: what did tconnd send? */
static void echo_request(void)
{
	struct tconn_tui_request q;
	struct tconn_tui_reply r = reply(TCONN_TUI_REFUSED);
	char text[TCONN_TUI_MESSAGE_MAX], proof[TCONN_TUI_MESSAGE_MAX] = "", more;
	bool whole = fread(&q, sizeof(q), 1, stdin) == 1;
	const char *end;
	size_t got;

	got = whole ? fread(text, 1, q.statement_len, stdin) : 0;
	if (whole && q.proof_len < sizeof(proof))
		(void)!fread(proof, 1, q.proof_len, stdin);
	end = fread(&more, 1, 1, stdin) ? "more" : "the end";
	r.message_len = (uint32_t)snprintf(text, sizeof(text),
					   "%.4s version %u timeout %u statement %u nonce %02x "
					   "key %02x then %zu bytes, %.32s and %s",
					   (const char *)q.magic, q.version, q.timeout_ms,
					   q.statement_len, q.nonce[0], q.verifier_key[0], got,
					   proof, end);
	say(&r, sizeof(r));
	say(text, r.message_len);
}

/* What a process started by tconnd inherits. */
static void tell_surroundings(void)
{
	struct tconn_tui_reply r = reply(TCONN_TUI_REFUSED);
	char text[TCONN_TUI_MESSAGE_MAX];
	struct rlimit core;
	int open_fds = 0;

	for (int fd = 3; fd < 1024; fd++)
		open_fds += fcntl(fd, F_GETFD) >= 0;
	getrlimit(RLIMIT_CORE, &core);
	r.message_len = (uint32_t)snprintf(text, sizeof(text), "fds %d LD_PRELOAD %s arguments %s",
					   open_fds, getenv("LD_PRELOAD") ? "set" : "unset",
					   getenv("LANG") ? "LANG" : "none");
	say(&r, sizeof(r));
	say(text, r.message_len);
}

static int play_tui(const char *mode)
{
	struct tconn_tui_reply r = reply(TCONN_TUI_DECIDED);

	if (strcmp(mode, "decided") == 0)
		say_decided(4, 0);
	else if (strcmp(mode, "echo") == 0)
		echo_request();
	else if (strcmp(mode, "surroundings") == 0)
		tell_surroundings();
	else if (strcmp(mode, "truncated-header") == 0)
		say(&r, 10);
	else if (strcmp(mode, "truncated-record") == 0)
		r.record_len = sizeof(struct tconn_record), say(&r, sizeof(r)), say("TCNR", 4);
	else if (strcmp(mode, "bytes-after") == 0)
		say_decided(4, 0), say("x", 1);
	else if (strcmp(mode, "oversized") == 0)
		for (int i = 0; i < 100; i++)
			say_decided(64, 512);
	else if (strcmp(mode, "answer-too-long") == 0)
		say_decided(TCONN_TUI_ANSWER_MAX + 1, 0);
	else if (strcmp(mode, "message-too-long") == 0)
		say_decided(0, TCONN_TUI_MESSAGE_MAX + 1);
	else if (strcmp(mode, "half-record") == 0)
		r.record_len = 100, say(&r, sizeof(r)),
		say("0123456789012345678901234567890123456789"
		    "01234567890123456789012345678901234567890123456789012345678901",
		    100);
	else if (strcmp(mode, "no-record") == 0)
		say(&r, sizeof(r));
	else if (strcmp(mode, "other-version") == 0)
		r.version = 9, say(&r, sizeof(r));
	else if (strcmp(mode, "unknown-status") == 0)
		r.status = 99, say(&r, sizeof(r));
	else if (strcmp(mode, "reserved") == 0)
		r.reserved = 1, say(&r, sizeof(r));
	else if (strcmp(mode, "digits-undecided") == 0)
		r.status = TCONN_TUI_FAILED, r.answer_len = 4, say(&r, sizeof(r)), say("1234", 4);
	else if (strcmp(mode, "exit-3") == 0)
		return 3;
	else if (strcmp(mode, "exit-3-after-reply") == 0)
		return say_decided(0, 0), 3;
	else if (strcmp(mode, "crash") == 0)
		abort();
	else if (strcmp(mode, "sleep") == 0)
		sleep(60);
	else if (strcmp(mode, "hang-after-reply") == 0)
		say_decided(0, 0), close(STDOUT_FILENO), sleep(60);
	return 0;
}

/* -- tconnd's end */

static char self_path[512];

struct session {
	struct ask how;
	char *args[3];
	struct tconn_message request, answer;
	struct tconn_error err;
	int peer[2];
};

/* "TCST", version 1, kind 1, text_len, no PIN limits, text */
static const uint8_t statement[] = "TCST\x01\0\x01\0\x04\0\0\0\0\0\0\0Pay?";

static int begin(struct session *self)
{
	self->args[0] = "--tui";
	self->how = (struct ask){ .program = self_path, .args = self->args };
	self->how.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (self->how.stop_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, self->peer))
		return -1;
	self->how.peer_fd = self->peer[0];
	self->request = (struct tconn_message){
		.type = TCONN_MSG_REQUEST,
		.id = 1,
		.timeout_ms = TCONN_TIMEOUT_MIN_MS,
		.nonce = { 0xab },
		.verifier_key = { 0xcd },
		.statement = { (uint8_t *)statement, sizeof(statement) - 1 },
		.proof = { (uint8_t *)"a proof", 7 },
	};
	return 0;
}

static void end(struct session *self)
{
	tconn_message_free(&self->answer);
	close(self->how.stop_fd);
	close(self->peer[0]);
	if (self->peer[1] >= 0)
		close(self->peer[1]);
}

FIXTURE(ask) {
	struct session s;
};

FIXTURE_SETUP(ask)
{
	ASSERT_EQ(0, begin(&self->s));
}

FIXTURE_TEARDOWN(ask)
{
	end(&self->s);
}

static int run(struct session *self, char *mode)
{
	self->args[1] = mode;
	return ask_person(&self->how, &self->request, &self->answer, &self->err);
}

#define EXPECT_IN(part, whole) do { \
	const char *whole_ = (whole); \
	EXPECT_NE(NULL, strstr(whole_, part)) TH_LOG("\"%s\" is not in \"%s\"", part, whole_); \
} while (0)

TEST_F(ask, decision_is_passed_on)
{
	ASSERT_EQ(0, run(&self->s, "decided"));
	EXPECT_EQ(TCONN_TUI_DECIDED, self->s.answer.status) TH_LOG("%s", self->s.answer.text);
	EXPECT_EQ(sizeof(struct tconn_record), self->s.answer.record.len);
	ASSERT_EQ(4, self->s.answer.answer.len);
	EXPECT_EQ(0, memcmp("7777", self->s.answer.answer.data, 4));
}

TEST_F(ask, request_arrives_whole)
{
	ASSERT_EQ(0, run(&self->s, "echo"));
	EXPECT_EQ(TCONN_TUI_REFUSED, self->s.answer.status);
	EXPECT_STREQ("TCRQ version 2 timeout 1000 statement 20 nonce ab key cd then 20 bytes, a proof and the end",
		     self->s.answer.text);
}

TEST_F(ask, nothing_is_inherited)
{
	setenv("LD_PRELOAD", "", 1);
	ASSERT_EQ(0, run(&self->s, "surroundings"));
	EXPECT_STREQ("fds 0 LD_PRELOAD unset arguments LANG", self->s.answer.text);
}

FIXTURE(fault) {
	struct session s;
};

FIXTURE_VARIANT(fault) {
	char *mode;
	const char *text;
};

#define FAULT(name, ...) FIXTURE_VARIANT_ADD(fault, name) { __VA_ARGS__ }

FAULT(truncated_header, "truncated-header", "malformed: truncated");
FAULT(truncated_record, "truncated-record", "malformed: truncated, or bytes after it");
FAULT(bytes_after, "bytes-after", "malformed: truncated, or bytes after it");
FAULT(oversized, "oversized", "reply is over 1088 bytes");
FAULT(answer_too_long, "answer-too-long", "answer or message over its limit");
FAULT(message_too_long, "message-too-long", "answer or message over its limit");
FAULT(half_record, "half-record", "record of a wrong size");
FAULT(no_record, "no-record", "a decision without a record");
FAULT(other_version, "other-version", "not a reply of this version");
FAULT(unknown_status, "unknown-status", "unknown status");
FAULT(reserved, "reserved", "reserved field set");
FAULT(digits_undecided, "digits-undecided", "digits without a decision");
FAULT(nothing, "nothing", "malformed: truncated");
FAULT(exit_code, "exit-3", "exited with code 3");
FAULT(exit_code_after_reply, "exit-3-after-reply", "exited with code 3");
FAULT(crash, "crash", "killed by signal 6");

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, begin(&self->s));
}

FIXTURE_TEARDOWN(fault)
{
	end(&self->s);
}

TEST_F(fault, is_no_answer)
{
	ASSERT_EQ(0, run(&self->s, variant->mode));
	EXPECT_EQ(TCONN_TUI_FAILED, self->s.answer.status);
	EXPECT_IN(variant->text, self->s.answer.text);
	EXPECT_EQ(0, self->s.answer.record.len);
	EXPECT_EQ(0, self->s.answer.answer.len);
}

TEST_F(ask, no_such_program)
{
	self->s.how.program = "/nonexistent/tconn-tui";
	ASSERT_EQ(0, run(&self->s, "decided"));
	EXPECT_EQ(TCONN_TUI_FAILED, self->s.answer.status);
	EXPECT_IN("cannot be executed", self->s.answer.text);
}

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

/* A reply counts when its program has ended, and not later than the deadline. */
TEST_F_TIMEOUT(ask, deadline_is_kept, 60)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	ASSERT_EQ(0, run(&self->s, "hang-after-reply"));
	EXPECT_EQ(TCONN_TUI_FAILED, self->s.answer.status);
	EXPECT_IN("was stopped: ", self->s.answer.text);
	EXPECT_EQ(0, self->s.answer.record.len);
	EXPECT_GT((ASK_MARGIN_MS + 3000) / 1000.0, seconds_since(&start));
	EXPECT_LT(ASK_MARGIN_MS / 1000.0, seconds_since(&start));
}

TEST_F(ask, stop_ends_it)
{
	const uint64_t one = 1;

	ASSERT_EQ(sizeof(one), write(self->s.how.stop_fd, &one, sizeof(one)));
	EXPECT_EQ(-ECANCELED, run(&self->s, "sleep"));
}

TEST_F(ask, service_that_hung_up_ends_it)
{
	close(self->s.peer[1]);
	self->s.peer[1] = -1;
	EXPECT_EQ(-ECONNRESET, run(&self->s, "sleep"));
}

int main(int argc, char **argv)
{
	ssize_t n;

	if (argc == 3 && strcmp(argv[1], "--tui") == 0)
		return play_tui(argv[2]);
	n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	if (n < 0)
		return 1;
	self_path[n] = '\0';
	signal(SIGPIPE, SIG_IGN);	/* as tconnd does */
	return test_harness_run(argc, argv);
}
