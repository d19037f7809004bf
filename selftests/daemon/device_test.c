// SPDX-License-Identifier: Apache-2.0
/*
 * tconnd on real sockets: against tconn-serviced, and against a service that this
 * program plays and that lies.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "tui/protocol.h"
#include "tui/statement.h"
#include "stage.h"

static struct stage w;
static char tui_config[512];

static struct json_object *status_now(void)
{
	return stage_call(w.status, 5000, "{\"do\":\"status\"}");
}

static bool is_trusted(void *arg)
{
	struct json_object *s = status_now();
	bool trusted = stage_flag(s, "connected") && stage_flag(s, "trusted");

	(void)arg;
	json_object_put(s);
	return trusted;
}

static bool is_asking(void *arg)
{
	struct json_object *s = status_now();
	bool asking = stage_flag(s, "asking");

	(void)arg;
	json_object_put(s);
	return asking;
}

/* The last error mentions arg. */
static bool complains(void *arg)
{
	struct json_object *s = status_now();
	bool said = strstr(stage_text(s, "last_error"), arg) != NULL;

	json_object_put(s);
	return said;
}

#define EXPECT_COMPLAINT(part) do { \
	EXPECT_TRUE(stage_until(complains, part, 10000)) { \
		struct json_object *s_ = status_now(); \
		TH_LOG("\"%s\" is not in \"%s\"", part, stage_text(s_, "last_error")); \
		json_object_put(s_); \
	} \
} while (0)

static const char *check_in(struct json_object *status, const char *whose, const char *name)
{
	static char line[300];
	struct json_object *side, *checks;

	line[0] = '\0';
	if (!json_object_object_get_ex(status, whose, &side) ||
	    !json_object_object_get_ex(side, "checks", &checks))
		return line;
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *c = json_object_array_get_idx(checks, i);

		if (strcmp(stage_text(c, "name"), name) == 0)
			snprintf(line, sizeof(line), "%c%s", stage_flag(c, "pass") ? '+' : '-',
				 stage_text(c, "reason"));
	}
	return line;
}

/* -- both daemons */

/* The service counts it in after it has said so. */
static bool is_in(void *arg)
{
	struct json_object *reply = stage_call(w.admin, 5000, "{\"do\":\"device-show\",\"id\":\"%s\"}",
					       w.device.identity.name);
	struct json_object *device = NULL;
	bool in = json_object_object_get_ex(reply, "device", &device) &&
		  stage_flag(device, "connected");

	(void)arg;
	json_object_put(reply);
	return in;
}

FIXTURE(both) {
	pid_t serviced, tconnd;
};

FIXTURE_SETUP(both)
{
	unlink(stage_path(&w, "serviced.db"));
	self->serviced = stage_serviced(&w, "");
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.device.identity.name));
	self->tconnd = stage_tconnd(&w, tui_config);
	ASSERT_TRUE(stage_until(is_trusted, NULL, 10000))
		TH_LOG("%s", stage_read(stage_path(&w, "tconnd.log")));
	ASSERT_TRUE(stage_until(is_in, NULL, 10000));
}

FIXTURE_TEARDOWN(both)
{
	EXPECT_EQ(0, stage_stop(self->tconnd));
	EXPECT_EQ(0, stage_stop(self->serviced));
	EXPECT_NE(0, access(w.status, F_OK));
	EXPECT_NE(0, access(w.admin, F_OK));
}

TEST_F(both, trust_each_other_and_say_so)
{
	struct json_object *s = status_now();

	EXPECT_STREQ(w.device.identity.name, stage_text(s, "name"));
	EXPECT_EQ('+', check_in(s, "service", "quote-fresh")[0]);
	EXPECT_EQ('+', check_in(s, "service", "ima-reference")[0]);
	EXPECT_EQ('+', check_in(s, "device", "quote-fresh")[0]);
	EXPECT_EQ('+', check_in(s, "device", "tconn-reference")[0]);
	json_object_put(s);
	EXPECT_IN("check service ak-certificate: pass: ", stage_read(stage_path(&w, "tconnd.log")));
	EXPECT_IN("check device tconn-reference: pass: ", stage_read(stage_path(&w, "tconnd.log")));
	EXPECT_IN("check device tconn-reference: pass: ",
		  stage_read(stage_path(&w, "tconn-serviced.log")));
}

