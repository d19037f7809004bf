// SPDX-License-Identifier: Apache-2.0
/*
 * What an operator hears of events: the webhook, by a real HTTPS server, the command, and
 * the log in JSON. Whoever does not listen is in nobody's way.
 */
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "stage.h"

#define SECRET "0123456789abcdef0123456789abcdef-not-so-secret"

/* Answers as the file "mode" says, and writes down what came, an object a line. */
static const char receiver[] =
	"import http.server, json, ssl, sys, time\n"
	"folder, port = sys.argv[1], int(sys.argv[2])\n"
	"class Hook(http.server.BaseHTTPRequestHandler):\n"
	"    def do_POST(self):\n"
	"        body = self.rfile.read(int(self.headers['Content-Length'])).decode()\n"
	"        mode = open(folder + '/mode').read()\n"
	"        line = {k: self.headers.get(k, '') for k in ('X-Tconn-Event', 'X-Tconn-Time',\n"
	"                'X-Tconn-Signature', 'Content-Type')}\n"
	"        line.update(body=body, mode=mode, peer=str(self.connection.getpeercert()))\n"
	"        with open(folder + '/hooks', 'a') as f:\n"
	"            f.write(json.dumps(line) + '\\n')\n"
	"        if mode == 'stall':\n"
	"            time.sleep(30)\n"
	"        self.send_response(200 if mode == 'ok' else 500)\n"
	"        self.end_headers()\n"
	"    def log_message(self, *args):\n"
	"        pass\n"
	"server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Hook)\n"
	"context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
	"context.load_cert_chain(folder + '/hook.pem', folder + '/hook.key')\n"
	"context.load_verify_locations(folder + '/teller.pem')\n"
	"context.verify_mode = ssl.CERT_OPTIONAL\n"
	"server.socket = context.wrap_socket(server.socket, server_side=True)\n"
	"open(folder + '/ready', 'w').close()\n"
	"server.serve_forever()\n";

static struct stage w;
static char shown[STAGE_PATH * 4];	/* the settings by which the webhook knows whom it is from */
static pid_t serviced, hook;

static const char *visitor(void)
{
	return w.visitor.identity.name;
}

static void mode(const char *text)
{
	stage_write(stage_path(&w, "mode"), text, strlen(text));
}

/* A line of a file that has all of part, from an offset on; malloc'ed, NULL: none. */
static char *line_with(const char *file, size_t from, const char *const *part)
{
	char *text = stage_read(stage_path(&w, file)), *found = NULL, *next;

	for (char *line = strlen(text) > from ? text + from : NULL; line && !found; line = next) {
		bool all = true;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		for (int i = 0; part[i]; i++)
			all = all && strstr(line, part[i]);
		if (all && *line)
			found = strdup(line);
	}
	free(text);
	return found;
}

struct look {
	const char *file;
	size_t from;
	const char *part[4];
	char *line;
};

static bool is_there(void *arg)
{
	struct look *l = arg;

	l->line = line_with(l->file, l->from, l->part);
	return l->line != NULL;
}

static size_t length(const char *file)
{
	char *text = stage_read(stage_path(&w, file));
	size_t len = strlen(text);

	free(text);
	return len;
}

static void connect_once(struct __test_metadata *_metadata)
{
	struct player p;

	player_open(&p, &w, &w.visitor, false);
	EXPECT_EQ(0, player_connect(&p)) TH_LOG("%s", p.err.text);
	EXPECT_EQ(0, player_attest(&p)) TH_LOG("%s", p.err.text);
	player_close(&p);
}

TEST(webhook_is_told_and_signed)
{
	struct look l = { .file = "hooks", .from = length("hooks"), .part = { "device-in" } };
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char text[4096], hex[65], want[80];
	struct json_object *line, *body;

	mode("ok");
	connect_once(_metadata);
	ASSERT_TRUE(stage_until(is_there, &l, 10000));
	line = json_tokener_parse(l.line);
	snprintf(text, sizeof(text), "%s.%s", stage_text(line, "X-Tconn-Time"), stage_text(line, "body"));
	HMAC(EVP_sha256(), SECRET, strlen(SECRET), (unsigned char *)text, strlen(text), mac, &len);
	tconn_hex(mac, 32, hex);
	snprintf(want, sizeof(want), "sha256=%s", hex);
	EXPECT_STREQ(want, stage_text(line, "X-Tconn-Signature"));
	/* Both ways at once: the certificate is shown as well. */
	EXPECT_IN("'teller'", stage_text(line, "peer"));
	EXPECT_GE(60, labs(time(NULL) - atol(stage_text(line, "X-Tconn-Time"))));
	body = json_tokener_parse(stage_text(line, "body"));
	EXPECT_STREQ(visitor(), stage_text(body, "device"));
	EXPECT_STREQ("error", stage_text(body, "severity"));
	EXPECT_STREQ(STAGE_SERVICE_NAME, stage_text(body, "service"));
	EXPECT_STREQ(stage_text(line, "X-Tconn-Event"), stage_text(body, "id"));
	json_object_put(body);
	json_object_put(line);
}

