// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/identity.c and issuer.c. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <kselftest_harness.h>

#include "daemon/lib/certificate_cache.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/revocation.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

static struct swtpm_maker maker;
static struct swtpm swtpm;
static struct tconn_identity device_identity;
static char dir[SWTPM_PATH_MAX], ca_dir[SWTPM_PATH_MAX + 16], other_ca_dir[SWTPM_PATH_MAX + 16];
static char device_dir[SWTPM_PATH_MAX + 16], service_dir[SWTPM_PATH_MAX + 16];

struct der {
	uint8_t *data;
	size_t len;
};

static struct der load(const char *in, const char *file)
{
	struct der der = { 0 };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", in, file);
	if (tconn_certificate_load(path, &der.data, &der.len, NULL))
		abort();
	return der;
}

FIXTURE(identity) {
	struct tconn_error err;
	struct tconn_identity got;
	X509_STORE *trust, *other_trust;
	struct der ak, tls, data, service_tls;
};

FIXTURE_SETUP(identity)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ca.pem", ca_dir);
	ASSERT_EQ(0, tconn_trust_load(path, &self->trust, &self->err)) TH_LOG("%s", self->err.text);
	snprintf(path, sizeof(path), "%s/ca.pem", other_ca_dir);
	ASSERT_EQ(0, tconn_trust_load(path, &self->other_trust, &self->err));
	self->ak = load(device_dir, "ak.pem");
	self->tls = load(device_dir, "tls.pem");
	self->data = load(device_dir, "data.pem");
	self->service_tls = load(service_dir, "tls.pem");
}

FIXTURE_TEARDOWN(identity)
{
	X509_STORE_free(self->trust);
	X509_STORE_free(self->other_trust);
	free(self->ak.data);
	free(self->tls.data);
	free(self->data.data);
	free(self->service_tls.data);
}

TEST_F(identity, each_certificate_serves_its_use_only)
{
	static const enum tconn_use uses[] = { TCONN_USE_AK, TCONN_USE_TLS, TCONN_USE_DATA };
	const struct der *certs[] = { &self->ak, &self->tls, &self->data };

	for (size_t i = 0; i < 9; i++) {
		size_t c = i / 3, u = i % 3;

		EXPECT_EQ(c == u ? 0 : -EKEYREJECTED,
			  tconn_certificate_check(self->trust, certs[c]->data, certs[c]->len, uses[u],
						  TCONN_ROLE_DEVICE, &self->got, &self->err))
			TH_LOG("%zu as %zu: %s", c, u, self->err.text);
	}
	EXPECT_STREQ(device_identity.name, self->got.name);
	EXPECT_EQ(TCONN_ROLE_DEVICE, self->got.role);
}

TEST_F(identity, roles_do_not_mix)
{
	ASSERT_EQ(0, tconn_certificate_check(self->trust, self->service_tls.data, self->service_tls.len,
					     TCONN_USE_TLS, TCONN_ROLE_SERVICE, &self->got, &self->err))
		TH_LOG("%s", self->err.text);
	EXPECT_STREQ("pay.acme.example", self->got.name);
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->trust, self->service_tls.data,
							 self->service_tls.len, TCONN_USE_TLS,
							 TCONN_ROLE_DEVICE, &self->got, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->trust, self->tls.data, self->tls.len,
							 TCONN_USE_TLS, TCONN_ROLE_SERVICE, &self->got,
							 &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->trust, self->ak.data, self->ak.len,
							 TCONN_USE_AK, TCONN_ROLE_SERVICE, &self->got,
							 &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "no service's")) TH_LOG("%s", self->err.text);
}

/* A list with one number on it, or one that cannot be read. */
struct one_number {
	char serial[TCONN_SERIAL_TEXT];
	bool broken;
};

static int look(void *arg, const char *serial)
{
	const struct one_number *one = arg;

	return one->broken ? -EIO : !strcmp(serial, one->serial);
}

TEST_F(identity, revoked_certificate_serves_no_use)
{
	static const enum tconn_use uses[] = { TCONN_USE_AK, TCONN_USE_TLS, TCONN_USE_DATA };
	const struct der *certs[] = { &self->ak, &self->tls, &self->data };
	struct one_number one = { 0 };
	const struct tconn_revocation_list list = { look, &one };

	ASSERT_EQ(0, tconn_trust_revocation(self->trust, &list, &self->err));
	for (size_t i = 0; i < 9; i++) {
		size_t c = i / 3, revoked = i % 3;

		tconn_serial_of(certs[revoked]->data, certs[revoked]->len, one.serial);
		EXPECT_LT(0, strlen(one.serial));
		EXPECT_EQ(c == revoked ? -EKEYREVOKED : 0,
			  tconn_certificate_check(self->trust, certs[c]->data, certs[c]->len, uses[c],
						  TCONN_ROLE_DEVICE, &self->got, &self->err));
	}
	EXPECT_NE(NULL, strstr(self->err.text, "certificate revoked")) TH_LOG("%s", self->err.text);
}