/* This machine has no tconn.ko: the real TUI says so, and that is no confirmation. */
TEST_F(both, without_the_module_nothing_is_confirmed)
{
	pid_t pid = stage_spawn(&w, "request.out", "tconnctl", "--socket", w.admin, "--json",
				"request", "confirm", "--device", w.device.identity.name, "--text",
				"Pay 1 EUR?", "--timeout", "5", NULL);
	struct json_object *reply;

	EXPECT_EQ(4, stage_wait(pid, 30000));
	reply = json_tokener_parse(stage_read(stage_path(&w, "request.out")));
	ASSERT_NE(NULL, reply);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_FALSE(stage_flag(reply, "trusted"));
	EXPECT_STREQ("no-module", stage_text(reply, "status"));
	EXPECT_IN("answer-status: no-module", stage_text(reply, "error"));
	json_object_put(reply);
	/* Refused, and back again. */
	EXPECT_TRUE(stage_until(is_trusted, NULL, 10000));
}

TEST_F(both, comes_back_after_the_service_was_away)
{
	EXPECT_EQ(0, stage_stop(self->serviced));
	EXPECT_FALSE(is_trusted(NULL));
	self->serviced = stage_serviced(&w, "");
	EXPECT_TRUE(stage_until(is_trusted, NULL, 10000));
}

static const char *status_says(const void *bytes, size_t len, bool end)
{
	return stage_says(w.status, bytes, len, end);
}

