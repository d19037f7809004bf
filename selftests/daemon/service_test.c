// SPDX-License-Identifier: Apache-2.0
/*
 * tconn-serviced on real sockets: what it accepts from a device that this
 * program plays, and everything it must refuse.
 */
#include <errno.h>
#include <json-c/json.h>
#include <linux/input-event-codes.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "daemon/lib/receipt.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/frame.h"
#include "daemon/lib/half.h"
#include "daemon/lib/record_mac.h"
#include "daemon/lib/request_proof.h"
#include "daemon/lib/sealed_pin.h"
#include "tui/protocol.h"
#include "tui/statement.h"
#include "answer.h"
#include "stage.h"

#define PENDING 4	/* these as configured below */
#define PIN_ATTEMPTS 3
#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

static struct stage w;
static pid_t serviced;

/* The reason of a check, with '+' or '-' before it; "" where it was not made. */
static const char *check_of(struct json_object *obj, const char *name)
{
	static char line[300];
	struct json_object *checks;

	line[0] = '\0';
	if (!json_object_object_get_ex(obj, "checks", &checks))
		return line;
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *c = json_object_array_get_idx(checks, i);

		if (strcmp(stage_text(c, "name"), name) == 0)
			snprintf(line, sizeof(line), "%c%s", stage_flag(c, "pass") ? '+' : '-',
				 stage_text(c, "reason"));
	}
	return line;
}

static struct json_object *show(const char *id)
{
	return stage_device(&w, id);
}

static bool is_connected(void *arg)
{
	return stage_connected(&w, arg);
}

/* In the books, which are written once it is connected. */
static bool is_trusted(void *arg)
{
	struct json_object *device = show(arg);
	bool trusted = device && stage_flag(device, "trusted");

	json_object_put(device);
	return trusted;
}

static bool is_gone(void *arg)
{
	return !is_connected(arg);
}

static const char *refusal(struct player *p)
{
	return player_refused(p);
}

FIXTURE(visit) {
	struct player p;
};

FIXTURE_SETUP(visit)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
}

FIXTURE_TEARDOWN(visit)
{
	player_close(&self->p);
	EXPECT_TRUE(stage_until(is_gone, w.visitor.identity.name, 5000));
}

TEST_F(visit, both_sides_trust_each_other)
{
	struct json_object *device;

	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_TRUE(stage_until(is_trusted, w.visitor.identity.name, 5000));
	device = show(w.visitor.identity.name);
	ASSERT_NE(NULL, device);
	EXPECT_TRUE(stage_flag(device, "trusted"));
	EXPECT_STREQ("", stage_text(device, "last_error"));
	EXPECT_IN("+", check_of(device, "quote-fresh"));
	EXPECT_IN("+", check_of(device, "tconn-reference"));
	json_object_put(device);
}

/* -- numbers */

static bool counts_one(void *arg)
{
	char *text = stage_read(stage_path(&w, "metrics.prom"));
	bool found = strstr(text, "\ntconn_connections 1\n") &&
		     strstr(text, "\ntconn_pending 0\n") &&
		     !strstr(text, "{verdict=\"trusted\"} 0\n");

	(void)arg;
	free(text);
	return found;
}

/* Written every ten seconds. */
TEST_F(visit, is_counted)
{
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_TRUE(stage_until(counts_one, NULL, 15000))
		TH_LOG("%s", stage_read(stage_path(&w, "metrics.prom")));
}

/* -- attesting again */

static void *attest_thread(void *arg)
{
	struct json_object **reply = arg;

	*reply = stage_call(w.admin, 30000, "{\"do\":\"device-attest\",\"id\":\"%s\"}",
			    w.visitor.identity.name);
	return NULL;
}

TEST_F(visit, attests_again_when_asked)
{
	struct tconn_attestation a = { 0 };
	struct json_object *reply = NULL, *device = NULL;
	struct tconn_message m = { 0 };
	pthread_t thread;

	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	for (int round = 0; round < 2; round++) {
		pthread_create(&thread, NULL, attest_thread, &reply);
		ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_ATTEST,
						   TCONN_MESSAGE_MAX, 10000, &m, &self->p.err))
			TH_LOG("%s", self->p.err.text);
		EXPECT_LT(0, m.held.bytes);
		EXPECT_EQ(0, tconn_reattest_device(self->p.channel, &self->p.party, &m, &a,
						   &self->p.err)) TH_LOG("%s", self->p.err.text);
		pthread_join(thread, NULL);
		EXPECT_TRUE(stage_flag(reply, "ok"));
		ASSERT_TRUE(json_object_object_get_ex(reply, "device", &device));
		EXPECT_IN("+0 entries after the 3 that are known", check_of(device, "ima-log"));
		json_object_put(reply);
	}
}

TEST_F(visit, is_thrown_out_when_it_no_longer_passes)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	struct tconn_message e = { .type = TCONN_MSG_EVIDENCE };
	struct json_object *reply = NULL;
	pthread_t thread;

	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	pthread_create(&thread, NULL, attest_thread, &reply);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_ATTEST, TCONN_MESSAGE_MAX,
					   10000, &m, &self->p.err)) TH_LOG("%s", self->p.err.text);
	m.nonce[0] ^= 1;	/* evidence of another time */
	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &self->p.party, TCONN_ROLE_DEVICE,
					  m.nonce, NULL, &e.evidence, &self->p.err));
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &e, &self->p.err));
	tconn_message_free(&e);
	pthread_join(thread, NULL);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("quote-fresh", stage_text(reply, "error"));
	json_object_put(reply);
	EXPECT_TRUE(stage_until(is_gone, w.visitor.identity.name, 5000));
}

static int tconnctl(const char *log, const char *a, const char *b, const char *c, const char *d,
		    const char *e, const char *f)
{
	unlink(stage_path(&w, log));
	return stage_wait(stage_spawn(&w, log, "tconnctl", "--socket", w.admin, a, b, c, d, e, f,
				      NULL), 20000);
}

TEST_F(visit, verdict_that_others_can_verify)
{
	const char *id = w.visitor.identity.name, *file = stage_path(&w, "verdict.cmw");

	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	ASSERT_EQ(0, tconnctl("verdict.out", "verdict", "show", id, "--out", file, NULL))
		TH_LOG("%s", stage_read(stage_path(&w, "verdict.out")));
	EXPECT_EQ(0, tconnctl("verdict.out", "verdict", "verify", file, "--trust", w.trust, NULL));
	EXPECT_IN(": warning", stage_read(stage_path(&w, "verdict.out")));
	EXPECT_IN("quote-fresh", stage_read(stage_path(&w, "verdict.out")));
	EXPECT_EQ(4, tconnctl("verdict.out", "verdict", "verify", file, "--trust", w.other_trust,
			      NULL));
	EXPECT_EQ(5, tconnctl("verdict.out", "verdict", "show", w.stranger.identity.name, NULL,
			      NULL, NULL));
}

