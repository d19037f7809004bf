// SPDX-License-Identifier: Apache-2.0
/*
 * The operator's API over HTTP, by a real curl: who may come in, that it does what the
 * operator's socket does, and that strangers who stall, trickle or talk garbage by the
 * thousand are in nobody's way.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "stage.h"

#define STALLED	3000
#define PENDING	8

static struct stage w;
static pid_t serviced;
static char at[32];		/* the listener */
static char reader[160], operator[160];	/* Authorization headers */

static const char *visitor(void)
{
	return w.visitor.identity.name;
}

static const char *log_text(void)
{
	return stage_read(stage_path(&w, "tconn-serviced.log"));
}

/* -- calls */

static char *answer;		/* the last one's body */

/* HTTP's status, 0: none came. who: a header or ""; more: further words of curl, up to NULL. */
static int curl(const char *who, const char *method, const char *path, const char *body)
{
	char url[512], seconds[] = "30";
	char *code;
	int status;

	snprintf(url, sizeof(url), "https://%s%s", at, path);
	unlink(stage_path(&w, "curl.code"));
	unlink(stage_path(&w, "curl.body"));
	if (body)
		stage_wait(stage_spawn_path(&w, "curl.code", "/usr/bin/curl", "-sS", "--path-as-is", "-m",
					    seconds, "--cacert", stage_path(&w, "http.pem"), "-o",
					    stage_path(&w, "curl.body"), "-w", "\n%{http_code}", "-X",
					    method, "-H", *who ? who : "X-Nobody: 1", "-d", body, url,
					    NULL), 40000);
	else
		stage_wait(stage_spawn_path(&w, "curl.code", "/usr/bin/curl", "-sS", "--path-as-is", "-m",
					    seconds, "--cacert", stage_path(&w, "http.pem"), "-o",
					    stage_path(&w, "curl.body"), "-w", "\n%{http_code}", "-X",
					    method, "-H", *who ? who : "X-Nobody: 1", url, NULL), 40000);
	free(answer);
	answer = stage_read(stage_path(&w, "curl.body"));
	code = stage_read(stage_path(&w, "curl.code"));
	status = strrchr(code, '\n') ? atoi(strrchr(code, '\n') + 1) : 0;
	free(code);
	return status;
}

static int get(const char *path)
{
	return curl(reader, "GET", path, NULL);
}

static int post(const char *path, const char *body)
{
	return curl(operator, "POST", path, body);
}

/* The answer as an object; it stays until the next call. */
static struct json_object *said(void)
{
	static struct json_object *last;

	json_object_put(last);
	last = json_tokener_parse(answer ? answer : "");
	return last;
}

static const char *path_of(const char *fmt, ...)
{
	static char path[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return path;
}

/* -- who may come in */

TEST(without_a_token_there_is_nothing)
{
	static const char *const wrong[] = {
		"", "Authorization: Bearer", "Authorization: Bearer x",
		"Authorization: Bearer tconn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"Authorization: Basic dXNlcjpwYXNz", "X-Token: 1",
	};
	static const char *const paths[] = {
		"/v1/devices", "/v1/status", "/health", "/metrics", "/no/such", "/",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
			EXPECT_EQ(401, curl(wrong[i], "GET", paths[p], NULL)) TH_LOG("%s", wrong[i]);
			EXPECT_STREQ("{\"ok\":false}\n", answer);
		}
	}
	EXPECT_EQ(401, curl("", "POST", "/v1/devices", "{\"id\":\"x\"}"));
	EXPECT_EQ(401, curl("", "BREW", "/v1/devices", NULL));
}

TEST(a_hash_from_the_file_is_no_token)
{
	char *file = stage_read(stage_path(&w, "tokens"));
	char header[160];

	snprintf(header, sizeof(header), "Authorization: Bearer %.64s", strstr(file, "operate ") + 8);
	EXPECT_EQ(401, curl(header, "GET", "/v1/status", NULL));
	free(file);
}

TEST(reader_may_look_and_not_touch)
{
	EXPECT_EQ(200, get("/v1/devices"));
	EXPECT_EQ(403, curl(reader, "POST", "/v1/devices", "{\"id\":\"x\"}"));
	EXPECT_IN("may read, not operate", answer);
	EXPECT_EQ(403, curl(reader, "POST", "/v1/requests", "{}"));
	EXPECT_EQ(403, curl(reader, "DELETE", "/v1/revocations/device/ab", NULL));
	EXPECT_EQ(403, curl(reader, "POST", "/v1/revocations", "{}"));
}

