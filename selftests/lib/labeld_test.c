// SPDX-License-Identifier: Apache-2.0
/*
 * tconn-labeld and its socket: this very program is the sensor, so its executable is
 * what the policy lists.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/evidence.h"
#include "daemon/lib/file.h"
#include "daemon/lib/label_client.h"
#include "daemon/lib/label_policy.h"
#include "daemon/lib/label_wire.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

#define PATIENCE_MS	60000

static struct swtpm_maker maker;
static struct swtpm swtpm;
static char issuer_dir[SWTPM_PATH_MAX], id_dir[SWTPM_PATH_MAX];
static struct tconn_identity device;
static char self_exe[256], self_digest[65];

FIXTURE(labeld) {
	char dir[SWTPM_PATH_MAX], socket[SWTPM_PATH_MAX + 16];
	const char *identity;
	pid_t daemon;
	int fd;
	uint8_t nonce[TCONN_WIRE_NONCE];
	uint8_t buf[TCONN_WIRE_MAX];
	struct tconn_wire got;
	struct tconn_label_check check;
	struct tconn_label_report report;
	struct tconn_label *l;
	struct tconn_error err;
};

__attribute__((format(printf, 3, 4)))
static void write_text(FIXTURE_DATA(labeld) *self, const char *name, const char *fmt, ...)
{
	char path[SWTPM_PATH_MAX + 32];
	va_list args;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	f = fopen(path, "we");
	va_start(args, fmt);
	vfprintf(f, fmt, args);
	va_end(args);
	fclose(f);
}

static void write_policy(FIXTURE_DATA(labeld) *self, const char *digest, const char *more,
			 unsigned int burst)
{
	write_text(self, "policy", "{\"tconn-label-policy\":1,\"clients\":[{\"executable\":\"%s\","
		   "\"digest\":[\"%s\"],\"sources\":[\"thermometer/1\",\"probe/...\"],%s"
		   "\"items_per_second\":1,\"burst\":%u}]}", self_exe, digest, more, burst);
}

static void start(FIXTURE_DATA(labeld) *self, unsigned int latency_ms, unsigned int items)
{
	char config[SWTPM_PATH_MAX + 32];

	snprintf(config, sizeof(config), "%s/config", self->dir);
	write_text(self, "config", "{\"tcti\":\"%s\",\"identity\":\"%s\",\"trust\":\"%s/ca.pem\","
		   "\"socket\":\"%s\",\"policy\":\"%s/policy\",\"evidence\":\"%s\",\"latency_ms\":%u,"
		   "\"items\":%u}", swtpm.tcti, self->identity, id_dir, self->socket, self->dir,
		   self->dir, latency_ms, items);
	self->daemon = fork();
	if (!self->daemon) {
		execl("out/bin/tconn-labeld", "tconn-labeld", "--config", config, NULL);
		_exit(127);
	}
}

static int receive(FIXTURE_DATA(labeld) *self, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? recv(fd, self->buf, sizeof(self->buf), 0) : -1;

	if (n <= 0)
		return tconn_fail(&self->err, -ECONNRESET, "no answer");
	return tconn_wire_decode(self->buf, (size_t)n, &self->got, &self->err);
}

static int open_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	for (int i = 0; i < PATIENCE_MS / 20; i++) {
		if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
			return fd;
		usleep(20000);
	}
	close(fd);
	return -1;
}

/* Connected and greeted; what was said is in got. */
static int greet(FIXTURE_DATA(labeld) *self)
{
	int r;

	self->fd = open_socket(self->socket);
	r = self->fd < 0 ? -ENOTCONN : receive(self, self->fd);
	if (!r)
		memcpy(self->nonce, self->got.nonce, sizeof(self->nonce));
	return r;
}

static struct tconn_wire item(FIXTURE_DATA(labeld) *self, uint64_t id, const char *source,
			      const char *data)
{
	struct tconn_wire m = { .type = TCONN_WIRE_ASK, .id = id, .size = strlen(data) };

	memcpy(m.nonce, self->nonce, sizeof(m.nonce));
	strcpy(m.source.name, source);
	strcpy(m.source.content_type, "text/plain");
	tconn_sha256(data, strlen(data), m.digest);
	return m;
}

