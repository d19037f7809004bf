// SPDX-License-Identifier: Apache-2.0
/*
 * Identities over time: renewed before they end while everything goes on, ended where
 * they are not, and not to be taken over by another key or another TPM.
 */
#include <errno.h>
#include <json-c/json.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "daemon/lib/renewal.h"
#include "daemon/lib/revocation.h"
#include "stage.h"

#define ALWAYS_DUE	"\"renew_before_days\":3650"

static struct stage w;
static char ca_dir[STAGE_PATH], ca_file[STAGE_PATH], ca_address[32];

static const char *printed(void)
{
	return stage_read(stage_path(&w, "ctl.out"));
}

struct line {
	const char *log, *part;
};

static bool is_logged(void *arg)
{
	const struct line *l = arg;
	char *text = stage_read(stage_path(&w, l->log));
	bool found = strstr(text, l->part) != NULL;

	free(text);
	return found;
}

static bool logged(const char *log, const char *part, int timeout_ms)
{
	struct line l = { log, part };

	return stage_until(is_logged, &l, timeout_ms);
}

static bool is_in(void *id)
{
	return stage_connected(&w, id);
}

static bool is_out(void *id)
{
	return !stage_connected(&w, id);
}

static void serial_in(const char *dir, const char *file, char ret[TCONN_SERIAL_TEXT])
{
	char path[STAGE_PATH + 16];
	uint8_t *der;
	size_t len;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (tconn_certificate_load(path, &der, &len, NULL))
		return;
	tconn_serial_of(der, len, ret);
	free(der);
}

/* From tconn-ca, into a directory of its own. */
static void enrol(struct __test_metadata *_metadata, struct machine *m, const char *role,
		  const char *name)
{
	pid_t pid;

	snprintf(m->dir, sizeof(m->dir), "%s/%s-renewed", w.dir, m->name);
	pid = stage_spawn(&w, "enrol.out", "tconnctl", "enrol", "--role", role, "--ca", ca_address,
			  "--ca-file", ca_file, "--identity", m->dir, "--tcti", m->swtpm.tcti,
			  name ? "--name" : NULL, name, NULL);
	ASSERT_EQ(0, stage_wait(pid, 30000)) TH_LOG("%s", stage_read(stage_path(&w, "enrol.out")));
}

static void add_device(const char *id)
{
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", id));
}

/* -- renewal */

FIXTURE(renewal) {
	struct stage old;	/* its paths, before the enrolment here */
	char config[128];
	pid_t serviced, tconnd;
};

FIXTURE_SETUP(renewal)
{
	self->old = w;
	enrol(_metadata, &w.service, "service", STAGE_SERVICE_NAME);
	enrol(_metadata, &w.device, "device", NULL);
	snprintf(w.trust, sizeof(w.trust), "%s", ca_file);
	snprintf(self->config, sizeof(self->config), "\"issuer\":\"%s\"," ALWAYS_DUE, ca_address);
	unlink(stage_path(&w, "tconnd.log"));
	unlink(stage_path(&w, "tconn-serviced.log"));
}

FIXTURE_TEARDOWN(renewal)
{
	if (self->tconnd)
		EXPECT_EQ(0, stage_stop(self->tconnd));
	if (self->serviced)
		EXPECT_EQ(0, stage_stop(self->serviced));
	w = self->old;
}

/* At no time is the device not connected: the new connection is trusted before the old one ends. */
TEST_F(renewal, device_renews_without_a_gap)
{
	char before[TCONN_SERIAL_TEXT], after[TCONN_SERIAL_TEXT];
	const char *id = w.device.identity.name;
	unsigned int looks = 0, gaps = 0;
	struct json_object *status;

	serial_in(w.device.dir, "tls.pem", before);
	self->serviced = stage_serviced(&w, "");
	add_device(id);
	self->tconnd = stage_tconnd(&w, self->config);
	ASSERT_TRUE(stage_until(is_in, (void *)id, 10000));
	for (; looks < 2000 && !is_logged(&(struct line){ "tconnd.log", "with the renewed identity" });
	     looks++)
		gaps += !stage_connected(&w, id);
	EXPECT_GT(2000, looks) TH_LOG("%s", stage_read(stage_path(&w, "tconnd.log")));
	for (int i = 0; i < 50; i++)
		gaps += !stage_connected(&w, id);
	EXPECT_EQ(0, gaps) TH_LOG("%s%s", stage_read(stage_path(&w, "tconnd.log")),
		stage_read(stage_path(&w, "tconn-serviced.log")));
	serial_in(w.device.dir, "tls.pem", after);
	EXPECT_STRNE(before, after);
	status = stage_call(w.status, 5000, "{\"do\":\"status\"}");
	EXPECT_TRUE(stage_flag(status, "connected"));
	EXPECT_TRUE(stage_flag(status, "trusted"));
	json_object_put(status);
}

