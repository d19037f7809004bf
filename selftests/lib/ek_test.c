// SPDX-License-Identifier: Apache-2.0
/*
 * Endorsement keys of all kinds, from real software TPMs, at the real issuer: RSA-2048 and
 * RSA-3072, ECC P-256 and P-384, a maker whose intermediates are in the TPM's NV, and
 * certificates that are not quite what they should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <kselftest_harness.h>

#include "daemon/lib/enrol.h"
#include "daemon/lib/tpm_blob.h"
#include "daemon/lib/tpm_ek.h"
#include "swtpm_fixture.h"

#define PATH_SIZE	256
#define EK_RSA		"0x01c00002"
#define EK_P384		"0x01c00016"
#define EK_P256		"0x01c0000a"
#define CHAIN		"0x01c00100"

static struct swtpm_maker maker;
static struct swtpm plain, large, curve, vendor, odd;
static char dir[SWTPM_PATH_MAX], trust[PATH_SIZE], address[64];
static pid_t parent, ca;

/* A maker in software: root, intermediate. */
static EVP_PKEY *root_key, *middle_key;
static X509 *root, *middle;

static const char *path_of(const char *name)
{
	static char paths[8][PATH_SIZE];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_SIZE, "%s/%s", dir, name);
	return path;
}

static pid_t spawn(const char *program, const char *const argv[], int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execvp(program, (char *const *)argv);
	_exit(127);
}

static bool run(const char *program, ...)
{
	const char *argv[16] = { program };
	int status = -1, n = 1, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	va_list args;

	va_start(args, program);
	while (n < 15 && (argv[n] = va_arg(args, const char *)))
		n++;
	va_end(args);
	waitpid(spawn(program, argv, null), &status, 0);
	close(null);
	return status == 0;
}

static void need(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s\n", what);
	exit(1);
}

/* -- a TPM's NV, as a maker would fill it */

static void nv_drop(const struct swtpm *t, const char *index)
{
	need(run("tpm2_nvundefine", "-T", t->tcti, "-C", "p", index, NULL), "tpm2_nvundefine");
}

static void nv_put(const struct swtpm *t, const char *index, const void *data, size_t len)
{
	const char *file = path_of("nv");
	FILE *f = fopen(file, "we");
	char size[16];

	need(f && fwrite(data, 1, len, f) == len && !fclose(f), file);
	snprintf(size, sizeof(size), "%zu", len);
	need(run("tpm2_nvdefine", "-T", t->tcti, "-C", "p", "-s", size, "-a",
		 "ppread|ppwrite|authread|ownerread|no_da|platformcreate", index, NULL), "tpm2_nvdefine");
	need(run("tpm2_nvwrite", "-T", t->tcti, "-C", "p", "-i", file, index, NULL), "tpm2_nvwrite");
}

static EVP_PKEY *ek_of(const struct swtpm *t)
{
	struct tconn_error err = { "" };
	EVP_PKEY *pkey = NULL;
	struct tconn_blob ek;
	struct tconn_tpm *tpm;

	need(!tconn_tpm_open(t->tcti, &tpm, &err) && !tconn_tpm_ek_public(tpm, &ek, &err) &&
	     !tconn_public_to_pkey(&ek, &pkey, &err), err.text);
	tconn_tpm_close(tpm);
	return pkey;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	need(e && X509_add_ext(cert, e, -1), value);
	X509_EXTENSION_free(e);
}

