// SPDX-License-Identifier: Apache-2.0
/*
 * From TPMs with nothing but an EK certificate to a device and a service that
 * trust each other: tconn-ca, tconnctl enrol, tconn-serviced, tconnd. An enrolment that is cut
 * off anywhere, and certificates that are not this TPM's. And what arrives at tconn-ca's port
 * that is no enrolment.
 */
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "stage.h"

/* What leaves the program: commands to the TPM, messages to the issuer, changes on the disk. */
#define LEAVES "write,writev,sendto,sendmsg,mkdir,mkdirat,rename,renameat,renameat2,fsync"

static struct stage w;
static struct machine fresh;	/* a TPM with an EK certificate and nothing else */
static char ca_address[32], ca_dir[STAGE_PATH], ca_file[STAGE_PATH];

static int dial(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)atoi(strchr(ca_address, ':') + 1));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool ca_listens(void *arg)
{
	int fd = dial();

	(void)arg;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static struct json_object *enrol(struct __test_metadata *_metadata, const struct machine *m,
				 const char *role, const char *name)
{
	struct json_object *reply;
	pid_t pid;

	unlink(stage_path(&w, "enrol.out"));
	if (name)
		pid = stage_spawn(&w, "enrol.out", "tconnctl", "--json", "enrol", "--role", role,
				  "--name", name, "--ca", ca_address, "--ca-file", ca_file,
				  "--identity", m->dir, "--tcti", m->swtpm.tcti, NULL);
	else
		pid = stage_spawn(&w, "enrol.out", "tconnctl", "--json", "enrol", "--role", role,
				  "--ca", ca_address, "--ca-file", ca_file, "--identity", m->dir,
				  "--tcti", m->swtpm.tcti, NULL);
	EXPECT_EQ(0, stage_wait(pid, 30000)) TH_LOG("%s", stage_read(stage_path(&w, "enrol.out")));
	reply = json_tokener_parse(stage_read(stage_path(&w, "enrol.out")));
	EXPECT_NE(NULL, reply);
	return reply;
}

static const char *name_in(struct json_object *reply)
{
	const char *name = "";

	tconn_json_string(reply, "name", &name, NULL);
	return name;
}

static bool is_trusted(void *arg)
{
	struct json_object *s = stage_call(w.status, 5000, "{\"do\":\"status\"}"), *v;
	bool trusted = json_object_object_get_ex(s, "trusted", &v) && json_object_get_boolean(v);

	(void)arg;
	json_object_put(s);
	return trusted;
}

TEST(from_ek_certificates_to_trust)
{
	struct stage enrolled = w;
	struct json_object *reply;
	pid_t serviced, tconnd;

	/* Identities of the real issuer, in new directories. */
	snprintf(enrolled.service.dir, STAGE_PATH, "%s/service-enrolled", w.dir);
	snprintf(enrolled.device.dir, STAGE_PATH, "%s/device-enrolled", w.dir);
	snprintf(enrolled.trust, STAGE_PATH, "%s", ca_file);
	reply = enrol(_metadata, &enrolled.service, "service", STAGE_SERVICE_NAME);
	EXPECT_STREQ(STAGE_SERVICE_NAME, name_in(reply));
	json_object_put(reply);
	reply = enrol(_metadata, &enrolled.device, "device", NULL);
	EXPECT_STREQ(w.device.identity.name, name_in(reply));

	serviced = stage_serviced(&enrolled, "");
	json_object_put(
		stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", name_in(reply)));
	json_object_put(reply);
	tconnd = stage_tconnd(&enrolled, "");
	EXPECT_TRUE(stage_until(is_trusted, NULL, 10000))
		TH_LOG("%s", stage_read(stage_path(&w, "tconnd.log")));
	EXPECT_EQ(0, stage_stop(tconnd));
	EXPECT_EQ(0, stage_stop(serviced));
}

TEST(issuer_that_was_not_named_is_not_believed)
{
	pid_t pid = stage_spawn(&w, "other.out", "tconnctl", "enrol", "--role", "device", "--ca",
				ca_address, "--ca-file", w.other_trust, "--identity",
				stage_path(&w, "nowhere"), "--tcti", w.stranger.swtpm.tcti, NULL);

	EXPECT_EQ(4, stage_wait(pid, 30000));
	EXPECT_IN("not trusted", stage_read(stage_path(&w, "other.out")));
	EXPECT_NE(0, access(stage_path(&w, "nowhere/tls.pem"), F_OK));
}

TEST(enrol_says_what_is_missing)
{
	EXPECT_EQ(2, stage_wait(stage_spawn(&w, "usage.out", "tconnctl", "enrol", "--role",
					    "device", NULL),
				5000));
	EXPECT_IN("needs --role, --ca and --ca-file", stage_read(stage_path(&w, "usage.out")));
	EXPECT_EQ(2, stage_wait(stage_spawn(&w, "usage.out", "tconnctl", "enrol", "--role",
					    "device", "--name", "x", "--ca", ca_address,
					    "--ca-file", ca_file, NULL),
				5000));
	EXPECT_IN("a device has none", stage_read(stage_path(&w, "usage.out")));
}

/* -- cut off */

/* enrol of the fresh machine, killed as it sets out to do the nth thing of LEAVES. */
static int enrol_cut_off(unsigned int n)
{
	char inject[128];
	pid_t pid;

	snprintf(inject, sizeof(inject), "inject=" LEAVES ":signal=KILL:when=%u", n);
	pid = stage_spawn_path(&w, "cut.out", "/usr/bin/strace", "-qq", "-o", "/dev/null", "-e",
			       "trace=" LEAVES, "-e", inject, "out/bin/tconnctl", "enrol", "--role",
			       "device", "--ca", ca_address, "--ca-file", ca_file, "--identity",
			       fresh.dir, "--tcti", fresh.swtpm.tcti, NULL);
	return stage_wait(pid, 60000);
}

static int check(const struct machine *m, const char *dir)
{
	unlink(stage_path(&w, "check.out"));
	return stage_wait(stage_spawn(&w, "check.out", "tconnctl", "enrol", "--check", "--role",
				      "device", "--ca-file", ca_file, "--identity", dir, "--tcti",
				      m->swtpm.tcti, NULL),
			  30000);
}

static const char *check_says(void)
{
	return stage_read(stage_path(&w, "check.out"));
}

/* Power gone and back: what a TPM had loaded, and no resource manager flushed, is gone too. */
static int power_cycle(const struct machine *m)
{
	char ctrl[STAGE_PATH];
	int r;

	snprintf(ctrl, sizeof(ctrl), "%s.ctrl", strchr(m->swtpm.tcti, '=') + 1);
	r = stage_wait(stage_spawn_path(&w, "power.out", "/usr/bin/swtpm_ioctl", "--unix", ctrl, "-i",
					NULL), 10000);
	return r ? r : stage_wait(stage_spawn_path(&w, "power.out", "/usr/bin/tpm2_startup", "-c", "-T",
						   m->swtpm.tcti, NULL), 10000);
}

static const char *persistent(const struct machine *m)
{
	unlink(stage_path(&w, "handles.out"));
	stage_wait(stage_spawn_path(&w, "handles.out", "/usr/bin/tpm2_getcap", "handles-persistent",
				    "-T", m->swtpm.tcti, NULL), 10000);
	return stage_read(stage_path(&w, "handles.out"));
}

static unsigned int registered(const char *id)
{
	char line[128];
	const char *list;
	unsigned int n = 0;

	snprintf(line, sizeof(line), "device:%s ", id);
	unlink(stage_path(&w, "list.out"));
	stage_wait(stage_spawn(&w, "list.out", "tconn-ca", "list", "--dir", ca_dir, NULL), 10000);
	list = stage_read(stage_path(&w, "list.out"));
	while ((list = strstr(list, line))) {
		n++;
		list++;
	}
	return n;
}

FIXTURE(cut_off) {
	unsigned int stride;
};

/* Each cut takes its time: some of them, all in make check-full. */
FIXTURE_SETUP(cut_off)
{
	self->stride = getenv("CHECK_FULL") ? 1 : 5;
}

FIXTURE_TEARDOWN(cut_off)
{
}

TEST_F_TIMEOUT(cut_off, is_done_again, 170)
{
	struct json_object *reply;
	unsigned int n = 1;
	int status;

	EXPECT_EQ(5, check(&fresh, fresh.dir));
	EXPECT_IN("not enrolled", check_says());
	while ((status = enrol_cut_off(n)) == -SIGKILL) {
		ASSERT_EQ(0, power_cycle(&fresh));
		n += self->stride;
	}
	/* Not cut off any more: it went through, with all that was left behind. */
	EXPECT_EQ(0, status) TH_LOG("%s", stage_read(stage_path(&w, "cut.out")));
	EXPECT_LT(20, n);
	EXPECT_EQ(0, check(&fresh, fresh.dir)) TH_LOG("%s", check_says());
	reply = enrol(_metadata, &fresh, "device", NULL);
	EXPECT_EQ(1, registered(name_in(reply)));
	EXPECT_STREQ(persistent(&w.device), persistent(&fresh));
	json_object_put(reply);
}

TEST(certificates_of_another_tpm_or_of_a_cleared_one)
{
	struct machine other = w.visitor;

	snprintf(other.dir, STAGE_PATH, "%s/visitor-enrolled", w.dir);
	json_object_put(enrol(_metadata, &other, "device", NULL));
	EXPECT_EQ(0, check(&other, other.dir));
	/* Its disk in another machine. */
	EXPECT_EQ(4, check(&w.stranger, other.dir));
	EXPECT_IN("this disk belongs to another TPM", check_says());
	EXPECT_IN(other.identity.name, check_says());
	EXPECT_IN(w.stranger.identity.name, check_says());
	/* A certificate missing: cut off, not foreign. */
	unlink(stage_path(&w, "visitor-enrolled/data.pem"));
	EXPECT_EQ(5, check(&other, other.dir));
	json_object_put(enrol(_metadata, &other, "device", NULL));
	EXPECT_EQ(0, check(&other, other.dir));

	ASSERT_EQ(0, stage_wait(stage_spawn_path(&w, "clear.out", "/usr/bin/tpm2_clear", "-T",
						 other.swtpm.tcti, NULL), 10000))
		TH_LOG("%s", stage_read(stage_path(&w, "clear.out")));
	EXPECT_EQ(4, check(&other, other.dir));
	EXPECT_IN("this TPM was cleared", check_says());
	/* The issuer's word about a device that comes back with other keys. */
	EXPECT_NE(0, stage_wait(stage_spawn(&w, "again.out", "tconnctl", "enrol", "--role", "device",
					    "--ca", ca_address, "--ca-file", ca_file, "--identity",
					    other.dir, "--tcti", other.swtpm.tcti, NULL), 30000));
	EXPECT_IN("registered with another AK", stage_read(stage_path(&w, "again.out")));
}

/* -- bytes that are no enrolment */

static SSL *raw_session(int *ret_fd)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(tls);

	SSL_CTX_free(tls);
	*ret_fd = dial();
	SSL_set_fd(ssl, *ret_fd);
	return SSL_connect(ssl) == 1 ? ssl : NULL;
}

static void raw_frame(struct __test_metadata *_metadata, const void *frame, size_t len,
		      bool then_close)
{
	char reply[512] = "";
	int fd, n = 0, got;
	SSL *ssl = raw_session(&fd);

	ASSERT_NE(NULL, ssl);
	ASSERT_EQ((int)len, SSL_write(ssl, frame, (int)len));
	if (then_close)
		SSL_shutdown(ssl);
	while ((got = SSL_read(ssl, reply + n, (int)sizeof(reply) - n)) > 0)
		n += got;
	SSL_free(ssl);
	close(fd);
	/* A REFUSAL: length, map of three, type 31. Where the peer has gone, nothing. */
	if (!then_close)
		EXPECT_EQ(0, memcmp("\xa3\x00\x18\x1f", reply + 4, 4));
	/* And it serves the next one. */
	EXPECT_TRUE(ca_listens(NULL));
}

TEST(frames_truncated)
{
	raw_frame(_metadata, "\0\0", 2, true);
	raw_frame(_metadata, "\0\0\0\x30\xa3\0", 6, true);
}

TEST(frames_oversized_and_empty)
{
	raw_frame(_metadata, "\xff\xff\xff\xff", 4, false);
	raw_frame(_metadata, "\0\1\0\1", 4, false);
	raw_frame(_metadata, "\0\0\0\0", 4, false);
}

TEST(no_cbor)
{
	raw_frame(_metadata, "\0\0\0\x03\xff\xff\xff", 7, false);
}

TEST(message_of_another_conversation)
{
	/* {0: 21, 1: 0, 2: one byte}, a RECEIPT */
	raw_frame(_metadata, "\0\0\0\x08\xa3\0\x15\x01\0\x02\x41\0", 12, false);
}

static pid_t parent, ca;

static void finish(void)
{
	if (getpid() != parent)
		return;
	stage_stop(ca);
	if (getenv("TCONN_TEST_VERBOSE"))
		fputs(stage_read(stage_path(&w, "tconn-ca.log")), stderr);
}

int main(int argc, char **argv)
{
	parent = getpid();
	stage_start(&w);
	swtpm_start(&w.maker, "fresh", &fresh.swtpm);
	snprintf(fresh.dir, sizeof(fresh.dir), "%s/fresh-id", w.dir);
	snprintf(ca_dir, sizeof(ca_dir), "%s/tconn-ca", w.dir);
	snprintf(ca_file, sizeof(ca_file), "%s/tconn-ca/ca.pem", w.dir);
	stage_free_address(ca_address, sizeof(ca_address));
	if (stage_wait(stage_spawn(&w, "tconn-ca.log", "tconn-ca", "init", "--dir", ca_dir, NULL),
		       10000)) {
		printf("Bail out! tconn-ca init: %s\n", stage_read(stage_path(&w, "tconn-ca.log")));
		return 1;
	}
	ca = stage_spawn(&w, "tconn-ca.log", "tconn-ca", "serve", "--dir", ca_dir, "--listen",
			 ca_address, "--ek-trust", w.maker.ek_trust, NULL);
	atexit(finish);
	if (!stage_until(ca_listens, NULL, 10000)) {
		printf("Bail out! tconn-ca serve: %s\n",
		       stage_read(stage_path(&w, "tconn-ca.log")));
		return 1;
	}
	return test_harness_run(argc, argv);
}