/* Below "action_severity": that it left is a notice. Of a stranger nothing is told at all. */
TEST(webhook_is_not_told_of_what_is_less)
{
	struct look l = { .file = "hooks", .part = { "device-out" } };
	struct look s = { .file = "hooks", .part = { w.stranger.identity.name } };
	struct player p;

	mode("ok");
	connect_once(_metadata);
	player_open(&p, &w, &w.stranger, false);
	if (player_connect(&p) == 0)
		player_attest(&p);
	player_close(&p);
	sleep(1);
	EXPECT_FALSE(is_there(&l));
	EXPECT_FALSE(is_there(&s));
}

TEST(webhook_is_tried_again)
{
	struct look bad = { .file = "hooks", .from = length("hooks"), .part = { "device-in", "fail" } };
	struct look good = bad;
	char id[80] = "";

	good.part[1] = "\"mode\": \"ok\"";
	mode("fail");
	connect_once(_metadata);
	ASSERT_TRUE(stage_until(is_there, &bad, 10000));
	mode("ok");
	ASSERT_TRUE(stage_until(is_there, &good, 15000));
	/* The same event, by its id: who got it twice can tell. */
	snprintf(id, sizeof(id), "%.32s", strstr(bad.line, "X-Tconn-Event\": \"") + 17);
	EXPECT_IN(id, good.line);
}

/* Also with a queue that fills: attestations take no longer. */
TEST(who_does_not_listen_is_in_nobodys_way)
{
	time_t began = time(NULL);

	mode("stall");
	for (int i = 0; i < 5; i++)
		connect_once(_metadata);
	EXPECT_GE(began + 20, time(NULL));
	mode("ok");
}

/* Arguments are what they are: no shell looks at them. */
TEST(command_is_run_without_a_shell)
{
	struct look l = { .file = "command.out", .from = length("command.out"),
			  .part = { "device-in", "a; touch", visitor() } };

	connect_once(_metadata);
	ASSERT_TRUE(stage_until(is_there, &l, 15000));
	EXPECT_NE(0, access(stage_path(&w, "touched"), F_OK));
}

static bool says_reloaded(void *arg)
{
	char *log = stage_read(stage_path(&w, "tconn-serviced.log"));
	bool found = strstr(log + *(size_t *)arg, "\"reloaded\"") != NULL;

	free(log);
	return found;
}

static void reload(void)
{
	size_t from = length("tconn-serviced.log");

	kill(serviced, SIGHUP);
	stage_until(says_reloaded, &from, 10000);
}

TEST(check_that_failed_is_named)
{
	struct look l = { .file = "command.out", .from = length("command.out"),
			  .part = { "attestation-failed", "\"check\":\"ima-reference\"", "critical" } };
	char *good = stage_read(w.device_reference), *bad = strdup(good);
	char *from = strstr(bad, ", \"/usr/sbin/daemon\""), *to = strchr(from, ']') + 1;
	struct player p;

	mode("ok");
	memmove(from, to, strlen(to) + 1);
	stage_write(w.device_reference, bad, strlen(bad));
	reload();
	player_open(&p, &w, &w.visitor, false);
	EXPECT_EQ(0, player_connect(&p));
	EXPECT_NE(0, player_attest(&p));
	player_close(&p);
	EXPECT_TRUE(stage_until(is_there, &l, 15000));
	stage_write(w.device_reference, good, strlen(good));
	reload();
	free(good);
	free(bad);
}

/* -- the log */

TEST(log_is_json_line_by_line)
{
	char *log, *next;
	int lines = 0, events = 0, checks = 0;

	connect_once(_metadata);
	log = stage_read(stage_path(&w, "tconn-serviced.log"));
	EXPECT_EQ(NULL, strstr(log, SECRET));
	for (char *line = log; *line; line = next) {
		struct json_object *obj;

		next = strchr(line, '\n');
		if (!next)
			break;
		*next++ = '\0';
		obj = json_tokener_parse(line);
		EXPECT_TRUE(json_object_is_type(obj, json_type_object)) TH_LOG("%s", line);
		EXPECT_EQ('Z', stage_text(obj, "time")[23]) TH_LOG("%s", line);
		EXPECT_NE('\0', *stage_text(obj, "level"));
		EXPECT_NE('\0', *stage_text(obj, "message"));
		events += *stage_text(obj, "event") && *stage_text(obj, "device");
		checks += *stage_text(obj, "check") != '\0';
		lines++;
		json_object_put(obj);
	}
	EXPECT_LT(10, lines);
	EXPECT_LT(0, events);
	EXPECT_LT(0, checks);
	free(log);
}

/* -- configurations that are refused */