TEST_F(both, status_socket_takes_one_short_line)
{
	char *line = malloc(TCONN_JSONLINE_MAX);
	struct stat st;

	memset(line, ' ', TCONN_JSONLINE_MAX);
	EXPECT_IN("line over 65536 bytes", status_says(line, TCONN_JSONLINE_MAX, false));
	EXPECT_IN("closed before the end of the line", status_says("{\"do\"", 5, true));
	EXPECT_IN("no whole line within the deadline", status_says("{\"do\"", 5, false));
	EXPECT_IN("not one JSON object", status_says("nonsense\n", 9, false));
	EXPECT_IN("knows \"status\", \"phrase-new\" and \"phrase-forget\" only",
		  status_says("{\"do\":\"device-list\"}\n", 21, false));
	EXPECT_TRUE(is_trusted(NULL));
	ASSERT_EQ(0, stat(w.status, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	free(line);
}

/* -- a service played by this program */

FIXTURE(played) {
	struct player p;
	struct tconn_message hello;
	int listening;
	pid_t tconnd;
};


/* Takes the device's next connection, as far as its HELLO. */
static int accept_device(FIXTURE_DATA(played) *self)
{
	int fd = accept(self->listening, NULL, NULL);
	int r = tconn_channel_accept(self->p.tls, fd, &self->p.channel, &self->p.err);

	if (r == 0)
		r = tconn_message_receive(self->p.channel, TCONN_MSG_HELLO, TCONN_MESSAGE_MAX, 5000,
					  &self->hello, &self->p.err);
	return r;
}

static void setup_played(struct __test_metadata *_metadata, FIXTURE_DATA(played) * self,
			 bool foreign, const char *config)
{
	player_open(&self->p, &w, &w.service, foreign);
	ASSERT_EQ(0, tconn_listen(w.address, &self->listening, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	self->tconnd = stage_tconnd(&w, config);
}

FIXTURE_SETUP(played)
{
	setup_played(_metadata, self, false, tui_config);
	ASSERT_EQ(0, accept_device(self)) TH_LOG("%s", self->p.err.text);
}

FIXTURE_TEARDOWN(played)
{
	player_close(&self->p);
	close(self->listening);
	EXPECT_EQ(0, stage_stop(self->tconnd));
}

static int send_evidence(FIXTURE_DATA(played) *self, const uint8_t nonce[32])
{
	struct tconn_message m = { .type = TCONN_MSG_EVIDENCE, .has_nonce = true };
	int r;

	memset(m.nonce, 5, sizeof(m.nonce));
	r = tconn_attest_collect(self->p.channel, &self->p.party, TCONN_ROLE_SERVICE, nonce, NULL,
				 &m.evidence, &self->p.err);
	if (r == 0)
		r = tconn_message_send(self->p.channel, &m, &self->p.err);
	tconn_message_free(&m);
	return r;
}

/* VERDICT, REFUSAL, end: the device has said nothing of its own. */
static void expect_refused(struct __test_metadata *_metadata, FIXTURE_DATA(played) * self,
			   const char *check, const char *reason)
{
	struct tconn_message verdict = { 0 }, refusal = { 0 };
	struct tconn_bytes more = { 0 };
	bool found = false;

	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_VERDICT, TCONN_MESSAGE_MAX,
					   5000, &verdict, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_FALSE(verdict.verdict.trusted);
	for (size_t i = 0; i < verdict.verdict.count; i++) {
		const struct tconn_check *c = &verdict.verdict.check[i];

		if (strcmp(c->name, check) == 0 && !c->pass) {
			found = true;
			EXPECT_IN(reason, c->reason);
		}
	}
	EXPECT_TRUE(found);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REFUSAL, TCONN_MESSAGE_MAX,
					   5000, &refusal, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_IN("the service is not trusted", refusal.text);
	EXPECT_EQ(-ECONNRESET, tconn_channel_receive(self->p.channel, TCONN_EVIDENCE_MAX, 5000,
						     &more, &self->p.err));
	tconn_message_free(&verdict);
	tconn_message_free(&refusal);
}

TEST_F(played, stale_nonce_of_the_service)
{
	const uint8_t nonce[32] = { 1 };

	ASSERT_EQ(0, send_evidence(self, nonce)) TH_LOG("%s", self->p.err.text);
	expect_refused(_metadata, self, "quote-fresh", "it is old or comes from elsewhere");
}

TEST_F(played, service_that_runs_something_else)
{
	struct log ima = w.service.ima;
	struct tconn_bytes b = { 0 };

	/* Says it ran /usr/sbin/other, which the TPM's PCR 10 does not show. */
	log_ima_add(&ima, "ima-ng", "/usr/sbin/other", "other", 5);
	log_swap(&ima, 2, 3);
	log_join(&ima, &b);
	self->p.party.sources.ima_log = stage_path(&w, "forged.ima");
	stage_write(self->p.party.sources.ima_log, b.data, b.len);
	tconn_bytes_free(&b);
	ASSERT_EQ(0, send_evidence(self, self->hello.nonce)) TH_LOG("%s", self->p.err.text);
	expect_refused(_metadata, self, "ima-log", "one is missing, added or changed");
}

TEST_F(played, evidence_of_another_machine)
{
	struct tconn_message m = { .type = TCONN_MSG_EVIDENCE, .has_nonce = true };
	struct player other;

	player_open(&other, &w, &w.stranger, false);
	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &other.party, TCONN_ROLE_SERVICE,
					  self->hello.nonce, NULL, &m.evidence, &other.err));
	player_close(&other);
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err));
	expect_refused(_metadata, self, "ak-certificate", "");
	tconn_message_free(&m);
}

/* What the device says last about bytes that are not what is due. */
static void expect_word(struct __test_metadata *_metadata, FIXTURE_DATA(played) * self,
			const char *word)
{
	struct tconn_message m = { 0 };

	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REFUSAL, TCONN_MESSAGE_MAX,
					   10000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_IN(word, m.text);
	tconn_message_free(&m);
}

TEST_F(played, question_before_any_evidence)
{
	struct tconn_message m = {
		.type = TCONN_MSG_REQUEST, .id = 1, .has_nonce = true, .timeout_ms = 5000
	};

	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	expect_word(_metadata, self, "unexpected message: REQUEST where EVIDENCE is due");
}

TEST_F(played, evidence_without_a_nonce)
{
	struct tconn_message m = { .type = TCONN_MSG_EVIDENCE };

	ASSERT_EQ(0, tconn_attest_collect(self->p.channel, &self->p.party, TCONN_ROLE_SERVICE,
					  self->hello.nonce, NULL, &m.evidence, &self->p.err));
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	expect_word(_metadata, self, "has no nonce");
	tconn_message_free(&m);
}

TEST_F(played, nonsense)
{
	ASSERT_EQ(0, tconn_channel_send(self->p.channel, "\x9f\x9f\x9f", 3, &self->p.err));
	expect_word(_metadata, self, "waiting for EVIDENCE");
}