TEST(unknown_paths_and_methods_are_refused)
{
	EXPECT_EQ(404, get("/"));
	EXPECT_EQ(404, get("/v1"));
	EXPECT_EQ(404, get("/v1/devices/"));
	EXPECT_EQ(404, get("//v1/devices"));
	EXPECT_EQ(404, get("/v1/../v1/devices"));
	EXPECT_EQ(404, get("/v1/%64evices"));
	EXPECT_EQ(405, curl(operator, "DELETE", "/v1/devices", NULL));
	EXPECT_EQ(405, curl(operator, "PUT", "/v1/status", NULL));
	EXPECT_EQ(405, curl(operator, "OPTIONS", "/v1/status", NULL));
	EXPECT_EQ(400, get("/v1/devices?x=1"));
	EXPECT_EQ(400, get("/v1/audit?after=-1"));
	EXPECT_EQ(400, get("/v1/audit?after=1&after=2"));
	EXPECT_EQ(400, get("/v1/receipts/1x"));
	EXPECT_EQ(400, get("/v1/devices/ab..cd"));
}

TEST(bodies_are_limited_and_checked)
{
	char *long_body = malloc(70000);

	EXPECT_EQ(400, post("/v1/devices", "nothing"));
	EXPECT_EQ(400, post("/v1/devices", "{\"id\":1}"));
	EXPECT_EQ(400, post("/v1/devices", "{} {}"));
	EXPECT_EQ(400, post("/v1/devices", "{\"do\":\"status\"}"));
	EXPECT_EQ(400, post(path_of("/v1/devices/%s/rekey", visitor()), "{\"id\":\"x\"}"));
	memset(long_body, ' ', 69999);
	long_body[69999] = '\0';
	EXPECT_EQ(413, post("/v1/devices", long_body));
	EXPECT_EQ(413, curl(reader, "GET", "/v1/devices", "{}"));
	free(long_body);
}

/* -- the same as on the socket */

TEST(devices_are_the_socket_s_devices)
{
	struct json_object *reply = stage_call(w.admin, 5000, "{\"do\":\"device-list\"}");

	ASSERT_EQ(200, get("/v1/devices"));
	EXPECT_TRUE(json_object_equal(reply, said())) TH_LOG("%s", answer);
	json_object_put(reply);
	reply = stage_call(w.admin, 5000, "{\"do\":\"device-show\",\"id\":\"%s\"}", visitor());
	ASSERT_EQ(200, get(path_of("/v1/devices/%s", visitor())));
	EXPECT_TRUE(json_object_equal(reply, said())) TH_LOG("%s", answer);
	json_object_put(reply);
	EXPECT_EQ(404, get(path_of("/v1/devices/%064d", 0)));
	EXPECT_IN("not enrolled", answer);
}

TEST(device_is_added_and_in_the_audit_log_by_name)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"id\":\"%064d\"}", 7);
	EXPECT_EQ(200, post("/v1/devices", body)) TH_LOG("%s", answer);
	EXPECT_EQ(409, post("/v1/devices", body));
	EXPECT_EQ(200, get(path_of("/v1/devices/%064d", 7)));
	EXPECT_EQ(200, get("/v1/audit"));
	EXPECT_IN("operator desk over HTTP", answer);
	EXPECT_IN("\"signature\"", answer);
	EXPECT_EQ(200, get("/v1/audit?after=1"));
	EXPECT_EQ(NULL, strstr(answer, "\"number\":1,"));
}

TEST(revocation_and_its_end)
{
	EXPECT_EQ(200, post("/v1/revocations",
			    "{\"kind\":\"certificate\",\"subject\":\"abc1\",\"reason\":\"lost\"}"))
		TH_LOG("%s", answer);
	EXPECT_EQ(200, get("/v1/revocations"));
	EXPECT_IN("abc1", answer);
	EXPECT_EQ(200, curl(operator, "DELETE", "/v1/revocations/certificate/abc1", NULL));
	EXPECT_EQ(404, curl(operator, "DELETE", "/v1/revocations/certificate/abc1", NULL));
}

TEST(policies_with_digests)
{
	struct json_object *reply = stage_call(w.admin, 5000, "{\"do\":\"policy-list\"}");

	ASSERT_EQ(200, get("/v1/policies"));
	EXPECT_TRUE(json_object_equal(reply, said()));
	EXPECT_IN("\"name\":\"test\"", answer);
	EXPECT_IN("\"digest\"", answer);
	EXPECT_IN("\"signed\":false", answer);
	json_object_put(reply);
	EXPECT_EQ(0, stage_ctl(&w, "policy", "list", NULL));
	EXPECT_IN("reference values ", stage_read(stage_path(&w, "ctl.out")));
}