static void expect_refused(struct __test_metadata *_metadata, const char *from, const char *to,
			   const char *why)
{
	char *text = stage_read(stage_path(&w, "serviced.json")), *at = strstr(text, from);
	char *bad = malloc(strlen(text) + strlen(to) + 1);

	ASSERT_NE(NULL, at);
	sprintf(bad, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	stage_write(stage_path(&w, "bad.json"), bad, strlen(bad));
	unlink(stage_path(&w, "bad.out"));
	EXPECT_EQ(3, stage_wait(stage_spawn(&w, "bad.out", "tconn-serviced", "--check", "--config",
					    stage_path(&w, "bad.json"), NULL), 20000));
	EXPECT_IN(why, stage_read(stage_path(&w, "bad.out")));
	free(text);
	free(bad);
}

TEST(settings_that_cannot_be_are_refused)
{
	expect_refused(_metadata, "https://", "http://", "must begin with https://");
	expect_refused(_metadata, shown, "\"webhook_ca\":\"/none\"", "who gets it must know");
	expect_refused(_metadata, "\"webhook_key\":", "\"webhook_ca\":", "go together");
	expect_refused(_metadata, "device-in=error", "device-in", "is not NAME=SEVERITY");
	expect_refused(_metadata, "device-in=error", "device-in=bad", "is not info, notice");
	expect_refused(_metadata, "\"log\":\"json\"", "\"log\":\"xml\"", "must be");
	expect_refused(_metadata, "/command.sh", "/no-command.sh", "cannot be run");
	chmod(stage_path(&w, "secret"), 0644);
	expect_refused(_metadata, "\"log\":\"json\"", "\"log\":\"text\"", "others may read it");
	chmod(stage_path(&w, "secret"), 0600);
}

/* -- the stage */

static bool is_ready(void *arg)
{
	return access(arg, F_OK) == 0;
}

static void make_certificate(const char *name)
{
	char key[64], pem[64], subject[64];

	snprintf(key, sizeof(key), "%s.key", name);
	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(subject, sizeof(subject), "/CN=%s", name);
	if (stage_wait(stage_spawn_path(&w, "openssl.out", "/usr/bin/openssl", "req", "-x509", "-newkey", "ec",
					"-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
					stage_path(&w, key), "-out", stage_path(&w, pem), "-days", "2",
					"-subj", subject, "-addext",
					"subjectAltName=IP:127.0.0.1", NULL), 20000)) {
		printf("Bail out! no certificate\n");
		exit(1);
	}
}

static void start_receiver(const char *port)
{
	stage_write(stage_path(&w, "receiver.py"), receiver, strlen(receiver));
	make_certificate("hook");
	make_certificate("teller");
	hook = stage_spawn_path(&w, "receiver.out", "/usr/bin/python3", stage_path(&w, "receiver.py"), w.dir,
				port, NULL);
	if (!stage_until(is_ready, (void *)stage_path(&w, "ready"), 20000)) {
		printf("Bail out! no receiver: %s\n", stage_read(stage_path(&w, "receiver.out")));
		exit(1);
	}
}

static void write_parts(void)
{
	char script[STAGE_PATH * 2];

	stage_write(stage_path(&w, "secret"), SECRET "\n", strlen(SECRET) + 1);
	chmod(stage_path(&w, "secret"), 0600);
	snprintf(script, sizeof(script),
		 "#!/bin/sh\necho \"$TCONN_EVENT $TCONN_SEVERITY $1 $(cat)\" >>%s/command.out\n", w.dir);
	stage_write(stage_path(&w, "command.sh"), script, strlen(script));
	chmod(stage_path(&w, "command.sh"), 0755);
}

int main(int argc, char **argv)
{
	char config[2048], address[32];

	stage_start(&w);
	stage_free_address(address, sizeof(address));
	mode("ok");
	start_receiver(strchr(address, ':') + 1);
	write_parts();
	snprintf(shown, sizeof(shown),
		 "\"webhook_secret\":\"%s\",\"webhook_certificate\":\"%s\",\"webhook_key\":\"%s\"",
		 stage_path(&w, "secret"), stage_path(&w, "teller.pem"), stage_path(&w, "teller.key"));
	snprintf(config, sizeof(config),
		 "\"message_ms\":20000,\"log\":\"json\","
		 "\"severities\":[\"device-in=error\",\"ima-reference=critical\"],"
		 "\"webhook_url\":\"https://%s/hook\",%s,\"webhook_ca\":\"%s\","
		 "\"action_command\":[\"%s\",\"a; touch %s\"]", address, shown,
		 stage_path(&w, "hook.pem"), stage_path(&w, "command.sh"), stage_path(&w, "touched"));
	serviced = stage_serviced(&w, config);
	stage_end_at_exit(&w, &serviced, &hook);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", visitor()));
	return test_harness_run(argc, argv);
}
