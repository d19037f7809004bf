// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/enrol.c against the tconn-ca program, with several software TPMs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <kselftest_harness.h>

#include "daemon/lib/attest.h"
#include "daemon/lib/enrol.h"
#include "daemon/lib/enrol_proof.h"
#include "daemon/lib/issuer.h"
#include "daemon/lib/tpm_blob.h"
#include "swtpm_fixture.h"

#define PROGRAM		"out/bin/tconn-ca"
#define START_MS	10000
#define PATH_SIZE	512

static struct swtpm_maker maker, other_maker;
static struct swtpm device, service, foreign;
static const char *program = PROGRAM;

FIXTURE(enrol) {
	struct tconn_error err;
	struct tconn_identity who;
	char dir[PATH_SIZE], ca_dir[PATH_SIZE], ca_file[PATH_SIZE], log[PATH_SIZE], id_dir[PATH_SIZE];
	char address[64];
	pid_t ca;
	struct tconn_tpm *device, *service, *foreign;
};

/* Runs tconn-ca, standard output to *ret_out where that is not NULL. */
static pid_t spawn(const char *const argv[], const char *log, int *ret_out)
{
	int out[2], fd;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		abort();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(out[1], STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	if (ret_out)
		*ret_out = out[0];
	else
		close(out[0]);
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void read_output(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	close(fd);
}

static void read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY);

	ret[0] = '\0';
	if (fd >= 0)
		read_output(fd, ret, size);
}

/* Fills address from the line tconn-ca prints. */
static pid_t start_ca(const char *ca_dir, const char *ek_trust, const char *profile, const char *once,
		      const char *log, char address[64])
{
	const char *argv[] = {
		"tconn-ca", "serve", "--dir", ca_dir, "--listen", "127.0.0.1:0", "--ek-trust", ek_trust,
		"--profile", profile, once ? "--once" : NULL, once, NULL
	};
	struct pollfd p = { .events = POLLIN };
	char line[128];
	ssize_t n;
	pid_t pid;

	pid = spawn(argv, log, &p.fd);
	address[0] = '\0';
	if (poll(&p, 1, START_MS) == 1) {
		n = read(p.fd, line, sizeof(line) - 1);
		line[n > 0 ? n : 0] = '\0';
		sscanf(line, "listening on %63s", address);
	}
	close(p.fd);
	return pid;
}

static int stop_ca(pid_t pid)
{
	kill(pid, SIGTERM);
	return finish(pid);
}

FIXTURE_SETUP(enrol)
{
	const char *init[] = {
		"tconn-ca", "init", "--dir", self->ca_dir, "--name", "acme.example", NULL
	};

	snprintf(self->dir, sizeof(self->dir), "%s/XXXXXX", maker.dir);
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->ca_dir, sizeof(self->ca_dir), "%.400s/ca", self->dir);
	snprintf(self->ca_file, sizeof(self->ca_file), "%.400s/ca/ca.pem", self->dir);
	snprintf(self->log, sizeof(self->log), "%.400s/ca.log", self->dir);
	snprintf(self->id_dir, sizeof(self->id_dir), "%.400s/identity", self->dir);
	ASSERT_EQ(0, finish(spawn(init, self->log, NULL)));
	self->ca = start_ca(self->ca_dir, maker.ek_trust, "third-party", NULL, self->log, self->address);
	ASSERT_NE('\0', self->address[0]);
	ASSERT_EQ(0, tconn_tpm_open(device.tcti, &self->device, &self->err));
	ASSERT_EQ(0, tconn_tpm_open(service.tcti, &self->service, &self->err));
	ASSERT_EQ(0, tconn_tpm_open(foreign.tcti, &self->foreign, &self->err));
}

FIXTURE_TEARDOWN(enrol)
{
	tconn_tpm_close(self->device);
	tconn_tpm_close(self->service);
	tconn_tpm_close(self->foreign);
	EXPECT_EQ(0, stop_ca(self->ca));
}

static int enrol_as(struct tconn_tpm *tpm, const char *address, const char *ca_file,
		    const char *id_dir, const char *name, struct tconn_identity *who,
		    struct tconn_error *err)
{
	struct tconn_enrol_options o = {
		.ca_address = address,
		.ca_file = ca_file,
		.identity_dir = id_dir,
		.role = name ? TCONN_ROLE_SERVICE : TCONN_ROLE_DEVICE,
		.service_name = name,
	};