TEST_F(renewal, service_shows_the_new_certificate_without_a_restart)
{
	char file[TCONN_SERIAL_TEXT], shown[TCONN_SERIAL_TEXT];
	struct player p;
	const uint8_t *der;
	size_t len;

	self->serviced = stage_serviced(&w, self->config);
	ASSERT_TRUE(logged("tconn-serviced.log", "identity renewed", 20000))
		TH_LOG("%s", stage_read(stage_path(&w, "tconn-serviced.log")));
	serial_in(w.service.dir, "tls.pem", file);
	enrol(_metadata, &w.visitor, "device", NULL);
	add_device(w.visitor.identity.name);
	player_open(&p, &w, &w.visitor, false);
	EXPECT_EQ(0, player_connect(&p)) TH_LOG("%s", p.err.text);
	ASSERT_EQ(0, tconn_channel_peer(p.channel, &der, &len));
	tconn_serial_of(der, len, shown);
	EXPECT_STREQ(file, shown);
	EXPECT_EQ(0, player_attest(&p)) TH_LOG("%s", p.err.text);
	player_close(&p);
}

TEST_F(renewal, issuer_that_is_not_there_is_told)
{
	char config[128], nowhere[32];

	stage_free_address(nowhere, sizeof(nowhere));
	snprintf(config, sizeof(config), "\"issuer\":\"%s\"," ALWAYS_DUE, nowhere);
	self->serviced = stage_serviced(&w, config);
	EXPECT_TRUE(logged("tconn-serviced.log", "identity is NOT renewed: enrolment: ", 20000));
	EXPECT_TRUE(logged("tconn-serviced.log", "Connection refused", 1000));
}

TEST_F(renewal, no_issuer_is_told_too)
{
	self->serviced = stage_serviced(&w, ALWAYS_DUE);
	EXPECT_TRUE(logged("tconn-serviced.log", "NOT renewed: no \"issuer\"", 20000));
}

/* -- the end of a certificate, and takeovers: the stage's own issuer */

FIXTURE(visit) {
	pid_t serviced;
	struct player p;
};

FIXTURE_SETUP(visit)
{
	unlink(stage_path(&w, "serviced.db"));
	unlink(stage_path(&w, "serviced.db-wal"));
	unlink(stage_path(&w, "serviced.db-shm"));
	self->serviced = stage_serviced(&w, "");
	add_device(w.visitor.identity.name);
	add_device(w.stranger.identity.name);
}

FIXTURE_TEARDOWN(visit)
{
	player_close(&self->p);
	EXPECT_EQ(0, stage_stop(self->serviced));
}

static void *read_pem(const char *dir, const char *file, bool key)
{
	char path[STAGE_PATH + 16];
	void *ret;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	ret = key ? (void *)PEM_read_PrivateKey(f, NULL, NULL, NULL) :
		    (void *)PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return ret;
}

/* The same certificate, but for when it ends. */
static void shorten(const char *dir, const char *file, long seconds)
{
	X509 *cert = read_pem(dir, file, false);
	EVP_PKEY *key = read_pem(stage_path(&w, "ca"), "ca.key", true);
	char path[STAGE_PATH + 16];
	FILE *f;

	X509_gmtime_adj(X509_getm_notAfter(cert), seconds);
	X509_sign(cert, key, EVP_sha256());
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "we");
	PEM_write_X509(f, cert);
	fclose(f);
	EVP_PKEY_free(key);
	X509_free(cert);
}

/* By the stage's own issuer, once more. */
static void reissue(struct __test_metadata *_metadata, struct machine *m)
{
	struct tconn_issuer *issuer = NULL;
	struct tconn_error err;
	char dir[STAGE_PATH];

	snprintf(dir, sizeof(dir), "%s/ca", w.dir);
	ASSERT_EQ(0, tconn_issuer_load(dir, &issuer, &err)) TH_LOG("%s", err.text);
	test_identity(issuer, dir, m->swtpm.tcti, NULL, m->dir, &m->identity);
	tconn_issuer_free(issuer);
}

