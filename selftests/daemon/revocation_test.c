// SPDX-License-Identifier: Apache-2.0
/*
 * What was revoked is out within seconds, and stays out: devices and certificates,
 * by an operator, by an issuer's list, and by whoever else writes to the service's
 * database.
 */
#include <errno.h>
#include <json-c/json.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "daemon/lib/revocation.h"
#include "stage.h"

#define SECONDS 3	/* at most, until a revocation has its effect */

static struct stage w;
static pid_t serviced;

static const char *visitor(void)
{
	return w.visitor.identity.name;
}

static const char *printed(void)
{
	return stage_read(stage_path(&w, "ctl.out"));
}

static bool is_in(void *arg)
{
	return stage_connected(&w, arg);
}

static bool is_out(void *arg)
{
	return !stage_connected(&w, arg);
}

static bool is_logged(void *part)
{
	char *log = stage_read(stage_path(&w, "tconn-serviced.log"));
	bool found = strstr(log, part) != NULL;

	free(log);
	return found;
}

static void serial_of(const char *file, char ret[TCONN_SERIAL_TEXT])
{
	char path[STAGE_PATH + 16];
	uint8_t *der;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", w.visitor.dir, file);
	if (tconn_certificate_load(path, &der, &len, NULL))
		abort();
	tconn_serial_of(der, len, ret);
	free(der);
}

/* Takes back what a test revoked: tests share one service. */
static void lift_all(void)
{
	struct json_object *reply = stage_call(w.admin, 5000, "{\"do\":\"revocation-list\"}");
	struct json_object *list;

	json_object_object_get_ex(reply, "revocations", &list);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *r = json_object_array_get_idx(list, i);

		json_object_put(stage_call(
			w.admin, 5000,
			"{\"do\":\"revocation-lift\",\"kind\":\"%s\",\"subject\":\"%s\"}",
			stage_text(r, "kind"), stage_text(r, "subject")));
	}
	json_object_put(reply);
}

FIXTURE(revoked) {
	struct player p;
};

FIXTURE_SETUP(revoked)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_in, (void *)visitor(), 5000));
}

FIXTURE_TEARDOWN(revoked)
{
	player_close(&self->p);
	lift_all();
	EXPECT_TRUE(stage_until(is_out, (void *)visitor(), 5000));
}

/* The connection ends with the reason; and how soon. */
static void expect_out(struct __test_metadata *_metadata, struct player *p, const char *reason)
{
	time_t began = time(NULL);

	EXPECT_IN(reason, player_refused(p));
	EXPECT_GE(began + SECONDS, time(NULL));
	EXPECT_TRUE(stage_until(is_out, (void *)visitor(), 5000));
}

/* Once more: not let in, and told why. */
static void expect_refused(struct __test_metadata *_metadata, struct player *p, const char *reason)
{
	tconn_channel_close(p->channel);
	p->channel = NULL;
	if (player_connect(p) == 0 && player_attest(p) == 0)
		TH_LOG("let in");
	EXPECT_IN(reason, p->err.text);
}

TEST_F(revoked, device_is_out_at_once_and_stays_out)
{
	struct json_object *device;
	long long seen, attempt;

	ASSERT_EQ(0, stage_ctl(&w, "revocation", "add", "device", visitor(), "--reason",
			       "stolen on Monday", NULL)) TH_LOG("%s", printed());
	expect_out(_metadata, &self->p, "revoked: device ");
	expect_refused(_metadata, &self->p, "stolen on Monday");
	device = stage_device(&w, visitor());
	EXPECT_STREQ("stolen on Monday", stage_text(device, "revoked"));
	EXPECT_FALSE(stage_flag(device, "trusted"));
	EXPECT_IN("revoked", stage_text(device, "last_error"));
	seen = strtoll(json_object_get_string(json_object_object_get(device, "last_seen")), NULL, 10);
	attempt = strtoll(json_object_get_string(json_object_object_get(device, "last_attempt")), NULL,
			  10);
	EXPECT_LE(seen, attempt);
	EXPECT_LE(time(NULL) - 60, attempt);
	json_object_put(device);
	EXPECT_EQ(0, stage_ctl(&w, "device", "list", NULL));
	EXPECT_IN("REVOKED", printed());
	EXPECT_EQ(0, stage_ctl(&w, "revocation", "list", NULL));
	EXPECT_IN("stolen on Monday", printed());
}