	return tconn_enrol(tpm, &o, who, err);
}

#define ENROL(tpm, name) \
	enrol_as(tpm, self->address, self->ca_file, self->id_dir, name, &self->who, &self->err)

static int run(const char *const argv[], const char *log, char *output, size_t size)
{
	pid_t pid;
	int fd;

	pid = spawn(argv, log, &fd);
	read_output(fd, output, size);
	return finish(pid);
}

static int run_list(const char *ca_dir, const char *log, char *output, size_t size)
{
	const char *argv[] = { "tconn-ca", "list", "--dir", ca_dir, NULL };

	return run(argv, log, output, size);
}

static int run_remove(const char *ca_dir, const char *log, const char *identity)
{
	const char *argv[] = { "tconn-ca", "remove", "--dir", ca_dir, identity, NULL };
	char output[256];

	return run(argv, log, output, sizeof(output));
}

static int check_file(const char *dir, const char *name, X509_STORE *trust, enum tconn_use use,
		      const struct tconn_identity *who)
{
	struct tconn_identity got;
	char path[PATH_SIZE + 32];
	uint8_t *der;
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = tconn_certificate_load(path, &der, &len, NULL);
	if (r)
		return r;
	r = tconn_certificate_check(trust, der, len, use, who->role, &got, NULL);
	free(der);
	return r ? r : strcmp(got.name, who->name);
}

TEST_F(enrol, device_gets_an_identity_that_works)
{
	SSL_CTX *ctx = NULL;
	X509_STORE *trust;
	char list[4096];
	struct stat st;

	ASSERT_EQ(0, ENROL(self->device, NULL)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_ROLE_DEVICE, self->who.role);
	EXPECT_EQ(64, strlen(self->who.name));
	ASSERT_EQ(0, stat(self->id_dir, &st));
	EXPECT_EQ(0700, st.st_mode & 0777);
	ASSERT_EQ(0, tconn_trust_load(self->ca_file, &trust, &self->err));
	EXPECT_EQ(0, check_file(self->id_dir, "ak.pem", trust, TCONN_USE_AK, &self->who));
	EXPECT_EQ(0, check_file(self->id_dir, "tls.pem", trust, TCONN_USE_TLS, &self->who));
	EXPECT_EQ(0, check_file(self->id_dir, "data.pem", trust, TCONN_USE_DATA, &self->who));
	EXPECT_EQ(0, tconn_tls_context(self->device, self->id_dir, trust, false, &ctx, &self->err))
		TH_LOG("%s", self->err.text);
	SSL_CTX_free(ctx);
	X509_STORE_free(trust);
	ASSERT_EQ(0, run_list(self->ca_dir, self->log, list, sizeof(list)));
	EXPECT_NE(NULL, strstr(list, self->who.name)) TH_LOG("%s", list);
	EXPECT_NE(NULL, strstr(list, "certificates=3")) TH_LOG("%s", list);
}

TEST_F(enrol, the_same_tpm_may_enrol_again)
{
	char list[4096];

	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("pay.acme.example", self->who.name);
	ASSERT_EQ(0, run_list(self->ca_dir, self->log, list, sizeof(list)));
	EXPECT_NE(NULL, strstr(list, "service:pay.acme.example")) TH_LOG("%s", list);
	EXPECT_NE(NULL, strstr(list, "certificates=6")) TH_LOG("%s", list);
}

TEST_F(enrol, another_tpm_cannot_take_a_name)
{
	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->device, "pay.acme.example"));
	EXPECT_NE(NULL, strstr(self->err.text, "registered with another TPM")) TH_LOG("%s", self->err.text);
	/* Only after the operator has said so. */
	ASSERT_EQ(0, run_remove(self->ca_dir, self->log, "service:pay.acme.example"));
	EXPECT_EQ(0, ENROL(self->device, "pay.acme.example")) TH_LOG("%s", self->err.text);
}

static int run_add_node(const char *ca_dir, const char *log, const char *identity)
{
	const char *argv[] = { "tconn-ca", "add-node", "--dir", ca_dir, identity, NULL };
	char output[256];

	return run(argv, log, output, sizeof(output));
}