/* A file that is not expected: why, and how it becomes one that is. */
TEST_F(visit, evidence_is_reviewed_and_added)
{
	const char *path = "/usr/sbin/daemon";
	char *text = stage_read(w.device_reference), *at = strstr(text, ", \"/usr/sbin/daemon\"");
	char file[STAGE_PATH + 128], dir[STAGE_PATH + 16], ref[STAGE_PATH + 32];

	snprintf(ref, sizeof(ref), "%s/lean-reference.json", w.dir);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	ASSERT_NE(NULL, at);
	memmove(at, strchr(at, '}'), strlen(strchr(at, '}')) + 1);
	stage_write(ref, text, strlen(text));
	snprintf(file, sizeof(file), "%s/evidence/%s.cbor", w.dir, w.visitor.identity.name);
	EXPECT_EQ(0, tconnctl("review.out", "evidence", "show", file, "--reference",
			      w.device_reference, NULL));
	EXPECT_EQ(4, tconnctl("review.out", "evidence", "show", file, "--reference", ref, NULL));
	EXPECT_IN("/usr/sbin/daemon is not on the list: sha256 ",
		  stage_read(stage_path(&w, "review.out")));
	EXPECT_EQ(5, stage_wait(stage_spawn(&w, "add.out", "tconnctl", "evidence", "add", file,
					    "--reference", ref, "--path", "/never/run", NULL),
				20000));
	EXPECT_EQ(0, stage_wait(stage_spawn(&w, "add.out", "tconnctl", "evidence", "add", file,
					    "--reference", ref, "--path", path, NULL), 20000));
	EXPECT_IN("is expected from now on", stage_read(stage_path(&w, "add.out")));
	EXPECT_EQ(0, tconnctl("review.out", "evidence", "show", file, "--reference", ref, NULL));
	snprintf(dir, sizeof(dir), "%s/exported", w.dir);
	EXPECT_EQ(0, tconnctl("export.out", "evidence", "export", file, dir, NULL, NULL));
	EXPECT_EQ(0, access(stage_path(&w, "exported/quote.sig"), R_OK));
	free(text);
}

TEST_F(visit, silence_is_no_evidence)
{
	self->p.party.silent = true;
	EXPECT_EQ(-ECONNREFUSED, player_attest(&self->p));
	EXPECT_IN("evidence: none, and policy asks for it", self->p.err.text);
}

/* -- asking */

struct asking {
	const char *kind, *text;
	const char *more;		/* JSON members */
	struct json_object *reply;
	pthread_t thread;
};

static void *ask_thread(void *arg)
{
	struct asking *a = arg;

	a->reply = stage_call(w.admin, 60000,
			      "{\"do\":\"request\",\"id\":\"%s\",\"kind\":\"%s\",\"text\":\"%s\","
			      "\"timeout_ms\":5000%s}",
			      w.visitor.identity.name, a->kind, a->text, a->more ? a->more : "");
	return NULL;
}

static void ask_begin(struct asking *a)
{
	pthread_create(&a->thread, NULL, ask_thread, a);
}

static struct json_object *ask_end(struct asking *a)
{
	pthread_join(a->thread, NULL);
	return a->reply;
}

FIXTURE(answer) {
	struct player p;
	struct tconn_message request, answer;
	struct asking asking;
};

FIXTURE_SETUP(answer)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	self->asking = (struct asking){ .kind = "confirm", .text = "Pay 120.00 EUR to ACME Ltd?" };
}

FIXTURE_TEARDOWN(answer)
{
	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);
	player_close(&self->p);
	EXPECT_TRUE(stage_until(is_gone, w.visitor.identity.name, 5000));
}

static bool file_holds(const char *name, const char *needle)
{
	FILE *f = fopen(stage_path(&w, name), "re");
	static char buf[4 << 20];
	size_t len = f ? fread(buf, 1, sizeof(buf), f) : 0;

	if (f)
		fclose(f);
	return memmem(buf, len, needle, strlen(needle)) != NULL;
}

TEST_F(answer, confirmed_with_a_receipt)
{
	const struct answering a = { .status = TCONN_TUI_DECIDED,
				     .outcome = TCONN_OUTCOME_CONFIRMED };
	struct tconn_receipt receipt = { 0 };
	struct json_object *reply;
	char png[STAGE_PATH];
	pid_t pid;

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
	TH_LOG("%s", self->p.err.text);
	reply = ask_end(&self->asking);
	EXPECT_TRUE(stage_flag(reply, "ok")) TH_LOG("%s", json_object_to_json_string(reply));
	EXPECT_STREQ("confirmed", stage_text(reply, "outcome"));
	EXPECT_IN("+", check_of(reply, "record-present"));
	EXPECT_IN("+", check_of(reply, "record-policy"));
	json_object_put(reply);
	EXPECT_TRUE(receipt.verdict.trusted);
	EXPECT_STREQ(STAGE_SERVICE_NAME, receipt.service);
	EXPECT_STREQ(w.visitor.identity.name, receipt.device);
	tconn_receipt_free(&receipt);

	/* Anybody can check it later, with the issuer's certificate alone. */
	pid = stage_spawn(&w, "verify.out", "tconnctl", "receipt", "verify",
			  stage_path(&w, "receipt.cose"), "--trust", w.trust, NULL);
	EXPECT_EQ(0, stage_wait(pid, 10000));
	EXPECT_IN("Pay 120.00 EUR to ACME Ltd?", stage_read(stage_path(&w, "verify.out")));
	pid = stage_spawn(&w, "verify.out", "tconnctl", "receipt", "verify",
			  stage_path(&w, "receipt.cose"), "--trust", w.other_trust, NULL);
	EXPECT_EQ(4, stage_wait(pid, 10000));

	/* And see what the person saw. */
	snprintf(png, sizeof(png), "%s", stage_path(&w, "seen.png"));
	pid = stage_spawn(&w, "verify.out", "tconnctl", "receipt", "show",
			  stage_path(&w, "receipt.cose"), "--trust", w.trust, "--png", png, NULL);
	EXPECT_EQ(0, stage_wait(pid, 20000));
	EXPECT_IN("drawn again", stage_read(stage_path(&w, "verify.out")));
	EXPECT_TRUE(file_holds("seen.png", "IHDR"));
}


static void answer_pin(struct __test_metadata *_metadata, FIXTURE_DATA(answer) *self,
		       const struct answering *a, struct json_object **ret)
{
	self->asking.kind = "pin";
	self->asking.text = "PIN for terminal 7";
	self->asking.more = ",\"pin_min\":4,\"pin_max\":8";
	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	*ret = ask_end(&self->asking);
}

/* Takes one PIN where the service hands it over, and says something of it. */
struct sink {
	int fd;
	const char *say;
	char got[256];
	pthread_t thread;
};

static void *sink_thread(void *arg)
{
	struct sink *s = arg;
	int from = accept(s->fd, NULL, NULL);
	size_t len = 0;
	ssize_t n;

	while ((n = read(from, s->got + len, sizeof(s->got) - 1 - len)) > 0)
		len += (size_t)n;
	if (write(from, s->say, strlen(s->say)) < 0)
		s->got[0] = '\0';
	close(from);
	return NULL;
}

static int listen_sink(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", w.dir, STAGE_PIN_SINK);
	unlink(sa.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1))
		return -1;
	return fd;
}

static int sink_begin(struct sink *s, const char *say)
{
	*s = (struct sink){ .fd = listen_sink(), .say = say };
	return s->fd < 0 ? -1 : pthread_create(&s->thread, NULL, sink_thread, s);
}

static const char *sink_end(struct sink *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	return s->got;
}

/* A program in the socket's place. */
static void program_sink(const char *script)
{
	const char *path = stage_path(&w, STAGE_PIN_SINK);

	unlink(path);
	stage_write(path, script, strlen(script));
	chmod(path, 0700);
}

static void reset_pins(void)
{
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-pin-reset\",\"id\":\"%s\"}",
				   w.visitor.identity.name));
}

/* In a row; -1 where the device is not known. */
static long long pins_not_right(void)
{
	struct json_object *device = show(w.visitor.identity.name);
	unsigned long long n;
	bool found = device && tconn_json_uint(device, "pin_failures", 1000, &n);

	json_object_put(device);
	return found ? (long long)n : -1;
}