TEST(request_gives_a_ticket_and_then_its_answer)
{
	char body[256];
	unsigned long long ticket = 0;
	struct json_object *reply;

	snprintf(body, sizeof(body), "{\"id\":\"%s\",\"kind\":\"confirm\",\"text\":\"Pay?\"}", visitor());
	ASSERT_EQ(202, post("/v1/requests", body)) TH_LOG("%s", answer);
	ASSERT_TRUE(tconn_json_uint(said(), "ticket", 1000, &ticket));
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(200, get(path_of("/v1/requests/%llu", ticket)));
		if (!stage_flag(said(), "pending"))
			break;
		usleep(100000);
	}
	reply = said();
	/* The visitor is not connected: the answer is that. */
	EXPECT_FALSE(stage_flag(reply, "pending"));
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("is not connected", stage_text(reply, "error"));
	EXPECT_EQ(404, get("/v1/requests/9999"));
	EXPECT_EQ(404, get("/v1/requests/0"));
}

static bool is_in(void *arg)
{
	return stage_connected(&w, arg);
}

/* While a device takes its time, others are served. */
TEST(attestation_that_takes_long_is_in_nobodys_way)
{
	struct player p;
	pid_t slow;
	char url[256];
	time_t began;

	player_open(&p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&p)) TH_LOG("%s", p.err.text);
	ASSERT_EQ(0, player_attest(&p)) TH_LOG("%s", p.err.text);
	ASSERT_TRUE(stage_until(is_in, (void *)visitor(), 5000));
	snprintf(url, sizeof(url), "https://%s/v1/devices/%s/attest", at, visitor());
	slow = stage_spawn_path(&w, "slow.out", "/usr/bin/curl", "-sS", "-m", "60", "--cacert",
				stage_path(&w, "http.pem"), "-X", "POST", "-H", operator, url, NULL);
	usleep(500000);
	began = time(NULL);
	EXPECT_EQ(200, get("/v1/status"));
	EXPECT_IN("\"asking\":true", answer);
	EXPECT_GE(began + 2, time(NULL));
	player_close(&p);
	EXPECT_EQ(0, stage_wait(slow, 30000));
	EXPECT_IN("\"ok\":false", stage_read(stage_path(&w, "slow.out")));
}

/* -- what is sent to devices is sent along, not read from this machine */

TEST(files_of_the_machine_are_not_sent_to_devices)
{
	EXPECT_EQ(400, post(path_of("/v1/devices/%s/items", visitor()),
			    "{\"label\":\"/etc/passwd\",\"data\":\"/etc/shadow\"}"));
	EXPECT_IN("label_bytes", answer);
	EXPECT_EQ(409, post(path_of("/v1/devices/%s/items", visitor()),
			    "{\"label_bytes\":\"AAAA\",\"data_bytes\":\"QUJD\"}")) TH_LOG("%s", answer);
	EXPECT_IN("is not connected", answer);
	EXPECT_EQ(400, post(path_of("/v1/devices/%s/items", visitor()),
			    "{\"label_bytes\":\"AA\",\"data_bytes\":\"QUJD\"}"));
	EXPECT_EQ(200, get("/v1/audit"));
	EXPECT_IN("data_base64_sha256", answer);
}

/* -- health and numbers */

TEST(healthy_and_counted)
{
	EXPECT_EQ(200, get("/health")) TH_LOG("%s", answer);
	EXPECT_TRUE(stage_flag(said(), "live"));
	EXPECT_TRUE(stage_flag(said(), "ready"));
	EXPECT_EQ(200, get("/metrics"));
	EXPECT_IN("# TYPE tconn_connections gauge\n", answer);
	EXPECT_IN("tconn_http_calls_total{token=\"unknown\"}", answer);
}

static int dial(const char *address)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_ready(void *arg)
{
	(void)arg;
	return get("/health") == 200;
}

TEST(not_ready_while_strangers_take_all_places)
{
	int fd[PENDING];

	for (int i = 0; i < PENDING; i++)
		fd[i] = dial(w.address);
	usleep(200000);
	EXPECT_EQ(503, get("/health")) TH_LOG("%s", answer);
	EXPECT_TRUE(stage_flag(said(), "live"));
	EXPECT_FALSE(stage_flag(said(), "ready"));
	EXPECT_IN("room: ", answer);
	for (int i = 0; i < PENDING; i++)
		close(fd[i]);
	EXPECT_TRUE(stage_until(is_ready, NULL, 10000));
}