TEST_F(played, oversized_verdict)
{
	struct tconn_message m = { 0 };
	uint8_t *big = calloc(1, TCONN_MESSAGE_MAX + 1);

	ASSERT_EQ(0, send_evidence(self, self->hello.nonce)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_VERDICT, TCONN_MESSAGE_MAX,
					   5000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_TRUE(m.verdict.trusted);
	tconn_message_free(&m);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_EVIDENCE, TCONN_EVIDENCE_MAX,
					   5000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	tconn_message_free(&m);
	ASSERT_EQ(0, tconn_channel_send(self->p.channel, big, TCONN_MESSAGE_MAX + 1, &self->p.err));
	expect_word(_metadata, self, "65537 bytes, 65536 are allowed here");
	free(big);
}

/* -- questions from a service that is trusted */

static void make_trust(struct __test_metadata *_metadata, FIXTURE_DATA(played) *self)
{
	struct tconn_message m = { 0 };

	ASSERT_EQ(0, send_evidence(self, self->hello.nonce)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_VERDICT, TCONN_MESSAGE_MAX,
					   5000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	tconn_message_free(&m);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_EVIDENCE, TCONN_EVIDENCE_MAX,
					   5000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	tconn_message_free(&m);
	m = (struct tconn_message){ .type = TCONN_MSG_VERDICT, .verdict.trusted = true };
	tconn_verdict_add(&m.verdict, "ak-certificate", true, "as it pleases the test");
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
}

static void ask(struct __test_metadata *_metadata, FIXTURE_DATA(played) * self,
		const void *statement, size_t len, uint32_t timeout_ms, struct tconn_message *ret)
{
	struct tconn_message m = { .type = TCONN_MSG_REQUEST, .id = 7, .has_nonce = true,
				   .timeout_ms = timeout_ms,
				   .statement = { (uint8_t *)statement, len } };

	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_ANSWER, TCONN_EVIDENCE_MAX,
					   20000, ret, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(7, ret->id);
}

/* The device checks a statement itself, before the TUI or the screen is touched. */
TEST_F(played, three_statements_three_refusals)
{
	/* "TCST", version 1, kind 1, text_len, no PIN limits, text */
	static uint8_t too_long[TCONN_STATEMENT_HEADER + TCONN_TEXT_MAX + 1] =
		"TCST\x01\0\x01\0\x01\x18\0\0\0\0\0\0";
	static const uint8_t not_utf8[] = "TCST\x01\0\x01\0\x02\0\0\0\0\0\0\0\xc3(";
	static const uint8_t no_glyph[] = "TCST\x01\0\x01\0\x04\0\0\0\0\0\0\0\xf0\x93\x80\x80";
	const struct {
		const uint8_t *bytes;
		size_t len;
		int error;
	} statements[] = {
		{ too_long, sizeof(too_long), TCONN_STATEMENT_TOO_LONG },
		{ not_utf8, sizeof(not_utf8) - 1, TCONN_STATEMENT_NOT_UTF8 },
		{ no_glyph, sizeof(no_glyph) - 1, TCONN_STATEMENT_NO_GLYPH },
	};

	memset(too_long + TCONN_STATEMENT_HEADER, 'a', TCONN_TEXT_MAX + 1);
	make_trust(_metadata, self);
	for (int i = 0; i < 3; i++) {
		struct tconn_message answer = { 0 };
		struct tconn_message refusal = { .type = TCONN_MSG_REFUSAL, .code = EINVAL };

		ask(_metadata, self, statements[i].bytes, statements[i].len, 5000, &answer);
		EXPECT_EQ(TCONN_TUI_STATEMENT, answer.status);
		EXPECT_IN(tconn_statement_strerror(statements[i].error), answer.text);
		EXPECT_EQ(0, answer.record.len);
		tconn_message_free(&answer);
		/* A refused answer ends the connection; the device comes back. */
		ASSERT_EQ(0, tconn_message_send(self->p.channel, &refusal, &self->p.err));
		tconn_channel_close(self->p.channel);
		self->p.channel = NULL;
		ASSERT_EQ(0, accept_device(self)) TH_LOG("%s", self->p.err.text);
		make_trust(_metadata, self);
	}
}

TEST_F(played, timeout_out_of_range)
{
	static const uint8_t fine[] = "TCST\x01\0\x01\0\x01\0\0\0\0\0\0\0?";
	struct tconn_message answer = { 0 };

	make_trust(_metadata, self);
	ask(_metadata, self, fine, sizeof(fine) - 1, TCONN_TIMEOUT_MAX_MS + 1, &answer);
	EXPECT_EQ(TCONN_TUI_FAILED, answer.status);
	EXPECT_IN("is not within 1000..90000 ms", answer.text);
	tconn_message_free(&answer);
}

TEST_F(played, receipt_that_is_none)
{
	static const uint8_t fine[] = "TCST\x01\0\x01\0\x01\0\0\0\0\0\0\0?";
	struct tconn_message answer = { 0 };
	struct tconn_message m = { .type = TCONN_MSG_RECEIPT,
				   .id = 7,
				   .receipt = { (uint8_t *)"\xd2\x84", 2 } };

	make_trust(_metadata, self);
	ask(_metadata, self, fine, sizeof(fine) - 1, 5000, &answer);
	EXPECT_EQ(TCONN_TUI_NO_MODULE, answer.status);
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	expect_word(_metadata, self, "receipt");
	EXPECT_NE(0, access(stage_path(&w, "receipts"), F_OK));
	tconn_message_free(&answer);
}

/* -- who it talks to at all */

TEST(service_of_another_issuer)
{
	FIXTURE_DATA(played) data = { 0 }, *self = &data;

	setup_played(_metadata, self, true, "");
	EXPECT_NE(0, accept_device(self));
	EXPECT_COMPLAINT("the peer's certificate is not trusted");
	player_close(&self->p);
	close(self->listening);
	EXPECT_EQ(0, stage_stop(self->tconnd));
}

TEST(service_of_another_name)
{
	FIXTURE_DATA(played) data = { 0 }, *self = &data;
	struct tconn_message m = { 0 };
	int fd;

	/* The same certificate; the operator of the device wants another service. */
	player_open(&self->p, &w, &w.service, false);
	ASSERT_EQ(0, tconn_listen(w.address, &self->listening, &self->p.err));
	self->tconnd = stage_tconnd(&w, "\"service_name\":\"bank.example\"");
	fd = accept(self->listening, NULL, NULL);
	ASSERT_EQ(0, tconn_channel_accept(self->p.tls, fd, &self->p.channel, &self->p.err));
	/* Not even a HELLO. */
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REFUSAL, TCONN_MESSAGE_MAX,
					   5000, &m, &self->p.err))
	TH_LOG("%s", self->p.err.text);
	EXPECT_IN("this is urn:tconn:service:pay.example, not urn:tconn:service:bank.example",
		  m.text);
	tconn_message_free(&m);
	player_close(&self->p);
	close(self->listening);
	EXPECT_EQ(0, stage_stop(self->tconnd));
}