TEST_F(answer, pin_goes_to_the_sink_and_nowhere_else)
{
	const struct answering a = { .status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_ENTERED,
				     .digits = "73910482" };
	struct json_object *reply;
	struct sink sink;

	reset_pins();
	ASSERT_EQ(0, sink_begin(&sink, ""));
	answer_pin(_metadata, self, &a, &reply);
	EXPECT_TRUE(stage_flag(reply, "ok")) TH_LOG("%s", json_object_to_json_string(reply));
	EXPECT_STREQ("entered", stage_text(reply, "outcome"));
	EXPECT_STREQ("received", stage_text(reply, "pin"));
	EXPECT_EQ(NULL, strstr(json_object_to_json_string(reply), a.digits));
	EXPECT_IN(" 73910482\n", sink_end(&sink));
	EXPECT_IN(w.visitor.identity.name, sink.got);
	json_object_put(reply);
	/* Nobody called it right. */
	EXPECT_EQ(1, pins_not_right());
	EXPECT_FALSE(file_holds("serviced.db", a.digits));
	EXPECT_FALSE(file_holds("serviced.db-wal", a.digits));
	EXPECT_FALSE(file_holds("tconn-serviced.log", a.digits));
}

TEST_F(answer, pin_without_a_sink_is_not_called_received)
{
	const struct answering a = { .status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_ENTERED,
				     .digits = "1234" };
	struct json_object *reply;

	reset_pins();
	unlink(stage_path(&w, STAGE_PIN_SINK));
	answer_pin(_metadata, self, &a, &reply);
	EXPECT_STREQ("entered", stage_text(reply, "outcome"));
	EXPECT_STREQ("not handed over", stage_text(reply, "pin"));
	json_object_put(reply);
	EXPECT_EQ(1, pins_not_right());
}

/* The next one of the same session, judged by whoever sits at the sink. */
static void expect_pin(struct __test_metadata *_metadata, FIXTURE_DATA(answer) *self,
		       const char *word)
{
	const struct answering a = { .status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_ENTERED,
				     .digits = "1234" };
	struct tconn_receipt receipt = { 0 };
	struct json_object *reply;

	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);
	answer_pin(_metadata, self, &a, &reply);
	EXPECT_STREQ("entered", stage_text(reply, "outcome"))
	TH_LOG("%s", json_object_to_json_string(reply));
	EXPECT_STREQ(word, stage_text(reply, "pin"));
	json_object_put(reply);
	EXPECT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
	TH_LOG("%s", self->p.err.text);
	tconn_receipt_free(&receipt);
}

static void expect_judged(struct __test_metadata *_metadata, FIXTURE_DATA(answer) *self,
			  const char *say, const char *word)
{
	struct sink sink;

	ASSERT_EQ(0, sink_begin(&sink, say));
	expect_pin(_metadata, self, word);
	sink_end(&sink);
}

TEST_F(answer, right_pin_ends_the_count_of_wrong_ones)
{
	reset_pins();
	expect_judged(_metadata, self, "wrong\n", "wrong");
	expect_judged(_metadata, self, "right", "received");
	EXPECT_EQ(2, pins_not_right());
	expect_judged(_metadata, self, "right\n", "right");
	EXPECT_EQ(0, pins_not_right());
	program_sink("#!/bin/sh\nread -r pin; test \"$pin\" = 4321\n");
	expect_pin(_metadata, self, "wrong");
	EXPECT_EQ(1, pins_not_right());
	program_sink("#!/bin/sh\nread -r pin; test \"$pin\" = 1234\n");
	expect_pin(_metadata, self, "right");
	EXPECT_EQ(0, pins_not_right());
}

/* Nothing is sent then, the device stays connected, and other kinds go on. */
TEST_F(answer, no_pin_is_asked_for_after_too_many_that_were_not_right)
{
	struct tconn_receipt receipt = { 0 };
	const struct answering yes = { .status = TCONN_TUI_DECIDED,
				       .outcome = TCONN_OUTCOME_CONFIRMED };
	struct json_object *reply;
	pid_t pid;

	reset_pins();
	expect_judged(_metadata, self, "wrong\n", "wrong");
	program_sink("#!/bin/sh\nexit 3\n");
	expect_pin(_metadata, self, "not handed over");
	unlink(stage_path(&w, STAGE_PIN_SINK));
	expect_pin(_metadata, self, "not handed over");
	EXPECT_EQ(PIN_ATTEMPTS, pins_not_right());

	ask_begin(&self->asking);
	reply = ask_end(&self->asking);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("PINs in a row were not right", stage_text(reply, "error"));
	EXPECT_IN("pin-reset", stage_text(reply, "error"));
	json_object_put(reply);
	EXPECT_EQ(PIN_ATTEMPTS, pins_not_right());
	EXPECT_FALSE(tconn_channel_pending(self->p.channel));

	self->asking = (struct asking){ .kind = "confirm", .text = "Pay 120.00 EUR to ACME Ltd?" };
	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &yes, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, take_receipt(&self->p, &self->request, &receipt));
	tconn_receipt_free(&receipt);
	reply = ask_end(&self->asking);
	EXPECT_STREQ("confirmed", stage_text(reply, "outcome"));
	json_object_put(reply);

	pid = stage_spawn(&w, "ctl.out", "tconnctl", "--socket", w.admin, "device", "pin-reset",
			  w.visitor.identity.name, NULL);
	EXPECT_EQ(0, stage_wait(pid, 10000));
	expect_judged(_metadata, self, "right\n", "right");
}

/* Another connection's PINs were wrong while this request was on its way. */
static int use_up_attempts(void)
{
	sqlite3 *db;
	char sql[192];
	int r;

	if (sqlite3_open(stage_path(&w, "serviced.db"), &db))
		return -1;
	sqlite3_busy_timeout(db, 5000);
	snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO pin_failures VALUES ('%s', %d)",
		 w.visitor.identity.name, PIN_ATTEMPTS);
	r = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return r;
}

TEST_F(answer, pin_on_its_way_is_not_tried_after_the_last_attempt)
{
	const struct answering a = { .status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_ENTERED,
				     .digits = "1234" };
	struct pollfd request = { .fd = tconn_channel_fd(self->p.channel), .events = POLLIN };
	struct json_object *reply;

	reset_pins();
	program_sink("#!/bin/sh\n: > \"$0.ran\"\n");
	self->asking = (struct asking){ .kind = "pin", .text = "PIN for terminal 7" };
	ask_begin(&self->asking);
	ASSERT_EQ(1, poll(&request, 1, 5000));
	ASSERT_EQ(0, use_up_attempts());
	ASSERT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	reply = ask_end(&self->asking);
	EXPECT_STREQ("not handed over", stage_text(reply, "pin"));
	json_object_put(reply);
	EXPECT_NE(0, access(stage_path(&w, STAGE_PIN_SINK ".ran"), F_OK));
	EXPECT_EQ(PIN_ATTEMPTS, pins_not_right());
	reset_pins();
}

TEST(pins_are_reset_of_enrolled_devices_only)
{
	struct json_object *reply = stage_call(w.admin, 5000, "{\"do\":\"device-pin-reset\","
					       "\"id\":\"%s\"}", w.stranger.identity.name);

	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("is not enrolled", stage_text(reply, "error"));
	json_object_put(reply);
}

FIXTURE(outcome) {
	struct player p;
	struct tconn_message request, answer;
	struct asking asking;
};

FIXTURE_VARIANT(outcome) {
	const char *kind;
	struct answering answering;
	bool ok;
	const char *outcome;		/* where ok */
	const char *check, *reason;	/* where not: which fails, and why */
};

