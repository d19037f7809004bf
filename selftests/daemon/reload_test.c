// SPDX-License-Identifier: Apache-2.0
/*
 * SIGHUP: what is new counts for who is there already, what is wrong changes nothing, and
 * nobody loses his connection.
 */
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "stage.h"

static struct stage w;
static pid_t serviced;
static char *good_reference, *good_config;

static const char *visitor(void)
{
	return w.visitor.identity.name;
}

static size_t log_length(void)
{
	char *log = stage_read(stage_path(&w, "tconn-serviced.log"));
	size_t len = strlen(log);

	free(log);
	return len;
}

struct wait_for {
	size_t from;
	const char *part;
};

static bool is_logged(void *arg)
{
	const struct wait_for *f = arg;
	char *log = stage_read(stage_path(&w, "tconn-serviced.log"));
	bool found = strlen(log) >= f->from && strstr(log + f->from, f->part);

	free(log);
	return found;
}

/* True where the log then says so. */
static bool reload(const char *part)
{
	struct wait_for f = { log_length(), part };

	kill(serviced, SIGHUP);
	return stage_until(is_logged, &f, 10000);
}

static bool is_in(void *arg)
{
	return stage_connected(&w, arg);
}

static void write_text(const char *path, const char *text)
{
	stage_write(path, text, strlen(text));
}

/* Without the daemon's line: the visitor runs something that is not listed. */
static void write_narrow_reference(void)
{
	char *text = strdup(good_reference), *from = strstr(text, ", \"/usr/sbin/daemon\""), *to;

	to = strchr(from, ']') + 1;
	memmove(from, to, strlen(to) + 1);
	write_text(w.device_reference, text);
	free(text);
}

FIXTURE(reload) {
	struct player p;
};

FIXTURE_SETUP(reload)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_in, (void *)visitor(), 5000));
}

FIXTURE_TEARDOWN(reload)
{
	player_close(&self->p);
	write_text(w.device_reference, good_reference);
	write_text(stage_path(&w, "serviced.json"), good_config);
	EXPECT_TRUE(reload("reloaded: "));
}

/* The visitor answers one ATTEST. */
static void *answer_attest(void *arg)
{
	struct player *p = arg;
	struct tconn_message m = { 0 };
	struct tconn_attestation a = { 0 };

	if (tconn_message_receive(p->channel, TCONN_MSG_ATTEST, TCONN_MESSAGE_MAX, 20000, &m, &p->err) == 0)
		tconn_reattest_device(p->channel, &p->party, &m, &a, &p->err);
	tconn_message_free(&m);
	return NULL;
}

static struct json_object *attest(struct player *p)
{
	struct json_object *reply;
	pthread_t t;

	pthread_create(&t, NULL, answer_attest, p);
	reply = stage_call(w.admin, 20000, "{\"do\":\"device-attest\",\"id\":\"%s\"}", visitor());
	pthread_join(t, NULL);
	return reply;
}

TEST_F(reload, connections_stay)
{
	struct json_object *reply;

	ASSERT_TRUE(reload("reloaded: "));
	EXPECT_TRUE(stage_connected(&w, visitor()));
	reply = attest(&self->p);
	EXPECT_TRUE(stage_flag(reply, "ok")) TH_LOG("%s", stage_text(reply, "error"));
	json_object_put(reply);
}

/* Also what was measured before, and would not be sent again. */
TEST_F(reload, new_reference_values_count_for_who_is_there)
{
	struct json_object *reply = attest(&self->p);

	EXPECT_TRUE(stage_flag(reply, "ok")) TH_LOG("%s", stage_text(reply, "error"));
	json_object_put(reply);
	write_narrow_reference();
	ASSERT_TRUE(reload("reloaded: "));
	EXPECT_TRUE(stage_connected(&w, visitor()));
	reply = attest(&self->p);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("ima-reference", stage_text(reply, "error"));
	json_object_put(reply);
}

TEST_F(reload, new_reference_values_count_for_who_comes_back)
{
	write_narrow_reference();
	ASSERT_TRUE(reload("reloaded: "));
	tconn_channel_close(self->p.channel);
	self->p.channel = NULL;
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_NE(0, player_attest(&self->p));
	EXPECT_IN("ima-reference", self->p.err.text);
}

static void expect_refused(struct __test_metadata *_metadata, struct player *p, const char *why)
{
	struct json_object *reply;
	struct wait_for f = { log_length(), why };

	EXPECT_TRUE(reload("NOT reloaded, all stays as it was: "));
	EXPECT_TRUE(is_logged(&f)) TH_LOG("\"%s\" is not in the log", why);
	EXPECT_TRUE(stage_connected(&w, visitor()));
	reply = attest(p);
	EXPECT_TRUE(stage_flag(reply, "ok")) TH_LOG("%s", stage_text(reply, "error"));
	json_object_put(reply);
}

TEST_F(reload, bad_reference_values_change_nothing)
{
	write_text(w.device_reference, "{ \"tconn-reference-values\": 1, \"name\": ");
	expect_refused(_metadata, &self->p, w.device_reference);
}

TEST_F(reload, bad_configuration_changes_nothing)
{
	write_text(stage_path(&w, "serviced.json"), "{\"listen\":");
	expect_refused(_metadata, &self->p, "serviced.json");
	write_text(stage_path(&w, "serviced.json"), "{}");
	expect_refused(_metadata, &self->p, "is missing");
	unlink(stage_path(&w, "serviced.json"));
	expect_refused(_metadata, &self->p, "No such file");
}

static void replace(const char *from, const char *to)
{
	char *text = malloc(strlen(good_config) + strlen(to) + 1), *at = strstr(good_config, from);

	if (!at)
		abort();
	sprintf(text, "%.*s%s%s", (int)(at - good_config), good_config, to, at + strlen(from));
	write_text(stage_path(&w, "serviced.json"), text);
	free(text);
}

TEST_F(reload, what_needs_a_restart_is_refused_by_name)
{
	replace("\"message_ms\":20000", "\"message_ms\":20001");
	expect_refused(_metadata, &self->p, "\"message_ms\" changes with a restart only");
	replace("serviced.db", "other.db");
	expect_refused(_metadata, &self->p, "\"database\" changes with a restart only");
}

/* Half of it is good: none of it is in force. */
TEST_F(reload, issuers_that_do_not_vouch_for_this_service_change_nothing)
{
	char from[STAGE_PATH + 16], to[STAGE_PATH + 16];

	write_narrow_reference();
	snprintf(from, sizeof(from), "\"trust\":\"%s\"", w.trust);
	snprintf(to, sizeof(to), "\"trust\":\"%s\"", w.other_trust);
	replace(from, to);
	expect_refused(_metadata, &self->p, "NOT reloaded");
}

TEST_F(reload, it_is_in_the_audit_log)
{
	struct json_object *reply;

	ASSERT_TRUE(reload("reloaded: "));
	write_text(stage_path(&w, "serviced.json"), "{}");
	ASSERT_TRUE(reload("NOT reloaded"));
	reply = stage_call(w.admin, 5000, "{\"do\":\"audit-export\"}");
	EXPECT_IN("\"reloaded\"", json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
	EXPECT_IN("\"reload-refused\"", json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
	json_object_put(reply);
}

int main(int argc, char **argv)
{
	stage_start(&w);
	serviced = stage_serviced(&w, "\"message_ms\":20000");
	good_reference = stage_read(w.device_reference);
	good_config = stage_read(stage_path(&w, "serviced.json"));
	stage_end_at_exit(&w, &serviced, NULL);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", visitor()));
	return test_harness_run(argc, argv);
}