/* -- start-up */

static int run_tconnd(const char *config, const char *log)
{
	const char *path = stage_path(&w, "bad.json");

	stage_write(path, config, strlen(config));
	unlink(stage_path(&w, log));
	return stage_wait(stage_spawn(&w, log, "tconnd", "--config", path, NULL), 10000);
}

TEST(configuration_is_read_strictly)
{
	EXPECT_EQ(3,
		  run_tconnd(
			  "{\"service\":\"a:1\",\"service_name\":\"a\",\"sevice_reference\":\"x\"}",
			  "bad.log"));
	EXPECT_IN("unknown key \"sevice_reference\"", stage_read(stage_path(&w, "bad.log")));
	EXPECT_EQ(3, run_tconnd("{\"service\":\"a:1\"}", "bad.log"));
	EXPECT_IN("\"service_name\" is missing", stage_read(stage_path(&w, "bad.log")));
	EXPECT_EQ(3, run_tconnd("{\"service\":7,\"service_name\":\"a\"}", "bad.log"));
	EXPECT_IN("\"service\" must be a non-empty string", stage_read(stage_path(&w, "bad.log")));
	EXPECT_EQ(3, run_tconnd("{\"service\":\"a:1\",\"service_name\":\"a\",\"message_ms\":1}",
				"bad.log"));
	EXPECT_IN("\"message_ms\" must be a whole number", stage_read(stage_path(&w, "bad.log")));
	EXPECT_EQ(3, run_tconnd("{} {}", "bad.log"));
	EXPECT_IN("not one JSON object", stage_read(stage_path(&w, "bad.log")));
	EXPECT_EQ(3, run_tconnd("{\"service\":", "bad.log"));
}