TEST_F(visit, connection_ends_with_its_certificate)
{
	shorten(w.visitor.dir, "tls.pem", 6);
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_in, w.visitor.identity.name, 5000));
	EXPECT_IN("certificate has expired", player_refused(&self->p));
	EXPECT_TRUE(stage_until(is_out, w.visitor.identity.name, 5000));
	player_close(&self->p);
	reissue(_metadata, &w.visitor);
}

/* Same EK and so the same id, but other keys: an issuer that was careless, or somebody's own. */
static void clear_tpm(struct __test_metadata *_metadata, struct machine *m)
{
	char tcti[SWTPM_PATH_MAX + 64];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(tcti, sizeof(tcti), "%s", m->swtpm.tcti);
		execlp("tpm2_clear", "tpm2_clear", "-T", tcti, "-c", "p", NULL);
		_exit(127);
	}
	ASSERT_EQ(0, stage_wait(pid, 20000));
	reissue(_metadata, m);
}

static int try_in(struct player *p, const struct machine *m)
{
	int r;

	player_close(p);
	player_open(p, &w, m, false);
	r = player_connect(p);
	if (r == 0)
		r = player_attest(p);
	return r;
}

TEST_F(visit, takeover_of_an_id_by_another_key)
{
	const char *id = w.stranger.identity.name;
	char before[TCONN_IDENTITY_MAX];

	strcpy(before, id);
	ASSERT_EQ(0, try_in(&self->p, &w.stranger)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_in, (void *)id, 5000));
	player_close(&self->p);
	clear_tpm(_metadata, &w.stranger);
	EXPECT_STREQ(before, w.stranger.identity.name);
	EXPECT_EQ(0, try_in(&self->p, &w.stranger)) TH_LOG("%s", self->p.err.text);
	EXPECT_IN("takeover: device ", player_refused(&self->p));
	EXPECT_FALSE(stage_connected(&w, id));
	EXPECT_EQ(0, stage_ctl(&w, "device", "show", id, NULL));
	EXPECT_IN("last refused because: takeover", printed());
	/* Unless the operator says that it is right. */
	EXPECT_EQ(0, stage_ctl(&w, "device", "rekey", id, NULL)) TH_LOG("%s", printed());
	EXPECT_EQ(0, try_in(&self->p, &w.stranger)) TH_LOG("%s", self->p.err.text);
	EXPECT_TRUE(stage_until(is_in, (void *)id, 5000));
}

TEST_F(visit, replaced_tpm_comes_in_by_the_operator_only)
{
	const char *old = w.visitor.identity.name, *new = w.device.identity.name;

	EXPECT_EQ(0, try_in(&self->p, &w.visitor)) TH_LOG("%s", self->p.err.text);
	player_close(&self->p);
	EXPECT_NE(0, try_in(&self->p, &w.device));
	EXPECT_IN("is not enrolled at this service", self->p.err.text);
	EXPECT_EQ(0, stage_ctl(&w, "device", "replace", old, new, NULL)) TH_LOG("%s", printed());
	EXPECT_EQ(0, try_in(&self->p, &w.device)) TH_LOG("%s", self->p.err.text);
	player_close(&self->p);
	EXPECT_NE(0, try_in(&self->p, &w.visitor));
	EXPECT_IN("replaced by ", self->p.err.text);
	EXPECT_EQ(7, stage_ctl(&w, "device", "replace", new, "x", NULL));
	EXPECT_EQ(5, stage_ctl(&w, "device", "replace", w.service.identity.name, old, NULL));
}

static pid_t parent, ca;

static void finish(void)
{
	if (getpid() == parent)
		stage_stop(ca);
}

static bool ca_listens(void *arg)
{
	struct line l = { "tconn-ca.log", "listening on" };

	(void)arg;
	return is_logged(&l);
}

int main(int argc, char **argv)
{
	parent = getpid();
	stage_start(&w);
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
		printf("Bail out! tconn-ca serve: %s\n", stage_read(stage_path(&w, "tconn-ca.log")));
		return 1;
	}
	return test_harness_run(argc, argv);
}