#define DECIDED(o) .status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_##o
#define CASE(name, ...) FIXTURE_VARIANT_ADD(outcome, name) { __VA_ARGS__ }

CASE(denied, .kind = "confirm", .answering = { DECIDED(DENIED) }, .ok = true, .outcome = "denied");
/* What the policy asks for is in the legend; with an older TUI it was not. */
CASE(held, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_HELD }, .ok = true,
     .outcome = "confirmed");
CASE(held_before_legends, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_HELD_OLD },
     .ok = true, .outcome = "confirmed");
CASE(acknowledged, .kind = "notice", .answering = { DECIDED(CONFIRMED) }, .ok = true,
     .outcome = "confirmed");
CASE(aborted, .kind = "confirm", .answering = { .status = TCONN_TUI_ABORTED,
     .outcome = TCONN_OUTCOME_ABORTED, .cause = TCONN_CAUSE_TIMEOUT, .fault = FAULT_DARK },
     .ok = true, .outcome = "aborted");
CASE(other_nonce, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NONCE },
     .check = "record-nonce", .reason = "another nonce");
CASE(other_statement, .kind = "confirm",
     .answering = { DECIDED(CONFIRMED), .fault = FAULT_STATEMENT }, .check = "record-statement",
     .reason = "another statement");
CASE(other_kind, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_KIND },
     .check = "record-outcome", .reason = "another kind");
CASE(impossible_outcome, .kind = "notice", .answering = { DECIDED(DENIED) },
     .check = "record-outcome", .reason = "does not exist for this kind");
CASE(dark, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_DARK },
     .check = "record-indicator", .reason = "not lit");
CASE(not_admitted, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_OTHER_APP },
     .check = "record-app", .reason = "0 admissions");
CASE(not_in_log, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NOT_IN_LOG },
     .check = "record-present", .reason = "not the last one");
CASE(not_last, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NOT_LAST },
     .check = "record-present", .reason = "not the last one");
CASE(no_record, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NO_RECORD },
     .check = "record-present", .reason = "no record");
CASE(other_verifier, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_VERIFIER }, .check = "record-verifier", .reason = "another verifier's key");
CASE(other_verifier_hidden, .kind = "confirm",
     .answering = { DECIDED(CONFIRMED), .fault = FAULT_VERIFIER_HIDDEN }, .check = "record-mac",
     .reason = "did not make this record for this request");
CASE(other_text, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_OTHER_TEXT },
     .check = "record-frame", .reason = "showed something else");
CASE(other_look, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_OTHER_LOOK },
     .check = "record-frame", .reason = "showed something else");
CASE(other_screen, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_OTHER_SCREEN }, .check = "record-frame", .reason = "showed something else");
CASE(little_attested, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_LITTLE_ATTESTED }, .check = "record-frame",
     .reason = "less of the screen is attested");
CASE(hidden_text, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_HIDDEN_TEXT }, .check = "record-frame",
     .reason = "not where the digits stand");
CASE(other_legend, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_OTHER_LEGEND }, .check = "record-frame", .reason = "showed something else");
CASE(other_band, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_OTHER_BAND },
     .check = "record-policy", .reason = "not signed, but it is");
CASE(no_mac, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NO_MAC },
     .check = "record-mac", .reason = "did not make this record");
CASE(other_device, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_OTHER_KERNEL }, .check = "record-mac", .reason = "did not make this record");
CASE(denied_and_changed, .kind = "confirm", .answering = { DECIDED(DENIED),
     .fault = FAULT_CHANGED }, .check = "record-mac", .reason = "did not make this record");
CASE(nobody_confirmed, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_NO_GESTURE }, .check = "record-gesture", .reason = "saw no gesture");
CASE(another_key_confirmed, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_OTHER_KEY }, .check = "record-gesture", .reason = "saw no gesture");
CASE(too_early, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_EARLY },
     .check = "record-gesture", .reason = "before the picture had been there long enough");
CASE(after_the_dialog, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_LATE }, .check = "record-gesture", .reason = "not within the dialog");
CASE(untrusted_screen, .kind = "confirm", .answering = { .status = TCONN_TUI_UNTRUSTED,
     .outcome = TCONN_OUTCOME_CONFIRMED }, .check = "answer-status", .reason = "untrusted");
CASE(digits_without_pin, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .digits = "1234" },
     .check = "record-outcome", .reason = "yet digits came");
CASE(letters, .kind = "pin", .answering = { DECIDED(ENTERED), .digits = "12a4" },
     .check = "record-outcome", .reason = "not digits");
CASE(too_few_digits, .kind = "pin", .answering = { DECIDED(ENTERED), .digits = "123" },
     .check = "record-outcome", .reason = "not digits within the limits");
CASE(not_signed, .kind = "confirm", .answering = { DECIDED(CONFIRMED), .fault = FAULT_NOT_SIGNED },
     .check = "answer-signed", .reason = "did not sign");
CASE(signed_for_another, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_SIGNED_OTHER }, .check = "answer-signed", .reason = "signature");
CASE(pin_in_the_clear, .kind = "pin", .answering = { DECIDED(ENTERED), .digits = "1234",
     .fault = FAULT_PLAIN_PIN }, .check = "record-outcome", .reason = "not sealed to the key");
CASE(pin_sealed_to_another_key, .kind = "pin", .answering = { DECIDED(ENTERED), .digits = "1234",
     .fault = FAULT_OTHER_PIN_KEY }, .check = "record-outcome", .reason = "not sealed to the key");
CASE(digits_changed_after_the_quote, .kind = "pin",
     .answering = { DECIDED(ENTERED), .digits = "1234", .fault = FAULT_DIGITS_CHANGED },
     .check = "quote-fresh", .reason = "another nonce, TLS session");
CASE(status_changed_after_the_quote, .kind = "confirm",
     .answering = { .status = TCONN_TUI_UNTRUSTED,
		    .outcome = TCONN_OUTCOME_CONFIRMED,
		    .fault = FAULT_STATUS_CHANGED },
     .check = "quote-fresh", .reason = "another nonce, TLS session");
CASE(evidence_for_another_nonce, .kind = "confirm", .answering = { DECIDED(CONFIRMED),
     .fault = FAULT_OLD_EVIDENCE }, .check = "quote-fresh", .reason = "another nonce, TLS session");

FIXTURE_SETUP(outcome)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_connected, w.visitor.identity.name, 5000));
	self->asking = (struct asking){ .kind = variant->kind, .text = "Question" };
}

FIXTURE_TEARDOWN(outcome)
{
	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);
	player_close(&self->p);
	EXPECT_TRUE(stage_until(is_gone, w.visitor.identity.name, 5000));
}

TEST_F(outcome, is_judged)
{
	struct json_object *reply;
	struct tconn_receipt receipt = { 0 };

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &variant->answering, &self->request, &self->answer))
		TH_LOG("%s", self->p.err.text);
	if (variant->ok) {
		EXPECT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
		TH_LOG("%s", self->p.err.text);
		EXPECT_EQ(variant->answering.outcome, receipt.record.outcome);
		tconn_receipt_free(&receipt);
	} else {
		EXPECT_IN(variant->reason, refusal(&self->p));
	}
	reply = ask_end(&self->asking);
	EXPECT_EQ(variant->ok, stage_flag(reply, "ok")) TH_LOG("%s", json_object_to_json_string(reply));
	if (variant->ok) {
		EXPECT_STREQ(variant->outcome, stage_text(reply, "outcome"));
	} else {
		const char *line = check_of(reply, variant->check);

		EXPECT_EQ('-', line[0]) TH_LOG("%s", json_object_to_json_string(reply));
		EXPECT_IN(variant->reason, line);
		EXPECT_FALSE(json_object_object_get_ex(reply, "receipt", NULL));
		EXPECT_FALSE(json_object_object_get_ex(reply, "pin", NULL));
	}
	json_object_put(reply);
}