static int ask(FIXTURE_DATA(labeld) *self, const struct tconn_wire *m)
{
	struct tconn_bytes b = { 0 };
	int r = tconn_wire_encode(m, &b, &self->err);

	if (!r && send(self->fd, b.data, b.len, MSG_NOSIGNAL) < 0)
		r = -errno;
	tconn_bytes_free(&b);
	return r;
}

static int verify(FIXTURE_DATA(labeld) *self)
{
	int r;

	tconn_label_free(self->l);
	self->l = NULL;
	r = tconn_label_decode(self->got.label.data, self->got.label.len, &self->l, &self->err);
	return r ? r : tconn_label_verify(self->l, &self->check, &self->report, &self->err);
}

FIXTURE_SETUP(labeld)
{
	char path[SWTPM_PATH_MAX + 16];

	swtpm_temp_dir(self->dir);
	snprintf(self->socket, sizeof(self->socket), "%s/s", self->dir);
	snprintf(path, sizeof(path), "%s/ca.pem", id_dir);
	ASSERT_EQ(0, tconn_trust_load(path, &self->check.trust, &self->err));
	self->fd = -1;
	self->identity = id_dir;
	write_policy(self, self_digest, "", 20);
}

FIXTURE_TEARDOWN(labeld)
{
	int status;

	if (self->daemon) {
		kill(self->daemon, SIGTERM);
		waitpid(self->daemon, &status, 0);
		EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	close(self->fd);
	tconn_label_free(self->l);
	X509_STORE_free(self->check.trust);
}

TEST_F(labeld, labels_items_and_names_the_program_that_asked)
{
	const struct tconn_label_environment *e;
	const struct tconn_label_source *source;
	struct tconn_label_item got;
	struct tconn_wire m;
	uint64_t epoch;
	char urn[200], path[SWTPM_PATH_MAX + 48], hex[65];
	uint8_t digest[32];
	uint64_t size;
	FILE *f;

	start(self, 50, 100);
	ASSERT_EQ(0, greet(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(TCONN_WIRE_HELLO, self->got.type);
	for (uint64_t i = 1; i <= 3; i++) {
		m = item(self, 10 + i, "thermometer/1", "21.5 C");
		ASSERT_EQ(0, ask(self, &m));
	}
	for (uint64_t i = 1; i <= 3; i++) {
		ASSERT_EQ(0, receive(self, self->fd)) TH_LOG("%s", self->err.text);
		ASSERT_EQ(TCONN_WIRE_LABELLED, self->got.type) TH_LOG("%s", self->got.reason);
		EXPECT_EQ(10 + i, self->got.id);
		ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
		ASSERT_EQ(0, tconn_label_item(self->l, 0, &got, &self->err));
		EXPECT_EQ(i, got.sequence);
		EXPECT_EQ(0, tconn_label_check_data(&got, "21.5 C", 6, &self->err));
	}
	snprintf(urn, sizeof(urn), TCONN_URN_DEVICE "%s", device.name);
	EXPECT_STREQ(urn, self->report.who);
	source = tconn_label_source(self->l, got.source);
	EXPECT_STREQ(self_exe, source->program);
	tconn_hex(source->program_digest, 32, hex);
	EXPECT_STREQ(self_digest, hex);
	e = tconn_label_environment(self->l);
	ASSERT_TRUE(e->present);
	epoch = tconn_label_clock(self->l)->epoch;
	snprintf(path, sizeof(path), "%s/%llu.evidence", self->dir, (unsigned long long)epoch);
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(0, tconn_label_hash_file(fileno(f), digest, &size, &self->err));
	fclose(f);
	EXPECT_EQ(0, memcmp(e->evidence, digest, 32));
}

/* A.1.2, A.2.2.2: data in another sensor's name. */
TEST_F(labeld, A_2_2_2_another_sensors_name_is_refused)
{
	struct tconn_wire m;

	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	m = item(self, 1, "thermometer/2", "99 C");
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	ASSERT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_EQ(EPERM, self->got.code);
	EXPECT_NE(NULL, strstr(self->got.reason, "may not speak for source thermometer/2"))
		TH_LOG("%s", self->got.reason);
	/* The connection goes on, and its own names still work. */
	m = item(self, 2, "probe/x", "1");
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	EXPECT_EQ(TCONN_WIRE_LABELLED, self->got.type) TH_LOG("%s", self->got.reason);
}

TEST_F(labeld, A_2_2_3_a_changed_program_is_turned_away)
{
	char digest[65];

	strcpy(digest, self_digest);
	digest[0] = digest[0] == '0' ? '1' : '0';
	write_policy(self, digest, "", 20);
	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	ASSERT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_EQ(EACCES, self->got.code);
	EXPECT_NE(NULL, strstr(self->got.reason, "digest is not the listed one"));
	EXPECT_GT(0, receive(self, self->fd));
}

TEST_F(labeld, of_another_user_is_turned_away)
{
	write_policy(self, self_digest, "\"uid\":4242,", 20);
	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	ASSERT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_NE(NULL, strstr(self->got.reason, "another user")) TH_LOG("%s", self->got.reason);
}

/* A.2.2.2: a connection handed on to another process, even of the same program. */
TEST_F(labeld, A_2_2_2_a_connection_is_its_process_own)
{
	struct tconn_wire m;
	int status;
	pid_t pid;

	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	m = item(self, 1, "thermometer/1", "99 C");
	pid = fork();
	if (!pid)
		_exit(ask(self, &m) ? 1 : 0);
	waitpid(pid, &status, 0);
	ASSERT_EQ(0, status);
	ASSERT_EQ(0, receive(self, self->fd));
	ASSERT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_NE(NULL, strstr(self->got.reason, "another process")) TH_LOG("%s", self->got.reason);
	EXPECT_GT(0, receive(self, self->fd));
}

TEST_F(labeld, nonce_of_another_connection_is_refused)
{
	struct tconn_wire m;

	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	self->nonce[3] ^= 1;
	m = item(self, 1, "thermometer/1", "x");
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	EXPECT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_EQ(EPROTO, self->got.code);
}

TEST_F(labeld, malformed_message_ends_the_connection)
{
	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	ASSERT_EQ(5, send(self->fd, "hello", 5, MSG_NOSIGNAL));
	ASSERT_EQ(0, receive(self, self->fd));
	EXPECT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_GT(0, receive(self, self->fd));
}

TEST_F(labeld, too_many_items_are_refused_over_all_connections)
{
	struct tconn_wire m;
	size_t refused = 0;

	write_policy(self, self_digest, "", 2);
	start(self, 50, 100);
	for (int connection = 0; connection < 2; connection++) {
		close(self->fd);
		ASSERT_EQ(0, greet(self));
		for (uint64_t i = 0; i < 10; i++) {
			m = item(self, i, "thermometer/1", "x");
			ASSERT_EQ(0, ask(self, &m));
		}
		for (uint64_t i = 0; i < 10; i++) {
			ASSERT_EQ(0, receive(self, self->fd)) TH_LOG("%s", self->err.text);
			refused += self->got.type == TCONN_WIRE_REFUSED && self->got.code == EAGAIN;
		}
	}
	/* Two of the burst, and a few that time brought. */
	EXPECT_LT(1, refused);
}

/* Neither bound is waited for in vain: a batch that is full is signed at once, and one
 * that never fills when its time has come.
 */
TEST_F(labeld, batch_is_closed_by_whichever_bound_comes_first)
{
	struct tconn_wire m;

	start(self, 60000, 2);
	ASSERT_EQ(0, greet(self));
	for (uint64_t i = 0; i < 2; i++) {
		m = item(self, i, "thermometer/1", "x");
		ASSERT_EQ(0, ask(self, &m));
	}
	for (uint64_t i = 0; i < 2; i++) {
		ASSERT_EQ(0, receive(self, self->fd)) TH_LOG("%s", self->err.text);
		ASSERT_EQ(TCONN_WIRE_LABELLED, self->got.type);
	}
	/* Alone it stays until the bound: nothing comes soon. */
	m = item(self, 9, "thermometer/1", "x");
	ASSERT_EQ(0, ask(self, &m));
	EXPECT_EQ(0, poll(&(struct pollfd){ .fd = self->fd, .events = POLLIN }, 1, 500));
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* The bound is the configured one, and kept: also for the first item of a batch, and with
 * a TPM about whose speed nothing is known yet.
 */
TEST_F(labeld, label_comes_within_the_latency_bound)
{
	const int64_t bound = 4000;
	struct tconn_wire m;
	int64_t took;

	start(self, (unsigned int)bound, 100);
	ASSERT_EQ(0, greet(self));
	for (uint64_t i = 0; i < 2; i++) {
		took = now_ms();
		m = item(self, i, "thermometer/1", "x");
		ASSERT_EQ(0, ask(self, &m));
		ASSERT_EQ(0, receive(self, self->fd)) TH_LOG("%s", self->err.text);
		took = now_ms() - took;
		ASSERT_EQ(TCONN_WIRE_LABELLED, self->got.type);
		EXPECT_GT(bound, took);
		/* Not before half of it: others may still join the batch. */
		EXPECT_LT(bound / 2 - 1, took);
	}
}

static int connect_client(FIXTURE_DATA(labeld) *self, struct tconn_label_connection **ret)
{
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < PATIENCE_MS / 20; i++) {
		r = tconn_label_connect(self->socket, PATIENCE_MS, ret, &self->err);
		if (r == -ENOENT)
			usleep(20000);
	}
	return r;
}

static int verify_bytes(FIXTURE_DATA(labeld) *self, const struct tconn_bytes *label)
{
	self->got.label = (struct tconn_label_span){ label->data, label->len };
	return verify(self);
}

TEST_F(labeld, library_client_gets_labels)
{
	const struct tconn_label_source source = { .name = "thermometer/1", .content_type = "text/plain" };
	struct tconn_label_wanted want = { .source = &source, .data = (const uint8_t *)"21.5 C",
					   .size = 6, .inside = true };
	struct tconn_label_connection *c = NULL;
	struct tconn_bytes label = { 0 }, derived = { 0 };
	struct tconn_label_source mean = { .name = "probe/mean", .content_type = "text/plain",
					   .algorithm = "mean" };
	struct tconn_label_item got;
	uint64_t id[3], answered;

	start(self, 50, 100);
	ASSERT_EQ(0, connect_client(self, &c)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_label_get(c, &want, PATIENCE_MS, &label, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify_bytes(self, &label)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_label_item(self->l, 0, &got, &self->err));
	EXPECT_TRUE(got.inside);
	EXPECT_EQ(0, memcmp(got.data, "21.5 C", 6));
	/* Derived from it; several under way, by digest. */
	want = (struct tconn_label_wanted){ .source = &mean, .data = (const uint8_t *)"21.5 C",
					    .size = 6, .inputs = &label, .input_count = 1 };
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, tconn_label_ask(c, &want, &id[i], &self->err));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, tconn_label_answer(c, PATIENCE_MS, &answered, &derived, &self->err))
			TH_LOG("%s", self->err.text);
		EXPECT_EQ(id[i], answered);
		ASSERT_EQ(0, verify_bytes(self, &derived)) TH_LOG("%s", self->err.text);
		EXPECT_EQ(1, self->report.inputs);
		tconn_bytes_free(&derived);
	}
	tconn_bytes_free(&label);
	tconn_label_disconnect(c);
}

/* A certificate of this key in the place of data.pem, as enrolment writes it: the whole file at
 * once. The file from which it came stays.
 */
static int renew(FIXTURE_DATA(labeld) *self, const struct tconn_identity *who, enum tconn_key key,
		 const char *file)
{
	char command[4 * SWTPM_PATH_MAX];
	struct tconn_issuer *issuer = NULL;
	struct tconn_tpm *tpm = NULL;
	int r = tconn_issuer_load(issuer_dir, &issuer, &self->err);

	if (!r)
		r = tconn_tpm_open(swtpm.tcti, &tpm, &self->err);
	if (!r)
		test_certificate(issuer, who, tpm, key, TCONN_USE_DATA, self->dir, file);
	tconn_tpm_close(tpm);
	tconn_issuer_free(issuer);
	snprintf(command, sizeof(command), "cd %s && cp %s next && mv next data.pem", self->dir, file);
	return r ? r : system(command);
}

/* A label of now, which verifies; whether it carries the certificate in this file. */
static bool label_has(FIXTURE_DATA(labeld) *self, struct tconn_label_connection *c, const char *file)
{
	const struct tconn_label_source source = { .name = "probe/x", .content_type = "text/plain" };
	const struct tconn_label_wanted want = { .source = &source, .data = (const uint8_t *)"x",
						 .size = 1 };
	char path[SWTPM_PATH_MAX + 32];
	struct tconn_bytes label = { 0 };
	uint8_t *der = NULL;
	size_t len = 0;
	bool has;

	snprintf(path, sizeof(path), "%s/%s", self->dir, file);
	has = !tconn_label_get(c, &want, PATIENCE_MS, &label, &self->err) &&
	      !verify_bytes(self, &label) && !tconn_certificate_load(path, &der, &len, &self->err) &&
	      memmem(label.data, label.len, der, len);
	free(der);
	tconn_bytes_free(&label);
	return has;
}

/* tconnd renews the identity while labels are made: the next ones carry the new certificate, and
 * none that is of another identity or of another key than the TPM's data key.
 */
TEST_F(labeld, renewed_certificate_is_taken_without_a_restart)
{
	struct tconn_label_connection *c = NULL;
	struct tconn_identity stranger = device;
	char command[4 * SWTPM_PATH_MAX];

	snprintf(command, sizeof(command), "cp %s/*.pem %s", id_dir, self->dir);
	ASSERT_EQ(0, system(command));
	self->identity = self->dir;
	ASSERT_EQ(0, renew(self, &device, TCONN_KEY_DATA, "first"));
	start(self, 50, 100);
	ASSERT_EQ(0, connect_client(self, &c)) TH_LOG("%s", self->err.text);
	EXPECT_TRUE(label_has(self, c, "first")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, renew(self, &device, TCONN_KEY_DATA, "second"));
	EXPECT_TRUE(label_has(self, c, "second")) TH_LOG("%s", self->err.text);

	stranger.name[0] = stranger.name[0] == '0' ? '1' : '0';
	ASSERT_EQ(0, renew(self, &stranger, TCONN_KEY_DATA, "stranger"));
	EXPECT_TRUE(label_has(self, c, "second")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, renew(self, &device, TCONN_KEY_TLS, "key"));
	EXPECT_TRUE(label_has(self, c, "second")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, renew(self, &device, TCONN_KEY_DATA, "third"));
	EXPECT_TRUE(label_has(self, c, "third")) TH_LOG("%s", self->err.text);
	tconn_label_disconnect(c);
}

TEST_F(labeld, library_client_hears_why_it_is_refused)
{
	struct tconn_label_source source = { .name = "thermometer/2", .content_type = "text/plain" };
	struct tconn_label_wanted want = { .source = &source, .data = (const uint8_t *)"x", .size = 1 };
	struct tconn_label_connection *c = NULL;
	struct tconn_bytes label = { 0 };

	start(self, 50, 100);
	ASSERT_EQ(0, connect_client(self, &c)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EPERM, tconn_label_get(c, &want, PATIENCE_MS, &label, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "may not speak for source thermometer/2"))
		TH_LOG("%s", self->err.text);
	strcpy(source.name, "thermometer/1");
	EXPECT_EQ(0, tconn_label_get(c, &want, PATIENCE_MS, &label, &self->err));
	tconn_bytes_free(&label);
	/* What cannot be sent is refused here, and the connection goes on. */
	want.size = TCONN_LABEL_INLINE_MAX + 1;
	want.inside = true;
	EXPECT_EQ(-EMSGSIZE, tconn_label_get(c, &want, PATIENCE_MS, &label, &self->err));
	EXPECT_EQ(-ETIMEDOUT, tconn_label_answer(c, 10, &(uint64_t){ 0 }, &label, &self->err));
	kill(self->daemon, SIGTERM);
	EXPECT_EQ(-EPIPE, tconn_label_answer(c, PATIENCE_MS, &(uint64_t){ 0 }, &label, &self->err));
	EXPECT_EQ(NULL, label.data);
	tconn_label_disconnect(c);
}

TEST_F(labeld, library_client_that_is_not_listed_is_turned_away)
{
	struct tconn_label_connection *c = NULL;

	write_policy(self, self_digest, "\"uid\":4242,", 20);
	start(self, 50, 100);
	EXPECT_EQ(-EACCES, connect_client(self, &c));
	EXPECT_NE(NULL, strstr(self->err.text, "another user")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(NULL, c);
}

/* Executable's digest in hex; "" where it cannot be read. */
static void digest_of(const char *path, char ret[65])
{
	uint8_t digest[32];
	uint64_t size;
	FILE *f = fopen(path, "re");

	*ret = '\0';
	if (f && !tconn_label_hash_file(fileno(f), digest, &size, NULL))
		tconn_hex(digest, sizeof(digest), ret);
	if (f)
		fclose(f);
}

TEST_F(labeld, tool_gets_labels_from_the_daemon)
{
	struct tconn_label_connection *c = NULL;
	struct tconn_bytes label = { 0 };
	char tool[PATH_MAX], digest[65], command[2 * PATH_MAX], path[SWTPM_PATH_MAX + 32];
	struct tconn_label_item got;
	int status;

	ASSERT_NE(NULL, realpath("out/bin/tconnctl", tool));
	digest_of(tool, digest);
	write_text(self, "policy", "{\"tconn-label-policy\":1,\"clients\":[{\"executable\":\"%s\","
		   "\"digest\":[\"%s\"],\"sources\":[\"camera/1\"],\"items_per_second\":9,"
		   "\"burst\":9}]}", tool, digest);
	write_text(self, "picture", "pixels");
	start(self, 50, 100);
	/* This program is not listed, but its refusal says that the daemon is there. */
	ASSERT_EQ(-EACCES, connect_client(self, &c));
	snprintf(command, sizeof(command), "%s label sign --socket %s --source camera/1 --type image/raw "
		 "--parameter gain=2 %s/picture", tool, self->socket, self->dir);
	status = system(command);
	ASSERT_EQ(0, status);
	snprintf(path, sizeof(path), "%s/picture.label", self->dir);
	ASSERT_EQ(0, tconn_file_read(path, TCONN_LABEL_MAX, &label, &self->err));
	ASSERT_EQ(0, verify_bytes(self, &label)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_label_item(self->l, 0, &got, &self->err));
	EXPECT_EQ(0, tconn_label_check_data(&got, "pixels", 6, &self->err));
	EXPECT_STREQ(tool, tconn_label_source(self->l, 0)->program);
	tconn_bytes_free(&label);
}

TEST_F(labeld, A_1_3_derived_item_carries_verified_inputs_only)
{
	struct tconn_bytes input = { 0 };
	struct tconn_wire m;

	start(self, 50, 100);
	ASSERT_EQ(0, greet(self));
	m = item(self, 1, "thermometer/1", "21.5 C");
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	ASSERT_EQ(TCONN_WIRE_LABELLED, self->got.type);
	ASSERT_EQ(0, tconn_bytes_copy(&input, self->got.label.data, self->got.label.len, &self->err));
	m = item(self, 2, "probe/mean", "21.5 C");
	strcpy(m.source.algorithm, "mean");
	m.input_count = 1;
	m.input[0] = (struct tconn_label_span){ input.data, input.len };
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	ASSERT_EQ(TCONN_WIRE_LABELLED, self->got.type) TH_LOG("%s", self->got.reason);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(1, self->report.inputs);
	input.data[input.len - 1] ^= 1;
	m.id = 3;
	ASSERT_EQ(0, ask(self, &m));
	ASSERT_EQ(0, receive(self, self->fd));
	ASSERT_EQ(TCONN_WIRE_REFUSED, self->got.type);
	EXPECT_NE(NULL, strstr(self->got.reason, "input 1")) TH_LOG("%s", self->got.reason);
	tconn_bytes_free(&input);
}

TEST(policy_refuses_what_it_does_not_know)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{\"tconn-label-policy\":2,\"clients\":[]}",
		"{\"tconn-label-policy\":1}",
		"{\"tconn-label-policy\":1,\"clients\":[],\"more\":1}",
		"{\"tconn-label-policy\":1,\"clients\":[{}]}",
		"{\"tconn-label-policy\":1,\"clients\":[{\"executable\":\"/x\",\"sourcez\":[\"a\"]}]}",
		"{\"tconn-label-policy\":1,\"clients\":[]} x",
		"{\"tconn-label-policy\":1,\"clients\":[{\"executable\":\"/x\",\"digest\":[\"12\"],"
		"\"sources\":[\"a\"],\"items_per_second\":1,\"burst\":1}]}",
	};
	static const char good[] = "{\"tconn-label-policy\":1,\"clients\":[]}";
	struct tconn_label_policy *p = calloc(1, sizeof(*p));
	struct tconn_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_GT(0, tconn_label_policy_parse(bad[i], strlen(bad[i]), p, &err))
			TH_LOG("%s", bad[i]);
	}
	EXPECT_EQ(0, tconn_label_policy_parse(good, strlen(good), p, &err)) TH_LOG("%s", err.text);
	free(p);
}

