// SPDX-License-Identifier: Apache-2.0
#include "test_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

__attribute__((noreturn))
static void bail_out(const char *what, const struct tconn_error *err)
{
	printf("Bail out! %s: %s\n", what, err ? err->text : "failed");
	exit(1);
}

struct tconn_issuer *test_issuer(const char *dir, const char *name)
{
	struct tconn_issuer *issuer;
	struct tconn_error err;

	if (tconn_issuer_create(dir, name, &err) || tconn_issuer_load(dir, &issuer, &err))
		bail_out("issuer", &err);
	return issuer;
}

static void write_pem(const char *dir, const char *file, const uint8_t *der, size_t len)
{
	X509 *cert = d2i_X509(NULL, &der, (long)len);
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "we");
	if (!f || !cert || PEM_write_X509(f, cert) != 1 || fclose(f))
		bail_out(path, NULL);
	X509_free(cert);
}

void test_certificate(const struct tconn_issuer *issuer, const struct tconn_identity *identity,
		      struct tconn_tpm *tpm, enum tconn_key key, enum tconn_use use,
		      const char *dir, const char *file)
{
	uint8_t serial[TCONN_SERIAL_BYTES], *der;
	struct tconn_error err;
	struct tconn_blob pub;
	size_t len;

	if (tconn_tpm_key_public(tpm, key, &pub, &err) ||
	    tconn_issuer_issue(issuer, identity, use, &pub, &der, &len, serial, &err))
		bail_out(file, &err);
	write_pem(dir, file, der, len);
	free(der);
}

static void copy_issuer(const char *issuer_dir, const char *dir)
{
	struct tconn_error err;
	char path[512];
	uint8_t *der;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", issuer_dir, TCONN_ISSUER_CERT);
	if (tconn_certificate_load(path, &der, &len, &err))
		bail_out("ca.pem", &err);
	write_pem(dir, "ca.pem", der, len);
	free(der);
}

void test_identity_sealed(const struct tconn_issuer *issuer, const char *issuer_dir,
			  const char *tcti, const char *boot_policy, const char *name,
			  const char *dir, struct tconn_identity *ret)
{
	struct tconn_error err;
	struct tconn_tpm *tpm;
	struct tconn_blob ek;

	if (tconn_tpm_open(tcti, &tpm, &err) || tconn_tpm_use_boot_policy(tpm, boot_policy, &err) ||
	    tconn_tpm_make_keys(tpm, &err) ||
	    tconn_tpm_ek_public(tpm, &ek, &err))
		bail_out("TPM", &err);
	ret->role = name ? TCONN_ROLE_SERVICE : TCONN_ROLE_DEVICE;
	if (name)
		snprintf(ret->name, sizeof(ret->name), "%s", name);
	else if (tconn_device_id(&ek, ret->name, &err))
		bail_out("device id", &err);
	mkdir(dir, 0700);
	test_certificate(issuer, ret, tpm, TCONN_KEY_AK, TCONN_USE_AK, dir, "ak.pem");
	test_certificate(issuer, ret, tpm, TCONN_KEY_TLS, TCONN_USE_TLS, dir, "tls.pem");
	test_certificate(issuer, ret, tpm, TCONN_KEY_DATA, TCONN_USE_DATA, dir, "data.pem");
	copy_issuer(issuer_dir, dir);
	tconn_tpm_close(tpm);
}

void test_identity(const struct tconn_issuer *issuer, const char *issuer_dir, const char *tcti,
		   const char *name, const char *dir, struct tconn_identity *ret)
{
	test_identity_sealed(issuer, issuer_dir, tcti, NULL, name, dir, ret);
}