TEST_F(identity, revoked_issuer_takes_all_along)
{
	struct one_number one = { 0 };
	const struct tconn_revocation_list list = { look, &one };
	struct der ca = load(device_dir, "ca.pem");

	tconn_serial_of(ca.data, ca.len, one.serial);
	free(ca.data);
	ASSERT_EQ(0, tconn_trust_revocation(self->trust, &list, &self->err));
	EXPECT_EQ(-EKEYREVOKED, tconn_certificate_check(self->trust, self->tls.data, self->tls.len,
							TCONN_USE_TLS, TCONN_ROLE_DEVICE, &self->got,
							&self->err));
}

TEST_F(identity, list_that_cannot_be_read_lets_nobody_pass)
{
	struct one_number one = { .broken = true };
	const struct tconn_revocation_list list = { look, &one };

	ASSERT_EQ(0, tconn_trust_revocation(self->trust, &list, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->trust, self->tls.data, self->tls.len,
							 TCONN_USE_TLS, TCONN_ROLE_DEVICE, &self->got,
							 &self->err));
}

static int check_tls(FIXTURE_DATA(identity) *self, X509_STORE *trust, const struct der *cert)
{
	return tconn_certificate_check(trust, cert->data, cert->len, TCONN_USE_TLS, TCONN_ROLE_DEVICE,
				       &self->got, &self->err);
}

TEST_F(identity, what_was_verified_before_is_trusted_by_that_store_alone)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, check_tls(self, self->trust, &self->tls)) TH_LOG("%s", self->err.text);
		EXPECT_EQ(-EKEYREJECTED, check_tls(self, self->other_trust, &self->tls));
	}
}

TEST_F(identity, what_was_verified_before_is_refused_once_revoked)
{
	struct one_number one = { .serial = "none" };
	const struct tconn_revocation_list list = { look, &one };

	ASSERT_EQ(0, tconn_trust_revocation(self->trust, &list, &self->err));
	EXPECT_EQ(0, check_tls(self, self->trust, &self->tls));
	tconn_serial_of(self->tls.data, self->tls.len, one.serial);
	EXPECT_EQ(-EKEYREVOKED, check_tls(self, self->trust, &self->tls));
	one = (struct one_number){ .serial = "none" };
	EXPECT_EQ(0, check_tls(self, self->trust, &self->tls));
	one.broken = true;
	EXPECT_NE(0, check_tls(self, self->trust, &self->tls));
}

/* The same certificate, as its issuer would have made it for so many seconds. */
static struct der make_short(const struct der *cert, long seconds)
{
	const uint8_t *at = cert->data;
	X509 *x = d2i_X509(NULL, &at, (long)cert->len);
	struct der der = { 0 };
	EVP_PKEY *key;
	char path[256];
	int len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ca.key", ca_dir);
	f = fopen(path, "re");
	key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (x && key && X509_gmtime_adj(X509_getm_notAfter(x), seconds) &&
	    X509_sign(x, key, EVP_sha256()) > 0)
		len = i2d_X509(x, &der.data);
	if (len <= 0)
		abort();
	der.len = (size_t)len;
	fclose(f);
	EVP_PKEY_free(key);
	X509_free(x);
	return der;
}

TEST_F(identity, what_was_verified_before_is_refused_once_expired)
{
	struct der brief = make_short(&self->tls, 2);

	EXPECT_EQ(0, check_tls(self, self->trust, &brief)) TH_LOG("%s", self->err.text);
	sleep(3);
	EXPECT_EQ(-EKEYREJECTED, check_tls(self, self->trust, &brief));
	EXPECT_NE(NULL, strstr(self->err.text, "expired")) TH_LOG("%s", self->err.text);
	OPENSSL_free(brief.data);
}

TEST_F(identity, another_issuer_is_not_trusted)
{
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->other_trust, self->tls.data,
							 self->tls.len, TCONN_USE_TLS,
							 TCONN_ROLE_DEVICE, &self->got, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not trusted")) TH_LOG("%s", self->err.text);
}

TEST_F(identity, the_issuers_own_certificate_is_no_identity)
{
	struct der ca = load(ca_dir, "ca.pem");

	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_check(self->trust, ca.data, ca.len, TCONN_USE_DATA,
							 TCONN_ROLE_SERVICE, &self->got, &self->err));
	free(ca.data);
}

TEST_F(identity, every_changed_byte_is_refused)
{
	for (size_t i = 0; i < self->tls.len; i++) {
		self->tls.data[i] ^= 1;
		EXPECT_GT(0, tconn_certificate_check(self->trust, self->tls.data, self->tls.len,
						     TCONN_USE_TLS, TCONN_ROLE_DEVICE, &self->got, NULL))
			TH_LOG("byte %zu", i);
		self->tls.data[i] ^= 1;
	}
	for (size_t len = 0; len < self->tls.len; len += 7) {
		EXPECT_EQ(-EBADMSG, tconn_certificate_check(self->trust, self->tls.data, len,
							    TCONN_USE_TLS, TCONN_ROLE_DEVICE,
							    &self->got, NULL));
	}
}