TEST_F(enrol, node_more_where_the_operator_lets_it_in)
{
	char list[4096];

	EXPECT_EQ(1, run_add_node(self->ca_dir, self->log, "service:pay.acme.example"));
	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->device, "pay.acme.example"));
	EXPECT_NE(NULL, strstr(self->err.text, "tconn-ca add-node")) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, run_add_node(self->ca_dir, self->log, "service:pay.acme.example"));
	EXPECT_EQ(0, ENROL(self->device, "pay.acme.example")) TH_LOG("%s", self->err.text);
	/* Each may renew, and is no other's; nothing is left of the operator's word. */
	EXPECT_EQ(0, ENROL(self->device, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->device, NULL));
	EXPECT_NE(NULL, strstr(self->err.text, "belongs to service pay.acme.example"));
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->device, "other.acme.example"));
	ASSERT_EQ(0, run_list(self->ca_dir, self->log, list, sizeof(list)));
	EXPECT_NE(NULL, strstr(strstr(list, "service:pay") + 1, "service:pay")) TH_LOG("%s", list);
	/* Both are forgotten, and it takes a word again. */
	ASSERT_EQ(0, run_remove(self->ca_dir, self->log, "service:pay.acme.example"));
	EXPECT_EQ(0, ENROL(self->device, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->service, "pay.acme.example"));
	EXPECT_EQ(1, run_add_node(self->ca_dir, self->log, "device:pay"));
}

TEST_F(enrol, one_tpm_has_one_identity)
{
	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->service, "other.acme.example"));
	EXPECT_NE(NULL, strstr(self->err.text, "belongs to service pay.acme.example"))
		TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->service, NULL));
	EXPECT_NE(NULL, strstr(self->err.text, "belongs to service pay.acme.example"))
		TH_LOG("%s", self->err.text);
}

TEST_F(enrol, ek_of_an_unknown_maker_is_refused)
{
	struct stat st;

	EXPECT_EQ(-ECONNREFUSED, ENROL(self->foreign, NULL));
	EXPECT_NE(NULL, strstr(self->err.text, "EK certificate")) TH_LOG("%s", self->err.text);
	EXPECT_NE(0, stat(self->id_dir, &st));
}