TEST_F(answer, to_another_request_is_refused)
{
	const struct answering a = { DECIDED(CONFIRMED), .fault = FAULT_ID };
	struct json_object *reply;

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	EXPECT_IN("an ANSWER to request", refusal(&self->p));
	reply = ask_end(&self->asking);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	json_object_put(reply);
}

/* With a fresh quote, for its PCR can be extended once more with what was true once. */
TEST_F(answer, with_the_record_of_another_session_is_refused)
{
	const struct answering honest = { DECIDED(CONFIRMED) };
	const struct answering replayed = { DECIDED(CONFIRMED), .fault = FAULT_REPLAYED };
	struct tconn_receipt receipt = { 0 };
	struct json_object *reply;

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &honest, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
	TH_LOG("%s", self->p.err.text);
	tconn_receipt_free(&receipt);
	json_object_put(ask_end(&self->asking));
	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &replayed, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	EXPECT_IN("another verifier's key", refusal(&self->p));
	reply = ask_end(&self->asking);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("-the record is for another verifier's key", check_of(reply, "record-verifier"));
	EXPECT_IN("-the record is for another nonce", check_of(reply, "record-nonce"));
	EXPECT_IN("-not looked at", check_of(reply, "record-mac"));
	json_object_put(reply);
}

TEST_F(answer, comes_to_a_request_that_says_whose_it_is)
{
	const struct answering a = { DECIDED(CONFIRMED) };
	struct tconn_identity service = { 0 };
	struct tconn_proof_of of;
	uint8_t *issuer, digest[32];
	size_t len;

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	json_object_put(ask_end(&self->asking));
	ASSERT_EQ(0, tconn_certificate_load(w.trust, &issuer, &len, &self->p.err));
	tconn_sha256(issuer, len, digest);
	free(issuer);
	of = (struct tconn_proof_of){ self->request.nonce, self->request.verifier_key,
				      self->request.statement.data, self->request.statement.len };
	EXPECT_EQ(0, tconn_proof_verify(self->request.proof.data, self->request.proof.len, &of,
					digest, &service, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_STREQ(STAGE_SERVICE_NAME, service.name);
	self->request.verifier_key[0] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_proof_verify(self->request.proof.data,
						    self->request.proof.len, &of, digest, &service,
						    &self->p.err));
}

TEST_F(answer, of_another_session_cannot_be_replayed)
{
	const struct answering a = { DECIDED(CONFIRMED) };
	struct tconn_receipt receipt = { 0 };
	struct tconn_message next = { 0 };
	struct json_object *reply;

	ask_begin(&self->asking);
	ASSERT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
	TH_LOG("%s", self->p.err.text);
	tconn_receipt_free(&receipt);
	json_object_put(ask_end(&self->asking));

	/* The same question again; the old answer with the new number. */
	ask_begin(&self->asking);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REQUEST, TCONN_MESSAGE_MAX,
					   5000, &next, &self->p.err));
	EXPECT_NE(0, memcmp(next.nonce, self->request.nonce, 32));
	self->answer.id = next.id;
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &self->answer, &self->p.err));
	reply = ask_end(&self->asking);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_EQ('-', check_of(reply, "quote-fresh")[0]);
	json_object_put(reply);
	tconn_message_free(&next);
}

TEST_F(answer, one_question_at_a_time)
{
	const struct answering a = { DECIDED(CONFIRMED) };
	struct tconn_message first = { 0 };
	struct json_object *reply;

	/* The device got the first question and has not answered yet. */
	ask_begin(&self->asking);
	ASSERT_EQ(1, poll(&(struct pollfd){ .fd = tconn_channel_fd(self->p.channel),
					    .events = POLLIN },
			  1, 5000));
	reply = stage_call(w.admin, 5000,
			   "{\"do\":\"request\",\"id\":\"%s\",\"kind\":\"confirm\",\"text\":\"?\"}",
			   w.visitor.identity.name);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("being asked something else", stage_text(reply, "error"));
	json_object_put(reply);
	ASSERT_EQ(0, play_answer(&self->p, &a, &first, &self->answer))
	TH_LOG("%s", self->p.err.text);
	tconn_message_free(&first);
	reply = ask_end(&self->asking);
	EXPECT_TRUE(stage_flag(reply, "ok"));
	json_object_put(reply);
}

TEST_F(answer, device_that_leaves_is_told_to_the_operator)
{
	struct json_object *reply;

	ask_begin(&self->asking);
	ASSERT_EQ(1, poll(&(struct pollfd){ .fd = tconn_channel_fd(self->p.channel),
					    .events = POLLIN },
			  1, 5000));
	tconn_channel_close(self->p.channel);
	self->p.channel = NULL;
	reply = ask_end(&self->asking);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_FALSE(stage_flag(reply, "trusted"));
	json_object_put(reply);
}

TEST_F(answer, device_that_talks_unasked_is_refused)
{
	struct tconn_message hello = { .type = TCONN_MSG_HELLO, .version = 1, .has_nonce = true };

	ASSERT_EQ(0, tconn_message_send(self->p.channel, &hello, &self->p.err));
	EXPECT_IN("unexpected message: HELLO", refusal(&self->p));
}

TEST_F(answer, newer_connection_takes_over)
{
	struct tconn_channel *old = self->p.channel;

	self->p.channel = NULL;
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	/* The old one is closed, the new one is asked. */
	EXPECT_EQ(1,
		  poll(&(struct pollfd){ .fd = tconn_channel_fd(old), .events = POLLIN }, 1, 5000));
	tconn_channel_close(old);
	ask_begin(&self->asking);
	EXPECT_EQ(1, poll(&(struct pollfd){ .fd = tconn_channel_fd(self->p.channel),
					    .events = POLLIN },
			  1, 5000));
	tconn_channel_close(self->p.channel);
	self->p.channel = NULL;
	json_object_put(ask_end(&self->asking));
}

/* -- statements: refused before anything is sent */

static struct json_object *ask_now(const char *statement)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	struct tconn_error err = { "" };

	tconn_json_add_string(request, "do", "request");
	tconn_json_add_string(request, "id", w.visitor.identity.name);
	tconn_json_add_string(request, "kind", "confirm");
	tconn_json_add_string(request, "text", statement);
	if (tconn_jsonline_call(w.admin, request, 10000, &reply, &err))
		fprintf(stderr, "# %s\n", err.text);
	json_object_put(request);
	return reply;
}

TEST_F(answer, three_statements_three_errors_nothing_sent)
{
	static char too_long[TCONN_TEXT_MAX + 2];
	const char *const texts[] = { too_long, "Pay \xff\xfe", "Pay \xf0\x93\x80\x80" };
	const char *const names[] = { "too-long", "not-utf8", "no-glyph" };
	char errors[3][256];

	memset(too_long, 'a', sizeof(too_long) - 1);
	for (int i = 0; i < 3; i++) {
		struct json_object *reply = ask_now(texts[i]);

		ASSERT_NE(NULL, reply);
		EXPECT_FALSE(stage_flag(reply, "ok"));
		EXPECT_STREQ(names[i], stage_text(reply, "statement"));
		EXPECT_IN("nothing was sent", stage_text(reply, "error"));
		snprintf(errors[i], sizeof(errors[i]), "%s", stage_text(reply, "error"));
		json_object_put(reply);
	}
	EXPECT_STRNE(errors[0], errors[1]);
	EXPECT_STRNE(errors[1], errors[2]);
	EXPECT_STRNE(errors[0], errors[2]);
	EXPECT_EQ(0, poll(&(struct pollfd){ .fd = tconn_channel_fd(self->p.channel),
					    .events = POLLIN },
			  1, 300));
}