/* usage NULL: an issuer's. oaep: the key is said to be for RSAES-OAEP. */
static X509 *certify(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
		     const char *usage, bool oaep)
{
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
				   (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	X509_set_pubkey(cert, key);
	if (oaep)
		X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_nid2obj(NID_rsaesOaep),
				       V_ASN1_NULL, NULL, NULL, 0);
	extend(cert, issuer, NID_basic_constraints, usage ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extend(cert, issuer, NID_key_usage, usage ? usage : "critical,keyCertSign");
	if (usage)
		extend(cert, issuer, NID_ext_key_usage, "2.23.133.8.1");
	need(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "a certificate");
	return cert;
}

static void nv_put_certificate(const struct swtpm *t, const char *index, X509 *cert, size_t padding)
{
	uint8_t buf[4096], *at = buf;
	int len = i2d_X509(cert, &at);

	memset(at, 0xff, padding);
	nv_put(t, index, buf, (size_t)len + padding);
}

/* -- enrolment */

static int enrol(const struct swtpm *t, struct tconn_identity *who, struct tconn_error *err)
{
	const struct tconn_enrol_options o = {
		.ca_address = address, .ca_file = path_of("ca/ca.pem"), .identity_dir = path_of("id"),
		.role = TCONN_ROLE_DEVICE,
	};
	struct tconn_tpm *tpm;
	int r = tconn_tpm_open(t->tcti, &tpm, err);

	if (r)
		return r;
	r = tconn_enrol(tpm, &o, who, err);
	tconn_tpm_close(tpm);
	return r;
}

static void kind_of(const struct swtpm *t, char *ret, size_t size)
{
	const struct tconn_ek_kind *kind;
	struct tconn_error err = { "" };
	struct tconn_blob ek;
	struct tconn_tpm *tpm;
	TPMT_PUBLIC public;

	snprintf(ret, size, "none");
	if (tconn_tpm_open(t->tcti, &tpm, &err))
		return;
	if (!tconn_tpm_ek_public(tpm, &ek, &err) && !tconn_blob_unpack_public(&ek, &public, &err)) {
		kind = tconn_ek_kind_of(&public);
		snprintf(ret, size, "%s", kind ? kind->name : "none");
	}
	tconn_tpm_close(tpm);
}

#define EXPECT_IN(part, whole) \
	EXPECT_NE(NULL, strstr(whole, part)) TH_LOG("\"%s\" is not in \"%s\"", part, whole)

/* An id, keys in the same TPM as the EK, certificates that were checked. */
static void enrols_with(struct __test_metadata *_metadata, const struct swtpm *t, const char *kind)
{
	struct tconn_identity who = { 0 };
	struct tconn_error err = { "" };
	char is[64];

	kind_of(t, is, sizeof(is));
	EXPECT_STREQ(kind, is);
	EXPECT_EQ(0, enrol(t, &who, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(64, strlen(who.name));
	/* Once more: the issuer knows the same EK again. */
	EXPECT_EQ(0, enrol(t, &who, &err)) TH_LOG("%s", err.text);
}

TEST(rsa_2048)
{
	enrols_with(_metadata, &plain, "RSA-2048 (L-1)");
}

TEST(rsa_3072)
{
	enrols_with(_metadata, &large, "RSA-3072 (H-6)");
}

TEST(ecc_p384)
{
	enrols_with(_metadata, &curve, "ECC P-384 (H-3)");
}

TEST(ecc_p256_with_an_intermediate_in_nv)
{
	struct tconn_identity who;
	struct tconn_error err = { "" };

	EXPECT_EQ(-ECONNREFUSED, enrol(&vendor, &who, &err));
	EXPECT_IN("unable to get local issuer certificate", err.text);
	nv_put_certificate(&vendor, CHAIN, middle, 20);
	enrols_with(_metadata, &vendor, "ECC P-256 (L-2)");
}

/* A credential for another AK, or in other hands, is not opened: for each kind of EK. */
TEST(credential_for_another_key_stays_shut)
{
	const struct swtpm *tpms[] = { &plain, &large, &curve, &vendor };
	static const uint8_t secret[32] = { 1, 2, 3 };

	for (size_t i = 0; i < 4; i++) {
		struct tconn_blob ek, ak, credential, seed;
		struct tconn_error err = { "" };
		uint8_t name[34], got[32] = { 0 };
		struct tconn_tpm *tpm;

		ASSERT_EQ(0, tconn_tpm_open(tpms[i]->tcti, &tpm, &err));
		ASSERT_EQ(0, tconn_tpm_make_keys(tpm, &err)) TH_LOG("%s", err.text);
		ASSERT_EQ(0, tconn_tpm_ek_public(tpm, &ek, &err));
		ASSERT_EQ(0, tconn_tpm_key_public(tpm, TCONN_KEY_AK, &ak, &err));
		ASSERT_EQ(0, tconn_name(&ak, name, &err));
		ASSERT_EQ(0, tconn_make_credential(&ek, name, secret, &credential, &seed, &err));
		EXPECT_EQ(0, tconn_tpm_activate(tpm, &credential, &seed, got, &err))
			TH_LOG("%zu: %s", i, err.text);
		EXPECT_EQ(0, memcmp(secret, got, 32));
		name[33] ^= 1;
		ASSERT_EQ(0, tconn_make_credential(&ek, name, secret, &credential, &seed, &err));
		EXPECT_NE(0, tconn_tpm_activate(tpm, &credential, &seed, got, &err));
		tconn_tpm_close(tpm);
	}
}

/* -- certificates that are not quite what they should be */

static void odd_certificate(X509 *cert, size_t padding)
{
	nv_drop(&odd, EK_RSA);
	nv_put_certificate(&odd, EK_RSA, cert, padding);
}

static void refused(struct __test_metadata *_metadata, const char *why)
{
	struct tconn_identity who;
	struct tconn_error err = { "" };

	EXPECT_NE(0, enrol(&odd, &who, &err));
	EXPECT_IN(why, err.text);
}

/* As some makers' are. */
TEST(key_that_is_said_to_be_for_oaep)
{
	EVP_PKEY *ek = ek_of(&odd);

	odd_certificate(certify(ek, "EK", root, root_key, "critical,keyEncipherment", true), 0);
	refused(_metadata, "whose algorithm is rsaesOaep");
}

TEST(padding_after_the_certificate)
{
	EVP_PKEY *ek = ek_of(&odd);

	odd_certificate(certify(ek, "EK", root, root_key, "critical,keyEncipherment", false), 64);
	enrols_with(_metadata, &odd, "RSA-2048 (L-1)");
}

TEST(certificate_for_another_key)
{
	EVP_PKEY *ek = ek_of(&plain);

	odd_certificate(certify(ek, "EK", root, root_key, "critical,keyEncipherment", false), 0);
	refused(_metadata, "it is for another EK");
}

TEST(certificate_for_another_use)
{
	EVP_PKEY *ek = ek_of(&odd);

	odd_certificate(certify(ek, "EK", root, root_key, "critical,digitalSignature", false), 0);
	refused(_metadata, "it is not an endorsement key's");
}

TEST(bytes_that_are_no_certificate)
{
	uint8_t bytes[260] = { 0x30, 0x82, 0x01, 0x00, 0x30, 0x03, 0x02, 0x01, 0x05 };

	nv_drop(&odd, EK_RSA);
	nv_put(&odd, EK_RSA, bytes, sizeof(bytes));
	refused(_metadata, "not an X.509 certificate in DER, nor close enough to be read: ");
	nv_drop(&odd, EK_RSA);
	nv_put(&odd, EK_RSA, "no certificate", 14);
	refused(_metadata, "holds no X.509 certificate in DER");
}

TEST(intermediate_that_is_none)
{
	EVP_PKEY *ek = ek_of(&odd);
	static const uint8_t junk[64] = { 0x30, 0x82, 0, 60, 1, 2, 3 };

	nv_drop(&odd, EK_RSA);
	nv_put_certificate(&odd, EK_RSA, certify(ek, "EK", root, root_key, "critical,keyEncipherment",
						 false), 0);
	nv_put(&odd, CHAIN, junk, sizeof(junk));
	refused(_metadata, "certificate 1 of its chain is none");
	nv_drop(&odd, CHAIN);
}

/* -- the issuer */

static void start_ca(void)
{
	const char *argv[] = {
		"tconn-ca", "serve", "--dir", path_of("ca"), "--listen", "127.0.0.1:0", "--ek-trust",
		trust, NULL
	};
	char line[128];
	int out[2];
	ssize_t n;

	need(run("out/bin/tconn-ca", "init", "--dir", path_of("ca"), NULL), "tconn-ca init");
	need(!pipe2(out, O_CLOEXEC), "a pipe");
	ca = spawn("out/bin/tconn-ca", argv, out[1]);
	n = read(out[0], line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	need(sscanf(line, "listening on %63s", address) == 1, "tconn-ca serve");
}

static void stop_ca(void)
{
	if (getpid() != parent)
		return;
	kill(ca, SIGTERM);
	waitpid(ca, NULL, 0);
}

/* A directory with swtpm's issuers and the root in software; not its intermediate. */
static void make_trust(void)
{
	FILE *f;

	snprintf(trust, sizeof(trust), "%s", path_of("makers"));
	need(!mkdir(trust, 0700), trust);
	need(run("cp", maker.ek_trust, path_of("makers/swtpm.pem"), NULL), "cp");
	f = fopen(path_of("makers/vendor.crt"), "we");
	need(f && PEM_write_X509(f, root) == 1 && !fclose(f), "vendor.crt");
}

int main(int argc, char **argv)
{
	EVP_PKEY *ek;

	parent = getpid();
	signal(SIGPIPE, SIG_IGN);
	swtpm_temp_dir(dir);
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "plain", &plain);
	swtpm_start_with(&maker, "large", "3072", &large);
	swtpm_start(&maker, "curve", &curve);
	swtpm_start(&maker, "vendor", &vendor);
	swtpm_start(&maker, "odd", &odd);
	root_key = EVP_EC_gen("P-384");
	middle_key = EVP_RSA_gen(2048);
	root = certify(root_key, "vendor root", NULL, root_key, NULL, false);
	middle = certify(middle_key, "vendor intermediate", root, root_key, NULL, false);
	/* Only its P-384 EK has a certificate. */
	nv_drop(&curve, EK_RSA);
	/* Neither of swtpm's, but one for P-256 from a maker with an intermediate. */
	nv_drop(&vendor, EK_RSA);
	nv_drop(&vendor, EK_P384);
	nv_put(&vendor, EK_P256, "to be", 5);
	ek = ek_of(&vendor);
	nv_drop(&vendor, EK_P256);
	nv_put_certificate(&vendor, EK_P256, certify(ek, "EK", middle, middle_key, "critical,keyAgreement",
						     false), 0);
	EVP_PKEY_free(ek);
	make_trust();
	start_ca();
	atexit(stop_ca);
	return test_harness_run(argc, argv);
}