TEST(policy_matches_names_whole_or_below_a_folder)
{
	const struct tconn_label_client c = { .source_count = 2, .source = { "a/1", "b/..." },
					      .type_count = 1, .type = { "text/plain" } };

	EXPECT_EQ(0, tconn_label_policy_allows(&c, "a/1", "text/plain", NULL));
	EXPECT_EQ(0, tconn_label_policy_allows(&c, "b/c/d", "text/plain", NULL));
	EXPECT_EQ(-EPERM, tconn_label_policy_allows(&c, "a/1", "image/png", NULL));
	EXPECT_EQ(-EPERM, tconn_label_policy_allows(&c, "a/12", "text/plain", NULL));
	EXPECT_EQ(-EPERM, tconn_label_policy_allows(&c, "b/", "text/plain", NULL));
	EXPECT_EQ(-EPERM, tconn_label_policy_allows(&c, "b", "text/plain", NULL));
	EXPECT_EQ(-EPERM, tconn_label_policy_allows(&c, "bc/d", "text/plain", NULL));
}

static void know_self(void)
{
	struct tconn_error err;
	uint8_t digest[32];
	uint64_t size;
	FILE *f = fopen("/proc/self/exe", "re");
	ssize_t n = readlink("/proc/self/exe", self_exe, sizeof(self_exe) - 1);

	if (!f || n < 0 || tconn_label_hash_file(fileno(f), digest, &size, &err)) {
		printf("Bail out! /proc/self/exe cannot be read\n");
		exit(1);
	}
	fclose(f);
	self_exe[n] = '\0';
	tconn_hex(digest, sizeof(digest), self_digest);
}

int main(int argc, char **argv)
{
	struct tconn_issuer *issuer;

	know_self();
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "device", &swtpm);
	swtpm_temp_dir(issuer_dir);
	swtpm_temp_dir(id_dir);
	issuer = test_issuer(issuer_dir, "test issuer");
	test_identity(issuer, issuer_dir, swtpm.tcti, NULL, id_dir, &device);
	tconn_issuer_free(issuer);
	return test_harness_run(argc, argv);
}