/* -- the crowd */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* Some say nothing, some begin a handshake, some talk garbage, one byte at a time. */
TEST(thousands_of_stalled_clients_do_not_hinder_a_good_one)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01";
	static int fd[STALLED];
	int there = 0, slow = 0;
	int64_t began;

	for (int i = 0; i < STALLED; i++) {
		fd[i] = dial(at);
		there += fd[i] >= 0;
		if (fd[i] >= 0 && i % 3)
			send(fd[i], i % 3 == 1 ? hello : "GET / HT", 6, MSG_NOSIGNAL);
	}
	EXPECT_EQ(STALLED, there);
	for (int round = 0; round < 10; round++) {
		began = now_ms();
		EXPECT_EQ(200, get("/v1/status"));
		slow += now_ms() - began > 3000;
		for (int i = 0; i < STALLED; i++)
			if (fd[i] >= 0)
				send(fd[i], "x", 1, MSG_NOSIGNAL);
	}
	EXPECT_EQ(0, slow);
	for (int i = 0; i < STALLED; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	EXPECT_EQ(200, get("/metrics"));
	EXPECT_EQ(NULL, strstr(answer, "tconn_http_cut_total 0\n"));
}

/* A byte every second keeps any idle timer from firing; the deadline of the phase stands. */
TEST(who_trickles_is_cut_at_the_deadline)
{
	char command[1024];
	int64_t began = now_ms();
	pid_t pid;

	snprintf(command, sizeof(command),
		 "(printf 'GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\nX: '; while printf x; do sleep 1; done) | "
		 "timeout 40 openssl s_client -quiet -no_ign_eof -connect %s -CAfile %s", at,
		 stage_path(&w, "http.pem"));
	pid = stage_spawn_path(&w, "trickle.out", "/bin/sh", "-c", command, NULL);
	stage_wait(pid, 45000);
	EXPECT_GE(20000, now_ms() - began);
	EXPECT_LE(8000, now_ms() - began);
}

TEST(tls_1_2_is_refused)
{
	EXPECT_NE(0, stage_wait(stage_spawn_path(&w, "old.out", "/usr/bin/curl", "-sS", "--tls-max", "1.2",
						 "--cacert", stage_path(&w, "http.pem"), "-H", reader,
						 path_of("https://%s/v1/status", at), NULL), 20000));
}

TEST(tokens_are_nowhere_in_logs_or_books)
{
	const char *secret = strstr(operator, "tconn_");

	EXPECT_EQ(200, get("/v1/audit"));
	EXPECT_EQ(NULL, strstr(answer, secret));
	EXPECT_EQ(NULL, strstr(log_text(), secret));
}

/* -- SIGHUP */

static void make_certificate(const char *name)
{
	char key[STAGE_PATH], cert[STAGE_PATH];

	snprintf(key, sizeof(key), "%s/%s.key", w.dir, name);
	snprintf(cert, sizeof(cert), "%s/%s.pem", w.dir, name);
	if (stage_wait(stage_spawn_path(&w, "openssl.out", "/usr/bin/openssl", "req", "-x509", "-newkey", "ec",
					"-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
					"-out", cert, "-days", "2", "-subj", "/CN=operators", "-addext",
					"subjectAltName=IP:127.0.0.1", NULL), 20000)) {
		printf("Bail out! no certificate: %s\n", stage_read(stage_path(&w, "openssl.out")));
		exit(1);
	}
	chmod(key, 0600);
}

static bool is_reloaded(void *arg)
{
	return strstr(log_text() + *(size_t *)arg, "reloaded") != NULL;
}

static bool reload(void)
{
	size_t from = strlen(log_text());

	kill(serviced, SIGHUP);
	return stage_until(is_reloaded, &from, 10000);
}

TEST(token_that_is_taken_back_is_none_after_a_reload)
{
	char *file = stage_read(stage_path(&w, "tokens"));
	char *desk = strstr(file, "# desk");

	EXPECT_EQ(200, curl(operator, "GET", "/v1/status", NULL));
	stage_write(stage_path(&w, "tokens"), file, (size_t)(desk - file));
	ASSERT_TRUE(reload());
	EXPECT_EQ(401, curl(operator, "GET", "/v1/status", NULL));
	EXPECT_EQ(200, get("/v1/status"));
	/* A list that is none: the last good one stays. */
	stage_write(stage_path(&w, "tokens"), "nonsense\n", 9);
	ASSERT_TRUE(reload());
	EXPECT_IN("NOT reloaded", log_text());
	EXPECT_EQ(200, get("/v1/status"));
	stage_write(stage_path(&w, "tokens"), file, strlen(file));
	ASSERT_TRUE(reload());
	EXPECT_EQ(200, curl(operator, "GET", "/v1/status", NULL));
	free(file);
}