TEST_F(enrol, client_refuses_an_issuer_it_was_not_told_of)
{
	char other_dir[PATH_SIZE + 32], other_file[PATH_SIZE + 64];

	snprintf(other_dir, sizeof(other_dir), "%s/other-ca", self->dir);
	snprintf(other_file, sizeof(other_file), "%s/ca.pem", other_dir);
	ASSERT_EQ(0, tconn_issuer_create(other_dir, "acme.example", &self->err));
	EXPECT_EQ(-EKEYREJECTED, enrol_as(self->device, self->address, other_file, self->id_dir, NULL,
					  &self->who, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not trusted")) TH_LOG("%s", self->err.text);
}

TEST_F(enrol, profiles_limit_what_is_issued)
{
	char address[64];
	pid_t ca;

	ca = start_ca(self->ca_dir, maker.ek_trust, "manufacturer", NULL, self->log, address);
	EXPECT_EQ(-ECONNREFUSED, enrol_as(self->service, address, self->ca_file, self->id_dir,
					  "pay.acme.example", &self->who, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "manufacturer")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, stop_ca(ca));
	ca = start_ca(self->ca_dir, maker.ek_trust, "service-provider", NULL, self->log, address);
	EXPECT_EQ(-ECONNREFUSED, enrol_as(self->service, address, self->ca_file, self->id_dir,
					  "pay.notacme.example", &self->who, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "below")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, enrol_as(self->service, address, self->ca_file, self->id_dir, "pay.acme.example",
			      &self->who, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, stop_ca(ca));
}

TEST_F(enrol, ek_issuers_may_be_a_directory)
{
	char address[64], makers[PATH_SIZE + 32], link[PATH_SIZE + 64];
	pid_t ca;

	snprintf(makers, sizeof(makers), "%s/makers", self->dir);
	snprintf(link, sizeof(link), "%s/issuers.pem", makers);
	ASSERT_EQ(0, mkdir(makers, 0700));
	/* An empty store of EK issuers is a mistake, not a CA that refuses everybody. */
	ca = start_ca(self->ca_dir, makers, "third-party", NULL, self->log, address);
	EXPECT_EQ(1, finish(ca));
	EXPECT_EQ('\0', address[0]);
	ASSERT_EQ(0, symlink(maker.ek_trust, link));
	ca = start_ca(self->ca_dir, makers, "third-party", NULL, self->log, address);
	EXPECT_EQ(0, enrol_as(self->device, address, self->ca_file, self->id_dir, NULL, &self->who,
			      &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, stop_ca(ca));
}

TEST_F(enrol, once_ends_the_program)
{
	char address[64];
	pid_t ca;

	ca = start_ca(self->ca_dir, maker.ek_trust, "third-party", "1", self->log, address);
	EXPECT_EQ(0, enrol_as(self->device, address, self->ca_file, self->id_dir, NULL, &self->who,
			      &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, finish(ca));
}

/* An enrolment of which the test changes one step. */
struct forger {
	X509_STORE *trust;
	SSL_CTX *ctx;
	struct tconn_channel *channel;
	struct tconn_message request, reply;
};

static int open_forger(struct forger *f, const char *address, const char *ca_file, struct tconn_tpm *tpm,
		       struct tconn_error *err)
{
	int r;

	memset(f, 0, sizeof(*f));
	f->request.type = TCONN_MSG_ENROL_REQUEST;
	f->request.role = TCONN_ROLE_DEVICE;
	r = tconn_tpm_make_keys(tpm, err) || tconn_tpm_ek_public(tpm, &f->request.ek, err) ||
	    tconn_tpm_ek_certificate(tpm, &f->request.ek_cert.data, &f->request.ek_cert.len, err) ||
	    tconn_tpm_key_public(tpm, TCONN_KEY_AK, &f->request.ak, err) ||
	    tconn_tpm_key_public(tpm, TCONN_KEY_TLS, &f->request.tls, err) ||
	    tconn_tpm_key_public(tpm, TCONN_KEY_DATA, &f->request.data, err) ||
	    tconn_trust_load(ca_file, &f->trust, err) ||
	    tconn_tls_context(NULL, NULL, f->trust, false, &f->ctx, err);
	return r ? r : tconn_channel_connect(f->ctx, address, &f->channel, err);
}

static int ask(struct forger *f, enum tconn_message_type expected, struct tconn_error *err)
{
	int r = tconn_message_send(f->channel, &f->request, err);

	return r ? r : tconn_message_receive(f->channel, expected, TCONN_MESSAGE_MAX, 10000, &f->reply,
					     err);
}

static void close_forger(struct forger *f)
{
	tconn_message_free(&f->request);
	tconn_message_free(&f->reply);
	tconn_channel_close(f->channel);
	SSL_CTX_free(f->ctx);
	X509_STORE_free(f->trust);
}

TEST_F(enrol, ek_certificate_of_another_tpm_is_refused)
{
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	ASSERT_EQ(0, tconn_tpm_ek_public(self->service, &f.request.ek, &self->err));
	EXPECT_EQ(-ECONNREFUSED, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "another EK")) TH_LOG("%s", self->err.text);
	close_forger(&f);
}

TEST_F(enrol, unrestricted_ak_is_refused)
{
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	f.request.ak = f.request.data;
	EXPECT_EQ(-ECONNREFUSED, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not restricted")) TH_LOG("%s", self->err.text);
	close_forger(&f);
}

/* An issuer that let this pass would let a verifier think that all three are sealed. */
TEST_F(enrol, keys_that_are_not_sealed_alike_are_refused)
{
	struct forger f;
	TPMT_PUBLIC public;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	ASSERT_EQ(0, tconn_blob_unpack_public(&f.request.ak, &public, &self->err));
	public.objectAttributes &= ~TPMA_OBJECT_USERWITHAUTH;
	public.authPolicy.size = 32;
	ASSERT_EQ(0, tconn_blob_pack_public(&public, &f.request.ak, &self->err));
	EXPECT_EQ(-ECONNREFUSED, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "sealed otherwise")) TH_LOG("%s", self->err.text);
	close_forger(&f);
}

TEST_F(enrol, ak_of_another_tpm_cannot_open_the_credential)
{
	uint8_t credential[32];
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	ASSERT_EQ(0, tconn_tpm_make_keys(self->service, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(self->service, TCONN_KEY_AK, &f.request.ak, &self->err));
	ASSERT_EQ(0, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_GT(0, tconn_tpm_activate(self->device, &f.reply.credential, &f.reply.secret, credential,
					&self->err));
	EXPECT_GT(0, tconn_tpm_activate(self->service, &f.reply.credential, &f.reply.secret, credential,
					&self->err));
	close_forger(&f);
}

TEST_F(enrol, proof_without_the_credential_is_refused)
{
	uint8_t guess[32] = { 0 }, qualifying[32];
	struct tconn_message proof = { .type = TCONN_MSG_ENROL_PROOF };
	struct tconn_message result = { 0 };
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	ASSERT_EQ(0, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err)) TH_LOG("%s", self->err.text);
	tconn_enrol_qualifying(guess, &f.request.tls, qualifying);
	ASSERT_EQ(0, tconn_tpm_certify(self->device, TCONN_KEY_TLS, qualifying, &proof.certify_tls,
				       &proof.certify_tls_sig, &self->err));
	tconn_enrol_qualifying(guess, &f.request.data, qualifying);
	ASSERT_EQ(0, tconn_tpm_certify(self->device, TCONN_KEY_DATA, qualifying, &proof.certify_data,
				       &proof.certify_data_sig, &self->err));
	ASSERT_EQ(0, tconn_message_send(f.channel, &proof, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNREFUSED, tconn_message_receive(f.channel, TCONN_MSG_ENROL_RESULT,
						       TCONN_MESSAGE_MAX, 10000, &result, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "another occasion")) TH_LOG("%s", self->err.text);
	close_forger(&f);
}

TEST_F(enrol, messages_out_of_order_are_refused)
{
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	f.request.type = TCONN_MSG_HELLO;
	f.request.version = 1;
	f.request.has_nonce = true;
	EXPECT_EQ(-ECONNREFUSED, ask(&f, TCONN_MSG_ENROL_CHALLENGE, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "unexpected")) TH_LOG("%s", self->err.text);
	close_forger(&f);
}

TEST_F(enrol, oversized_message_is_refused_with_a_reason)
{
	uint8_t *big = calloc(1, TCONN_MESSAGE_MAX + 1);
	struct forger f;

	ASSERT_EQ(0, open_forger(&f, self->address, self->ca_file, self->device, &self->err));
	ASSERT_EQ(0, tconn_channel_send(f.channel, big, TCONN_MESSAGE_MAX + 1, &self->err));
	EXPECT_EQ(-ECONNREFUSED, tconn_message_receive(f.channel, TCONN_MSG_ENROL_CHALLENGE,
						       TCONN_MESSAGE_MAX, 10000, &f.reply, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "allowed here")) TH_LOG("%s", self->err.text);
	free(big);
	close_forger(&f);
}

TEST_F(enrol, ca_says_who_was_refused_and_why)
{
	char log[8192];

	ASSERT_EQ(0, ENROL(self->service, "pay.acme.example"));
	EXPECT_EQ(-ECONNREFUSED, ENROL(self->device, "pay.acme.example"));
	/* It logs after it has told the peer. */
	for (int i = 0; i < 250; i++) {
		read_file(self->log, log, sizeof(log));
		if (strstr(log, "refused service"))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	EXPECT_NE(NULL, strstr(log, "enrolled service pay.acme.example")) TH_LOG("%s", log);
	EXPECT_NE(NULL, strstr(log, "refused service pay.acme.example: ")) TH_LOG("%s", log);
}

TEST_F(enrol, usage_errors_have_their_exit_code)
{
	const char *bad[][8] = {
		{ "tconn-ca", NULL }, { "tconn-ca", "dance", NULL }, { "tconn-ca", "init", NULL },
		{ "tconn-ca", "list", "--dir", self->ca_dir, "--once", "1", NULL },
		{ "tconn-ca", "serve", "--dir", self->ca_dir, NULL },
		{ "tconn-ca", "remove", "--dir", self->ca_dir, NULL },
		{ "tconn-ca", "add-node", "--dir", self->ca_dir, NULL },
	};
	const char *again[] = { "tconn-ca", "init", "--dir", self->ca_dir, NULL };
	const char *help[] = { "tconn-ca", "--help", NULL };
	char output[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(2, run(bad[i], self->log, output, sizeof(output))) TH_LOG("case %zu", i);
	}
	EXPECT_EQ(1, run(again, self->log, output, sizeof(output)));
	EXPECT_EQ(1, run_remove(self->ca_dir, self->log, "service:nobody"));
	EXPECT_EQ(0, run(help, self->log, output, sizeof(output)));
	EXPECT_NE(NULL, strstr(output, "tconn-ca serve"));
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (getenv("TCONN_CA"))
		program = getenv("TCONN_CA");
	swtpm_maker_start(&maker);
	swtpm_maker_start(&other_maker);
	swtpm_start(&maker, "device", &device);
	swtpm_start(&maker, "service", &service);
	swtpm_start(&other_maker, "foreign", &foreign);
	return test_harness_run(argc, argv);
}