TEST(no_tpm)
{
	char config[2048];

	snprintf(config, sizeof(config),
		 "{\"service\":\"%s\",\"service_name\":\"%s\",\"identity\":\"%s\",\"trust\":\"%s\","
		 "\"service_reference\":\"%s\",\"tcti\":\"swtpm:path=%s/nothing.sock\"}", w.address,
		 STAGE_SERVICE_NAME, w.device.dir, w.trust, w.service_reference, w.dir);
	EXPECT_EQ(4, run_tconnd(config, "no-tpm.log"));
	EXPECT_IN("TPM", stage_read(stage_path(&w, "no-tpm.log")));
}

TEST(not_enrolled_yet)
{
	char config[2048];

	snprintf(config, sizeof(config),
		 "{\"service\":\"%s\",\"service_name\":\"%s\",\"identity\":\"%s\",\"trust\":\"%s\","
		 "\"service_reference\":\"%s\",\"tcti\":\"%s\"}", w.address, STAGE_SERVICE_NAME,
		 w.dir, w.trust, w.service_reference, w.device.swtpm.tcti);
	EXPECT_EQ(3, run_tconnd(config, "no-identity.log"));
	EXPECT_IN("enrol with tconnctl enrol", stage_read(stage_path(&w, "no-identity.log")));
}

/* The disk of one machine in another: connects to nobody, and says why to all who ask. */
TEST(disk_of_another_machine)
{
	struct stage moved = w;
	struct json_object *status;
	pid_t tconnd;

	moved.device.swtpm = w.stranger.swtpm;
	tconnd = stage_tconnd(&moved, "");
	status = stage_call(w.status, 5000, "{\"do\":\"status\"}");
	EXPECT_IN("this disk belongs to another TPM", stage_text(status, "out_of_service"));
	EXPECT_IN(w.stranger.identity.name, stage_text(status, "out_of_service"));
	EXPECT_FALSE(stage_flag(status, "connected"));
	json_object_put(status);
	EXPECT_EQ(0, stage_stop(tconnd));
	EXPECT_IN("out of service: this disk belongs to another TPM",
		  stage_read(stage_path(&w, "tconnd.log")));
	EXPECT_EQ(4, stage_wait(stage_spawn(&w, "moved.log", "tconnd", "--config",
					    stage_path(&w, "tconnd.json"), "--check", NULL), 10000));
}

/* -- a dialog that is open when the end comes */

static void with_sleeping_tui(char *config, size_t size)
{
	snprintf(config, size, "\"tui\":\"/bin/sleep\",\"tui_args\":[\"60\"]");
}

TEST(sigterm_ends_an_open_dialog)
{
	static const uint8_t fine[] = "TCST\x01\0\x01\0\x01\0\0\0\0\0\0\0?";
	struct tconn_message m = { .type = TCONN_MSG_REQUEST,
				   .id = 7,
				   .has_nonce = true,
				   .timeout_ms = 60000,
				   .statement = { (uint8_t *)fine, sizeof(fine) - 1 } };
	FIXTURE_DATA(played) data = { 0 }, *self = &data;
	char config[128];

	with_sleeping_tui(config, sizeof(config));
	setup_played(_metadata, self, false, config);
	ASSERT_EQ(0, accept_device(self)) TH_LOG("%s", self->p.err.text);
	make_trust(_metadata, self);
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err));
	ASSERT_TRUE(stage_until(is_asking, NULL, 5000));
	EXPECT_EQ(0, stage_stop(self->tconnd));
	EXPECT_NE(0, access(w.status, F_OK));
	player_close(&self->p);
	close(self->listening);
}

static bool is_not_asking(void *arg)
{
	return !is_asking(arg);
}