static struct json_object *ask_with(const char *member, const char *json)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	struct tconn_error err = { "" };

	tconn_json_add_string(request, "do", "request");
	tconn_json_add_string(request, "id", w.visitor.identity.name);
	tconn_json_add_string(request, "kind", "confirm");
	tconn_json_add_string(request, "text", "Pay?");
	tconn_json_add(request, member, json_tokener_parse(json));
	if (tconn_jsonline_call(w.admin, request, 10000, &reply, &err))
		fprintf(stderr, "# %s\n", err.text);
	json_object_put(request);
	return reply;
}

TEST_F(answer, details_and_locale_are_checked_too)
{
	static const struct {
		const char *member, *json, *error, *statement;
	} cases[] = {
		{ "locale", "\"xx\"", "locale is not one of", "unknown-locale" },
		{ "locale", "\"abcdefgh\"", "longer than 7 bytes", "" },
		{ "locale", "5", "must be a string", "" },
		{ "details", "{}", "must be an array", "" },
		{ "details", "[1]", "a detail must be", "" },
		{ "details", "[{\"key\":\"\",\"value\":\"v\"}]", "a key of 1 to 64", "" },
		{ "details", "[{\"key\":\"k\",\"value\":\"\u0e01\"}]", "script", "unsupported-script" },
		{ "details", "[{\"key\":\"k\",\"value\":\"a\\nb\"}]", "control", "control" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *reply = ask_with(cases[i].member, cases[i].json);

		ASSERT_NE(NULL, reply);
		EXPECT_FALSE(stage_flag(reply, "ok"));
		EXPECT_IN(cases[i].error, stage_text(reply, "error"));
		EXPECT_STREQ(cases[i].statement, stage_text(reply, "statement"));
		json_object_put(reply);
	}
}

TEST_F(answer, statement_errors_have_an_exit_code_of_their_own)
{
	pid_t pid =
		stage_spawn(&w, "ctl.out", "tconnctl", "--socket", w.admin, "request", "confirm",
			    "--device", w.visitor.identity.name, "--text", "Pay \xff", NULL);

	EXPECT_EQ(6, stage_wait(pid, 10000));
	pid = stage_spawn(&w, "ctl.out", "tconnctl", "--socket", w.admin, "request", "confirm",
			  "--device", w.stranger.identity.name, "--text", "Pay", NULL);
	EXPECT_EQ(5, stage_wait(pid, 10000));
	pid = stage_spawn(&w, "ctl.out", "tconnctl", "--socket", w.admin, "request", "confirm",
			  NULL);
	EXPECT_EQ(2, stage_wait(pid, 10000));
}

/* -- who may come in */

TEST(device_that_is_not_enrolled)
{
	struct player p;

	player_open(&p, &w, &w.stranger, false);
	ASSERT_EQ(0, player_connect(&p)) TH_LOG("%s", p.err.text);
	EXPECT_IN("is not enrolled at this service", refusal(&p));
	player_close(&p);
}

TEST(device_of_another_issuer)
{
	struct player p;
	int r;

	player_open(&p, &w, &w.visitor, true);
	r = player_connect(&p);
	/* In TLS 1.3 the client learns of it with the first thing it reads. */
	if (r == 0)
		EXPECT_IN("does not accept our certificate", refusal(&p));
	else
		EXPECT_EQ(-EKEYREJECTED, r);
	player_close(&p);
}

TEST(client_without_a_certificate)
{
	struct tconn_error err = { "" };
	struct tconn_channel *c = NULL;
	struct tconn_bytes b = { 0 };
	X509_STORE *trust;
	SSL_CTX *tls;

	ASSERT_EQ(0, tconn_trust_load(w.trust, &trust, &err));
	ASSERT_EQ(0, tconn_tls_context(NULL, NULL, trust, false, &tls, &err))
	TH_LOG("%s", err.text);
	if (tconn_channel_connect(tls, w.address, &c, &err) == 0)
		EXPECT_GT(0, tconn_channel_receive(c, TCONN_MESSAGE_MAX, 5000, &b, &err));
	tconn_channel_close(c);
	SSL_CTX_free(tls);
	X509_STORE_free(trust);
}

/* -- what it may say, and when */

TEST_F(visit, hello_of_another_version)
{
	/* {0: 16, 1: 2, 2: 32 bytes} */
	uint8_t hello[7 + 32] = { 0xa3, 0x00, 0x10, 0x01, 0x02, 0x02, 0x58 };
	uint8_t frame[sizeof(hello) + 1];

	memcpy(frame, hello, 7);
	frame[7] = 32;
	memset(frame + 8, 7, 32);
	ASSERT_EQ(0, tconn_channel_send(self->p.channel, frame, sizeof(frame), &self->p.err));
	EXPECT_IN("version 2", refusal(&self->p));
}

static int send_hello(struct player *p)
{
	struct tconn_message hello = { .type = TCONN_MSG_HELLO, .version = 1, .has_nonce = true };

	memset(hello.nonce, 9, sizeof(hello.nonce));
	return tconn_message_send(p->channel, &hello, &p->err);
}

static int take_evidence(struct player *p, struct tconn_message *ret)
{
	return tconn_message_receive(p->channel, TCONN_MSG_EVIDENCE, TCONN_EVIDENCE_MAX, 5000, ret,
				     &p->err);
}

static int send_trust(struct player *p)
{
	struct tconn_message m = { .type = TCONN_MSG_VERDICT };

	m.verdict.trusted = true;
	tconn_verdict_add(&m.verdict, "ak-certificate", true, "as it pleases the test");
	return tconn_message_send(p->channel, &m, &p->err);
}

TEST_F(visit, second_hello)
{
	struct tconn_message m = { 0 };

	ASSERT_EQ(0, send_hello(&self->p));
	ASSERT_EQ(0, take_evidence(&self->p, &m)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, send_hello(&self->p));
	EXPECT_IN("unexpected message: HELLO where VERDICT is due", refusal(&self->p));
	tconn_message_free(&m);
}

TEST_F(visit, message_out_of_order)
{
	ASSERT_EQ(0, send_trust(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_IN("unexpected message: VERDICT where HELLO is due", refusal(&self->p));
}

TEST_F(visit, silence)
{
	EXPECT_IN("silent for too long", refusal(&self->p));
}

TEST_F(visit, no_cbor)
{
	ASSERT_EQ(0, tconn_channel_send(self->p.channel, "\xff\xff\xff", 3, &self->p.err));
	EXPECT_IN("waiting for HELLO", refusal(&self->p));
}

TEST_F(visit, bytes_after_the_message)
{
	struct tconn_message hello = { .type = TCONN_MSG_HELLO, .version = 1, .has_nonce = true };
	struct tconn_bytes b;

	ASSERT_EQ(0, tconn_message_encode(&hello, &b, &self->p.err));
	b.data = realloc(b.data, b.len + 1);
	b.data[b.len++] = 0;
	ASSERT_EQ(0, tconn_channel_send(self->p.channel, b.data, b.len, &self->p.err));
	EXPECT_IN("waiting for HELLO", refusal(&self->p));
	tconn_bytes_free(&b);
}

TEST_F(visit, oversized_frame)
{
	uint8_t *big = calloc(1, TCONN_MESSAGE_MAX + 1);

	ASSERT_EQ(0, tconn_channel_send(self->p.channel, big, TCONN_MESSAGE_MAX + 1, &self->p.err));
	EXPECT_IN("65537 bytes, 65536 are allowed here", refusal(&self->p));
	free(big);
}

/* -- evidence */

/* As the device, up to its EVIDENCE with what is in m; then the service's verdict. */
static int present(struct player *p, struct tconn_message *m, struct tconn_verdict *ret)
{
	struct tconn_message verdict = { 0 };
	int r = tconn_message_send(p->channel, m, &p->err);

	if (r == 0)
		r = tconn_message_receive(p->channel, TCONN_MSG_VERDICT, TCONN_MESSAGE_MAX, 10000,
					  &verdict, &p->err);
	if (r == 0)
		*ret = verdict.verdict;
	tconn_message_free(&verdict);
	return r;
}

static const struct tconn_check *verdict_check(const struct tconn_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->check[i].name, name) == 0)
			return &v->check[i];
	return NULL;
}

#define EXPECT_FAILED(verdict, name, part) do { \
	const struct tconn_check *check_ = verdict_check(verdict, name); \
	ASSERT_NE(NULL, check_); \
	EXPECT_FALSE((verdict)->trusted); \
	EXPECT_FALSE(check_->pass); \
	EXPECT_IN(part, check_->reason); \
} while (0)