TEST(certificate_is_another_one_after_a_reload)
{
	char *old = stage_read(stage_path(&w, "http.pem")), *key;

	make_certificate("http");
	/* curl believes the new one, and is shown the old. */
	EXPECT_EQ(0, get("/v1/status"));
	ASSERT_TRUE(reload());
	EXPECT_EQ(200, get("/v1/status"));
	/* A key that is not the certificate's is refused. */
	key = stage_read(stage_path(&w, "http.pem"));
	stage_write(stage_path(&w, "http.pem"), old, strlen(old));
	ASSERT_TRUE(reload());
	EXPECT_IN("not the key of the certificate", log_text());
	stage_write(stage_path(&w, "http.pem"), key, strlen(key));
	EXPECT_EQ(200, get("/v1/status"));
	free(old);
	free(key);
}

/* -- configurations that are refused */

TEST(listener_wants_all_it_needs)
{
	static const char *const part[] = { "http_certificate", "http_key", "http_tokens" };

	for (int i = 0; i < 3; i++) {
		char *text = stage_read(stage_path(&w, "serviced.json"));
		char *key = strstr(text, part[i]);

		ASSERT_NE(NULL, key);
		key[0] = 'x';
		stage_write(stage_path(&w, "bad.json"), text, strlen(text));
		EXPECT_EQ(3, stage_wait(stage_spawn(&w, "bad.out", "tconn-serviced", "--check", "--config",
						    stage_path(&w, "bad.json"), NULL), 20000));
		free(text);
	}
}

/* By what it was started with: our own TPM of the service. */
static pid_t find_tpm(void)
{
	char want[SWTPM_PATH_MAX + 32], path[300], line[4096];
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	snprintf(want, sizeof(want), "dir=%s/service", w.maker.dir);
	for (struct dirent *e = readdir(proc); e && !found; e = readdir(proc)) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (memmem(line, fread(line, 1, sizeof(line), f), want, strlen(want) + 1))
			found = atoi(e->d_name);
		fclose(f);
	}
	closedir(proc);
	return found;
}

/* Last: the service is good for nothing afterwards. */
TEST(without_its_tpm_it_is_live_and_not_ready)
{
	pid_t tpm = find_tpm();

	ASSERT_LT(0, tpm);
	EXPECT_EQ(0, kill(tpm, SIGKILL));
	for (int i = 0; i < 20 && get("/health") != 503; i++)
		sleep(1);
	EXPECT_TRUE(stage_flag(said(), "live")) TH_LOG("%s", answer);
	EXPECT_FALSE(stage_flag(said(), "ready"));
	EXPECT_IN("TPM: ", answer);
}

/* -- the stage */

/* By the tool, as an operator would. */
static void make_token(const char *name, const char *role, char *header, size_t size)
{
	char *out, *token, *line;
	FILE *f;

	stage_ctl(&w, "token", name, role, NULL);
	out = stage_read(stage_path(&w, "ctl.out"));
	token = strstr(out, "tconn_");
	line = strstr(out, "http_tokens\":");
	if (!token || !line) {
		printf("Bail out! no token: %s\n", out);
		exit(1);
	}
	snprintf(header, size, "Authorization: Bearer %.*s", (int)strcspn(token, "\n"), token);
	f = fopen(stage_path(&w, "tokens"), "ae");
	fprintf(f, "# %s\n%s", name, line + strlen("http_tokens\":  "));
	fclose(f);
	free(out);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char config[1024];

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	umask(022);
	stage_start(&w);
	make_certificate("http");
	make_token("board", "read", reader, sizeof(reader));
	make_token("desk", "operate", operator, sizeof(operator));
	stage_free_address(at, sizeof(at));
	snprintf(config, sizeof(config),
		 "\"message_ms\":5000,\"pending\":%d,\"http_listen\":\"%s\","
		 "\"http_certificate\":\"%s\",\"http_key\":\"%s\","
		 "\"http_tokens\":\"%s\"", PENDING, at, stage_path(&w, "http.pem"), stage_path(&w, "http.key"),
		 stage_path(&w, "tokens"));
	serviced = stage_serviced(&w, config);
	stage_end_at_exit(&w, &serviced, NULL);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", visitor()));
	return test_harness_run(argc, argv);
}