TEST(service_that_leaves_ends_an_open_dialog)
{
	static const uint8_t fine[] = "TCST\x01\0\x01\0\x01\0\0\0\0\0\0\0?";
	struct tconn_message m = { .type = TCONN_MSG_REQUEST,
				   .id = 7,
				   .has_nonce = true,
				   .timeout_ms = 60000,
				   .statement = { (uint8_t *)fine, sizeof(fine) - 1 } };
	FIXTURE_DATA(played) data = { 0 }, *self = &data;
	char config[128];

	with_sleeping_tui(config, sizeof(config));
	setup_played(_metadata, self, false, config);
	ASSERT_EQ(0, accept_device(self)) TH_LOG("%s", self->p.err.text);
	make_trust(_metadata, self);
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &m, &self->p.err));
	ASSERT_TRUE(stage_until(is_asking, NULL, 5000));
	tconn_channel_close(self->p.channel);
	self->p.channel = NULL;
	EXPECT_TRUE(stage_until(is_not_asking, NULL, 5000));
	EXPECT_COMPLAINT("went away while a dialog was open");
	player_close(&self->p);
	close(self->listening);
	EXPECT_EQ(0, stage_stop(self->tconnd));
}

TEST(indicator_that_is_not_there)
{
	pid_t tconnd = stage_tconnd(&w, "\"indicator\":\"no-such-led::*\"");
	struct json_object *s = status_now(), *leds;

	ASSERT_TRUE(json_object_object_get_ex(s, "indicator", &leds));
	EXPECT_EQ(0, json_object_array_length(leds));
	json_object_put(s);
	EXPECT_IN("indicator no-such-led::*: no such LED",
		  stage_read(stage_path(&w, "tconnd.log")));
	EXPECT_EQ(0, stage_stop(tconnd));
}

static pid_t parent;

static void finish(void)
{
	if (getpid() == parent && getenv("TCONN_TEST_VERBOSE"))
		fputs(stage_read(stage_path(&w, "tconnd.log")), stderr);
}

/* -- policy: who attests, and how often */

static pid_t attesting_serviced, attesting_tconnd;

static void attesting(const char *service, const char *device)
{
	char config[4096];

	unlink(stage_path(&w, "serviced.db"));
	attesting_serviced = stage_serviced(&w, service);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.device.identity.name));
	snprintf(config, sizeof(config), "%s%s%s", tui_config, *device ? "," : "", device);
	attesting_tconnd = stage_tconnd(&w, config);
}

static void attesting_ends(struct __test_metadata *_metadata)
{
	EXPECT_EQ(0, stage_stop(attesting_tconnd));
	EXPECT_EQ(0, stage_stop(attesting_serviced));
}

static bool log_says(const char *log, const char *text)
{
	char *whole = stage_read(stage_path(&w, log));
	bool says = strstr(whole, text) != NULL;

	free(whole);
	return says;
}

static bool service_knows_the_log(void *arg)
{
	(void)arg;
	return log_says("tconn-serviced.log", "0 entries after the 3 that are known");
}

static bool device_misses_evidence(void *arg)
{
	(void)arg;
	return log_says("tconnd.log", "the service is not trusted: evidence: none, and policy asks");
}

TEST(attests_again_by_itself_and_sends_the_rest_of_its_log)
{
	attesting("\"reattest_s\":1", "");
	EXPECT_TRUE(stage_until(service_knows_the_log, NULL, 20000));
	EXPECT_TRUE(stage_until(is_in, NULL, 5000));
	attesting_ends(_metadata);
}

TEST(service_that_does_not_attest_is_refused_unless_exempt)
{
	attesting("\"attest\":false", "");
	EXPECT_TRUE(stage_until(device_misses_evidence, NULL, 20000));
	EXPECT_FALSE(is_in(NULL));
	attesting_ends(_metadata);
	attesting("\"attest\":false", "\"service_exempt\":true");
	EXPECT_TRUE(stage_until(is_in, NULL, 20000));
	attesting_ends(_metadata);
}

TEST(device_that_does_not_attest_may_be_exempt)
{
	attesting("\"device_exempt\":true", "\"attest\":false");
	EXPECT_TRUE(stage_until(is_in, NULL, 20000));
	attesting_ends(_metadata);
}

int main(int argc, char **argv)
{
	char cwd[256];

	parent = getpid();
	stage_start(&w);
	if (!getcwd(cwd, sizeof(cwd)))
		return 1;
	snprintf(tui_config, sizeof(tui_config), "\"tui\":\"%s/out/bin/tconn-tui\"", cwd);
	atexit(finish);
	return test_harness_run(argc, argv);
}