static int begin(struct player *p, struct tconn_message *ret_evidence)
{
	int r = send_hello(p);

	if (r == 0)
		r = take_evidence(p, ret_evidence);
	if (r == 0)
		r = send_trust(p);
	return r;
}

TEST_F(visit, stale_nonce)
{
	struct tconn_message theirs = { 0 }, mine = { .type = TCONN_MSG_EVIDENCE };
	struct tconn_verdict v = { 0 };
	uint8_t nonce[32] = { 1 };

	ASSERT_EQ(0, begin(&self->p, &theirs)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &self->p.party, TCONN_ROLE_DEVICE, nonce,
					  NULL, &mine.evidence, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, present(&self->p, &mine, &v)) TH_LOG("%s", self->p.err.text);
	EXPECT_FAILED(&v, "quote-fresh", "it is old or comes from elsewhere");
	EXPECT_TRUE(verdict_check(&v, "quote-signature")->pass);
	EXPECT_IN("the device is not trusted: quote-fresh", refusal(&self->p));
	tconn_message_free(&theirs);
	tconn_message_free(&mine);
}

TEST_F(visit, evidence_of_another_device)
{
	struct tconn_message theirs = { 0 }, mine = { .type = TCONN_MSG_EVIDENCE };
	struct tconn_verdict v = { 0 };
	struct player other;

	ASSERT_EQ(0, begin(&self->p, &theirs)) TH_LOG("%s", self->p.err.text);
	player_open(&other, &w, &w.stranger, false);
	/* The stranger's TPM, the visitor's TLS session. */
	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &other.party, TCONN_ROLE_DEVICE,
					  theirs.nonce, NULL, &mine.evidence, &other.err))
	TH_LOG("%s", other.err.text);
	player_close(&other);
	ASSERT_EQ(0, present(&self->p, &mine, &v)) TH_LOG("%s", self->p.err.text);
	EXPECT_FAILED(&v, "ak-certificate", w.stranger.identity.name);
	tconn_message_free(&theirs);
	tconn_message_free(&mine);
}

/* A log that says something else than what was quoted. */
enum edit { EDIT_REMOVE, EDIT_ADD, EDIT_SWAP };

static void forge(struct __test_metadata *_metadata, FIXTURE_DATA(visit) *self, enum edit edit,
		  struct tconn_verdict *v)
{
	struct tconn_message theirs = { 0 }, mine = { .type = TCONN_MSG_EVIDENCE };
	struct log ima = w.visitor.ima;
	struct tconn_bytes b = { 0 };

	if (edit == EDIT_REMOVE)
		log_remove(&ima, 1);
	else if (edit == EDIT_ADD)
		log_ima_add(&ima, "ima-ng", "/usr/sbin/more", "more", 4), log_swap(&ima, 1, 3);
	else
		log_swap(&ima, 1, 2);
	log_join(&ima, &b);
	self->p.party.sources.ima_log = stage_path(&w, "forged.ima");
	stage_write(self->p.party.sources.ima_log, b.data, b.len);
	tconn_bytes_free(&b);
	ASSERT_EQ(0, begin(&self->p, &theirs)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &self->p.party, TCONN_ROLE_DEVICE,
					  theirs.nonce, NULL, &mine.evidence, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, present(&self->p, &mine, v)) TH_LOG("%s", self->p.err.text);
	tconn_message_free(&theirs);
	tconn_message_free(&mine);
}

TEST_F(visit, log_entry_removed)
{
	struct tconn_verdict v = { 0 };

	forge(_metadata, self, EDIT_REMOVE, &v);
	EXPECT_FAILED(&v, "ima-log", "one is missing, added or changed");
}

TEST_F(visit, log_entry_added)
{
	struct tconn_verdict v = { 0 };

	forge(_metadata, self, EDIT_ADD, &v);
	EXPECT_FAILED(&v, "ima-log", "one is missing, added or changed");
}

TEST_F(visit, log_reordered)
{
	struct tconn_verdict v = { 0 };

	forge(_metadata, self, EDIT_SWAP, &v);
	EXPECT_FAILED(&v, "ima-log", "one is missing, added or changed");
}

/*
 * A relay ends TLS on both sides and passes messages on. Two variants: it has an
 * identity of its own (then the evidence is another device's), or it runs on the
 * very machine whose evidence it passes off, with that machine's keys (then only
 * the binding to the TLS session is in its way).
 */
TEST_F(visit, relay_with_the_keys_of_the_device)
{
	struct tconn_message theirs = { 0 }, mine = { .type = TCONN_MSG_EVIDENCE };
	struct tconn_channel *honest = self->p.channel;
	struct tconn_verdict v = { 0 };

	/* The relay's own session, same keys, same peer. */
	self->p.channel = NULL;
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, begin(&self->p, &theirs)) TH_LOG("%s", self->p.err.text);
	/* The honest end answers the nonce that the relay passed on, in its own session. */
	ASSERT_EQ(0, tconn_attest_collect(honest, &self->p.party, TCONN_ROLE_DEVICE, theirs.nonce,
					  NULL, &mine.evidence, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, present(&self->p, &mine, &v)) TH_LOG("%s", self->p.err.text);
	EXPECT_FAILED(&v, "quote-fresh", "another nonce, TLS session or peer");
	EXPECT_TRUE(verdict_check(&v, "ak-certificate")->pass);
	EXPECT_TRUE(verdict_check(&v, "quote-signature")->pass);
	EXPECT_TRUE(verdict_check(&v, "ima-reference")->pass);
	tconn_channel_close(honest);
	tconn_message_free(&theirs);
	tconn_message_free(&mine);
}

/* The device's half: the service's evidence, relayed, is not for this session. */
TEST_F(visit, relayed_evidence_of_the_service)
{
	struct tconn_message theirs = { 0 };
	struct tconn_channel *relays = self->p.channel;
	struct tconn_evidence e = { 0 };
	struct tconn_verdict v;
	uint8_t nonce[32];

	memset(nonce, 9, sizeof(nonce));	/* send_hello()'s */
	ASSERT_EQ(0, send_hello(&self->p));
	ASSERT_EQ(0, take_evidence(&self->p, &theirs)) TH_LOG("%s", self->p.err.text);
	self->p.channel = NULL;
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, tconn_attest_appraise(relays, &self->p.party, &w.service.identity, nonce, NULL,
					   &theirs.evidence, &v, &e, &self->p.err));
	tconn_evidence_free(&e);
	EXPECT_EQ(-EKEYREJECTED,
		  tconn_attest_appraise(self->p.channel, &self->p.party, &w.service.identity, nonce,
					NULL, &theirs.evidence, &v, &e, &self->p.err));
	EXPECT_FAILED(&v, "quote-fresh", "another nonce, TLS session or peer");
	tconn_evidence_free(&e);
	tconn_channel_close(relays);
	tconn_message_free(&theirs);
}