TEST_F(revoked, lifted_device_is_let_in_again)
{
	ASSERT_EQ(0, stage_ctl(&w, "revocation", "add", "device", visitor(), NULL));
	expect_out(_metadata, &self->p, "revoked");
	ASSERT_EQ(0, stage_ctl(&w, "revocation", "lift", "device", visitor(), NULL));
	tconn_channel_close(self->p.channel);
	self->p.channel = NULL;
	EXPECT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	EXPECT_EQ(0, stage_ctl(&w, "revocation", "list", NULL));
	EXPECT_IN("LIFTED", printed());
}

TEST_F(revoked, certificate_of_the_channel)
{
	char serial[TCONN_SERIAL_TEXT];

	serial_of("tls.pem", serial);
	ASSERT_EQ(0, stage_ctl(&w, "revocation", "add", "certificate", serial, NULL))
		TH_LOG("%s", printed());
	expect_out(_metadata, &self->p, "revoked: certificate ");
	/* In the handshake already, by an alert. */
	expect_refused(_metadata, &self->p, "certificate revoked");
	EXPECT_TRUE(stage_until(is_logged, (void *)"not trusted: certificate revoked", 5000));
}

TEST_F(revoked, certificate_of_the_attestation_key)
{
	char serial[TCONN_SERIAL_TEXT];

	serial_of("ak.pem", serial);
	ASSERT_EQ(0, stage_ctl(&w, "revocation", "add", "certificate", serial, NULL));
	expect_out(_metadata, &self->p, "revoked: certificate ");
	expect_refused(_metadata, &self->p, "certificate revoked");
}

/* What another process writes, such as another node of this service. */
TEST_F(revoked, written_by_somebody_else)
{
	char sql[512], path[STAGE_PATH];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s", stage_path(&w, "serviced.db"));
	snprintf(sql, sizeof(sql), "INSERT INTO revocations (kind, subject, time, reason)"
		 " VALUES ('device', '%s', 1, 'another node')", visitor());
	ASSERT_EQ(SQLITE_OK, sqlite3_open(path, &db));
	sqlite3_busy_timeout(db, 5000);
	EXPECT_EQ(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL)) TH_LOG("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	expect_out(_metadata, &self->p, "another node");
}

static void *ask(void *arg)
{
	struct json_object **reply = arg;

	*reply = stage_call(w.admin, 30000, "{\"do\":\"request\",\"id\":\"%s\",\"kind\":\"confirm\","
			    "\"text\":\"Pay?\",\"timeout_ms\":20000}", visitor());
	return NULL;
}

/* The person has the question on the screen: nobody waits for the answer any more. */
TEST_F(revoked, while_a_question_is_open)
{
	struct json_object *reply = NULL;
	struct tconn_message m = { 0 };
	pthread_t thread;

	pthread_create(&thread, NULL, ask, &reply);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REQUEST, TCONN_MESSAGE_MAX,
					   10000, &m, &self->p.err)) TH_LOG("%s", self->p.err.text);
	tconn_message_free(&m);
	ASSERT_EQ(0, stage_ctl(&w, "revocation", "add", "device", visitor(), NULL));
	expect_out(_metadata, &self->p, "revoked: device ");
	pthread_join(thread, NULL);
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("revoked: device ", stage_text(reply, "error"));
	EXPECT_TRUE(is_logged("refused: revoked: device "));
	json_object_put(reply);
}

/* -- an issuer's list */