TEST_F(identity, trailing_bytes_are_refused)
{
	uint8_t *longer = calloc(1, self->tls.len + 1);

	memcpy(longer, self->tls.data, self->tls.len);
	EXPECT_EQ(-EBADMSG, tconn_certificate_check(self->trust, longer, self->tls.len + 1,
						    TCONN_USE_TLS, TCONN_ROLE_DEVICE, &self->got, NULL));
	free(longer);
}

TEST_F(identity, certificate_matches_its_key_only)
{
	struct tconn_tpm *tpm;
	struct tconn_blob tls, data;

	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(tpm, TCONN_KEY_TLS, &tls, &self->err));
	ASSERT_EQ(0, tconn_tpm_key_public(tpm, TCONN_KEY_DATA, &data, &self->err));
	EXPECT_EQ(0, tconn_certificate_matches(self->tls.data, self->tls.len, &tls, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_matches(self->tls.data, self->tls.len, &data,
							   &self->err));
	tconn_tpm_close(tpm);
}

TEST_F(identity, digest_signatures_verify)
{
	uint8_t digest[32], sig[72];
	struct tconn_tpm *tpm;
	size_t len;

	tconn_sha256("receipt", 7, digest);
	ASSERT_EQ(0, tconn_tpm_open(swtpm.tcti, &tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_sign(tpm, TCONN_KEY_DATA, digest, sig, &len, &self->err));
	tconn_tpm_close(tpm);
	EXPECT_EQ(0, tconn_certificate_verify_digest(self->data.data, self->data.len, digest, sig, len,
						     &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_verify_digest(self->tls.data, self->tls.len, digest,
								 sig, len, &self->err));
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_verify_digest(self->data.data, self->data.len, digest,
								 sig, len - 1, &self->err));
	digest[0] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_certificate_verify_digest(self->data.data, self->data.len, digest,
								 sig, len, &self->err));
}

TEST_F(identity, names_are_checked)
{
	char longest[TCONN_NAME_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[TCONN_NAME_MAX] = '\0';
	EXPECT_EQ(0, tconn_identity_name_check(TCONN_ROLE_SERVICE, longest, &self->err));
	longest[TCONN_NAME_MAX] = 'a';
	longest[TCONN_NAME_MAX + 1] = '\0';
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_SERVICE, longest, &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_SERVICE, "", &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_SERVICE, "a,URI:b", &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_SERVICE, ".a", &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_SERVICE, "\xc3\xa9", &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check(TCONN_ROLE_DEVICE, "abc", &self->err));
	EXPECT_EQ(0, tconn_identity_name_check(TCONN_ROLE_DEVICE, device_identity.name, &self->err));
	EXPECT_EQ(-EINVAL, tconn_identity_name_check('X', "abc", &self->err));
}

TEST_F(identity, issuer_is_not_made_twice_and_its_key_is_private)
{
	struct tconn_issuer *issuer = NULL;
	char path[256];
	struct stat st;

	EXPECT_EQ(-EEXIST, tconn_issuer_create(ca_dir, "again", &self->err));
	snprintf(path, sizeof(path), "%s/ca.key", other_ca_dir);
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	ASSERT_EQ(0, chmod(path, 0640));
	EXPECT_EQ(-EPERM, tconn_issuer_load(other_ca_dir, &issuer, &self->err));
	ASSERT_EQ(0, chmod(path, 0600));
}

TEST_F(identity, trust_files_are_read_whole_or_not_at_all)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/broken.pem", dir);
	f = fopen(path, "w");
	ASSERT_NE(NULL, f);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	EXPECT_EQ(-EBADMSG, tconn_trust_load(path, &self->trust, &self->err));
	f = fopen(path, "w");
	fclose(f);
	EXPECT_EQ(-EBADMSG, tconn_trust_load(path, &self->trust, &self->err));
	EXPECT_EQ(-ENOENT, tconn_trust_load("/nonexistent", &self->trust, &self->err));
}

int main(int argc, char **argv)
{
	struct tconn_identity service;
	struct tconn_issuer *issuer;

	swtpm_temp_dir(dir);
	snprintf(ca_dir, sizeof(ca_dir), "%s/ca", dir);
	snprintf(other_ca_dir, sizeof(other_ca_dir), "%s/other", dir);
	snprintf(device_dir, sizeof(device_dir), "%s/device", dir);
	snprintf(service_dir, sizeof(service_dir), "%s/service", dir);
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "one", &swtpm);
	issuer = test_issuer(ca_dir, "Test issuer");
	tconn_issuer_free(test_issuer(other_ca_dir, "Other issuer"));
	test_identity(issuer, ca_dir, swtpm.tcti, NULL, device_dir, &device_identity);
	test_identity(issuer, ca_dir, swtpm.tcti, "pay.acme.example", service_dir, &service);
	tconn_issuer_free(issuer);
	tconn_certificate_cache_start();
	return test_harness_run(argc, argv);
}