/* -- bytes that are no conversation */

static int dial(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)atoi(strchr(w.address, ':') + 1));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The service closes within timeout_ms; what it may say before is TLS' affair. */
static bool is_closed(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char waste[4096];

	for (;;) {
		if (poll(&p, 1, timeout_ms) != 1)
			return false;
		if (recv(fd, waste, sizeof(waste), 0) <= 0)
			return true;
	}
}

/* A TLS session of the visitor's, below the frames. */
static SSL *raw_session(struct player *p, int *ret_fd)
{
	SSL *ssl = SSL_new(p->tls);

	*ret_fd = dial();
	SSL_set_fd(ssl, *ret_fd);
	return SSL_connect(ssl) == 1 ? ssl : NULL;
}

static void raw_frame(struct __test_metadata *_metadata, const void *frame, size_t len,
		      bool then_close, const char *logged)
{
	struct player p;
	uint8_t waste[256];
	SSL *ssl;
	int fd;

	player_open(&p, &w, &w.visitor, false);
	ssl = raw_session(&p, &fd);
	ASSERT_NE(NULL, ssl);
	ASSERT_EQ((int)len, SSL_write(ssl, frame, (int)len));
	if (then_close)
		SSL_shutdown(ssl);
	while (SSL_read(ssl, waste, sizeof(waste)) > 0)
		;
	SSL_free(ssl);
	close(fd);
	player_close(&p);
	usleep(100000);
	EXPECT_IN(logged, stage_read(stage_path(&w, "tconn-serviced.log")));
}

TEST(frame_truncated_in_its_header)
{
	raw_frame(_metadata, "\0\0", 2, true, "in a frame's header");
}

TEST(frame_truncated_in_its_message)
{
	raw_frame(_metadata, "\0\0\0\x30\xa3\0", 6, true, "in the middle of a message");
}

TEST(frame_of_four_gigabytes)
{
	raw_frame(_metadata, "\xff\xff\xff\xff", 4, false,
		  "has 4294967295 bytes, 65536 are allowed here");
}

TEST(frame_of_nothing)
{
	raw_frame(_metadata, "\0\0\0\0", 4, false, "empty frame");
}

TEST(no_tls_at_all)
{
	int fd = dial();

	ASSERT_LE(0, fd);
	ASSERT_EQ(18, send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0));
	EXPECT_TRUE(is_closed(fd, 5000));
	close(fd);
}

static bool nothing_pending(void *arg)
{
	struct json_object *status = stage_call(w.admin, 5000, "{\"do\":\"status\"}");
	unsigned long long pending = 99;

	(void)arg;
	tconn_json_uint(status, "pending", 1000, &pending);
	json_object_put(status);
	return pending == 0;
}

TEST(handshake_that_stalls)
{
	/* The first bytes of a ClientHello, and then nothing. */
	int fd = dial();

	ASSERT_LE(0, fd);
	ASSERT_EQ(6, send(fd, "\x16\x03\x01\x02\x00\x01", 6, 0));
	EXPECT_FALSE(is_closed(fd, 2000));
	EXPECT_TRUE(is_closed(fd, TCONN_HANDSHAKE_MS + 2000));
	close(fd);
	EXPECT_TRUE(stage_until(nothing_pending, NULL, 5000));
}

TEST_F(answer, flood_beyond_the_bound_leaves_those_who_are_in)
{
	const struct answering a = { DECIDED(CONFIRMED) };
	struct tconn_receipt receipt = { 0 };
	int fd[PENDING + 8], turned_away = 0;
	struct json_object *reply;

	ASSERT_TRUE(stage_until(nothing_pending, NULL, 15000));
	for (int i = 0; i < PENDING + 8; i++) {
		fd[i] = dial();
		ASSERT_LE(0, fd[i]);
	}
	for (int i = 0; i < PENDING + 8; i++)
		turned_away += is_closed(fd[i], i < PENDING ? 100 : 1000);
	EXPECT_EQ(8, turned_away);
	/* The visitor was in before: it is asked, and answers. */
	ask_begin(&self->asking);
	EXPECT_EQ(0, play_answer(&self->p, &a, &self->request, &self->answer))
	TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, take_receipt(&self->p, &self->request, &receipt))
	TH_LOG("%s", self->p.err.text);
	tconn_receipt_free(&receipt);
	reply = ask_end(&self->asking);
	EXPECT_TRUE(stage_flag(reply, "ok"));
	json_object_put(reply);
	for (int i = 0; i < PENDING + 8; i++)
		close(fd[i]);
	EXPECT_TRUE(stage_until(nothing_pending, NULL, 5000));
}

/* -- the operator's socket */

static const char *operator_says(const void *bytes, size_t len, bool end)
{
	return stage_says(w.admin, bytes, len, end);
}

TEST(operator_line_too_long)
{
	char *line = malloc(TCONN_JSONLINE_MAX + 10);

	memset(line, ' ', TCONN_JSONLINE_MAX + 10);
	EXPECT_IN("line over 65536 bytes", operator_says(line, TCONN_JSONLINE_MAX, false));
	free(line);
}

TEST(operator_line_truncated)
{
	EXPECT_IN("closed before the end of the line", operator_says("{\"do\":\"sta", 10, true));
	EXPECT_IN("no whole line within the deadline", operator_says("{\"do\":\"sta", 10, false));
}

TEST(operator_line_is_no_request)
{
	EXPECT_IN("not one JSON object", operator_says("[1]\n", 4, false));
	EXPECT_IN("not one JSON object", operator_says("\0\0\0\n", 4, false));
	EXPECT_IN("not one JSON object", operator_says("{} {}\n", 6, false));
	EXPECT_IN("bytes after the line", operator_says("{}\n{}", 5, false));
	EXPECT_IN("\"do\" must be", operator_says("{}\n", 3, false));
	EXPECT_IN("\"do\" must be", operator_says("{\"do\":7}\n", 9, false));
	EXPECT_IN("64 lower-case hex digits",
		  operator_says("{\"do\":\"device-add\",\"id\":\"x\"}\n", 29, false));
}

TEST(device_is_enrolled_once)
{
	struct json_object *reply = stage_call(
		w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", w.visitor.identity.name);

	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("is enrolled already", stage_text(reply, "error"));
	json_object_put(reply);
}

TEST(operator_socket_is_the_operators_alone)
{
	struct stat st;

	ASSERT_EQ(0, stat(w.admin, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	ASSERT_EQ(0, stat(stage_path(&w, "serviced.db"), &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
}

int main(int argc, char **argv)
{
	char config[160 + 2 * STAGE_PATH];

	stage_start(&w);
	snprintf(config, sizeof(config),
		 "\"pending\":%d,\"message_ms\":3000,\"pin_attempts\":%d,\"pin_sink\":\"%s\","
		 "\"metrics_file\":\"%s\"",
		 PENDING, PIN_ATTEMPTS, stage_path(&w, STAGE_PIN_SINK), stage_path(&w, "metrics.prom"));
	serviced = stage_serviced(&w, config);
	stage_end_at_exit(&w, &serviced, NULL);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.visitor.identity.name));
	return test_harness_run(argc, argv);
}