static X509_CRL *new_crl(const char *ca_dir, const char *serial, long seconds)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	X509_CRL *crl = X509_CRL_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -10), *until = X509_gmtime_adj(NULL, seconds);
	char path[STAGE_PATH + 16];
	ASN1_INTEGER *number;
	BIGNUM *n = NULL;
	EVP_PKEY *key;
	X509 *ca;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ca.pem", ca_dir);
	f = fopen(path, "re");
	ca = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	snprintf(path, sizeof(path), "%s/ca.key", ca_dir);
	f = fopen(path, "re");
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	BN_hex2bn(&n, serial);
	number = BN_to_ASN1_INTEGER(n, NULL);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, now);
	ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE);
	X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, until);
	X509_CRL_add0_revoked(crl, entry);
	X509_CRL_sign(crl, key, EVP_sha256());
	ASN1_ENUMERATED_free(reason);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	ASN1_TIME_free(until);
	EVP_PKEY_free(key);
	X509_free(ca);
	BN_free(n);
	return crl;
}

static const char *write_crl(const char *ca, const char *serial, long seconds, bool pem)
{
	X509_CRL *crl = new_crl(stage_path(&w, ca), serial, seconds);
	const char *path = stage_path(&w, "list.crl");
	FILE *f = fopen(path, "we");

	if (pem)
		PEM_write_X509_CRL(f, crl);
	else
		i2d_X509_CRL_fp(f, crl);
	fclose(f);
	X509_CRL_free(crl);
	return path;
}

TEST_F(revoked, by_the_issuers_list)
{
	char serial[TCONN_SERIAL_TEXT];

	serial_of("tls.pem", serial);
	EXPECT_EQ(0, stage_ctl(&w, "revocation", "import", write_crl("ca", serial, 3600, false),
			       "--trust", w.trust, NULL)) TH_LOG("%s", printed());
	EXPECT_IN("1 certificates revoked, 1 on the list", printed());
	expect_out(_metadata, &self->p, "issuer's list: keyCompromise");
	EXPECT_EQ(0, stage_ctl(&w, "revocation", "import", write_crl("ca", serial, 3600, true),
			       "--trust", w.trust, NULL));
	EXPECT_IN("0 certificates revoked, 1 on the list", printed());
}

TEST(list_of_another_issuer_or_an_old_one_is_refused)
{
	EXPECT_EQ(4, stage_ctl(&w, "revocation", "import", write_crl("other-ca", "1234", 3600, false),
			       "--trust", w.trust, NULL));
	EXPECT_IN("signed this list", printed());
	EXPECT_EQ(4, stage_ctl(&w, "revocation", "import", write_crl("ca", "1234", -5, false),
			       "--trust", w.trust, NULL));
	EXPECT_IN("the list has ended", printed());
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "import", w.trust, "--trust", w.trust, NULL));
	EXPECT_IN("no revocation list in PEM or DER", printed());
}

TEST(what_cannot_be_revoked)
{
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "add", "device", "x", NULL));
	EXPECT_IN("64 lower-case hex digits", printed());
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "add", "certificate", "0A", NULL));
	EXPECT_IN("lower-case hex digits", printed());
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "add", "service", "x", NULL));
	EXPECT_IN("a device or a certificate", printed());
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "add", "certificate", "ab", "--reason", "", NULL));
	EXPECT_IN("a reason is", printed());
	EXPECT_EQ(5, stage_ctl(&w, "revocation", "lift", "certificate", "ab", NULL));
	EXPECT_IN("is not revoked", printed());
	EXPECT_EQ(2, stage_ctl(&w, "revocation", "add", NULL));
}

/* Before it was ever here, or whose certificate is not yet known. */
TEST(stranger_can_be_revoked_beforehand)
{
	EXPECT_EQ(0, stage_ctl(&w, "revocation", "add", "device", w.stranger.identity.name, NULL));
	EXPECT_EQ(7, stage_ctl(&w, "revocation", "add", "device", w.stranger.identity.name, NULL));
	EXPECT_IN("is revoked already", printed());
	lift_all();
}

int main(int argc, char **argv)
{
	stage_start(&w);
	serviced = stage_serviced(&w, "\"message_ms\":20000");
	stage_end_at_exit(&w, &serviced, NULL);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", visitor()));
	return test_harness_run(argc, argv);
}
