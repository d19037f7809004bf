// SPDX-License-Identifier: Apache-2.0
#include "maker.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OID_EK		"2.23.133.8.1"	/* tcg-kp-EKCertificate */
#define CHAIN_DEPTH	6

static bool is_certificate_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (!strcmp(dot, ".pem") || !strcmp(dot, ".crt"));
}

static int add_directory(X509_STORE *store, const char *path, struct tconn_error *err)
{
	unsigned int files = 0;
	struct dirent *entry;
	char file[4096];
	DIR *dir;
	int r = 0;

	dir = opendir(path);
	if (!dir)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	while (!r && (entry = readdir(dir))) {
		if (!is_certificate_file(entry->d_name))
			continue;
		files++;
		if (snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >= (int)sizeof(file))
			r = tconn_fail(err, -ENAMETOOLONG, "%s: too long", path);
		else
			r = tconn_trust_add(store, file, err);
	}
	closedir(dir);
	if (!r && !files)
		r = tconn_fail(err, -ENOENT, "%s: no *.pem or *.crt file in it", path);
	return r;
}

int maker_load(const char *path, struct x509_store_st **ret, struct tconn_error *err)
{
	X509_STORE *store = X509_STORE_new();
	struct stat st;
	int r;

	if (!store)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (stat(path, &st))
		r = tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	else
		r = S_ISDIR(st.st_mode) ? add_directory(store, path, err) :
					  tconn_trust_add(store, path, err);
	if (r) {
		X509_STORE_free(store);
		return tconn_fail_in(err, r, "EK issuers");
	}
	*ret = store;
	return 0;
}

static X509 *parse(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	X509 *cert = d2i_X509(NULL, &at, (long)len);

	if (cert && at == der + len)
		return cert;
	X509_free(cert);
	return NULL;
}

/*
 * Not X509_V_FLAG_X509_STRICT: makers' certificates differ in small ways. What
 * is not relaxed: signatures, validity, CA flags, and that a critical extension
 * nobody here understands refuses the certificate (the critical SAN with the
 * TPM's model, which every EK certificate has, is understood).
 */
static int check_chain(X509_STORE *makers, X509 *cert, struct tconn_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = 0;

	if (!ctx || X509_STORE_CTX_init(ctx, makers, cert, NULL) != 1) {
		X509_STORE_CTX_free(ctx);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), CHAIN_DEPTH);
	if (X509_verify_cert(ctx) != 1)
		r = tconn_fail(err, -EKEYREJECTED, "EK certificate: %s; the store of EK issuers decides",
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	return r;
}

/* The profile allows a certificate without extended key usage, but none for another use. */
static bool is_for_ek(X509 *cert)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	uint32_t flags = X509_get_extension_flags(cert);
	bool found = !(flags & EXFLAG_XKUSAGE);
	char oid[64];

	for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages); i++)
		if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, i), 1) > 0 &&
		    !strcmp(oid, OID_EK))
			found = true;
	EXTENDED_KEY_USAGE_free(usages);
	return found && !(flags & EXFLAG_CA) &&
	       (!(flags & EXFLAG_KUSAGE) || X509_get_key_usage(cert) & KU_KEY_ENCIPHERMENT);
}

int maker_check(struct x509_store_st *makers, const uint8_t *der, size_t len,
		const struct tconn_blob *ek, struct tconn_error *err)
{
	X509 *cert = parse(der, len);
	int r;

	if (!cert) {
		ERR_clear_error();
		return tconn_fail(err, -EBADMSG, "EK certificate: not one X.509 certificate in DER");
	}
	r = check_chain(makers, cert, err);
	if (!r && !is_for_ek(cert))
		r = tconn_fail(err, -EKEYREJECTED, "EK certificate: it is not an endorsement key's");
	X509_free(cert);
	ERR_clear_error();
	if (!r)
		r = tconn_certificate_matches(der, len, ek, err) ?
		    tconn_fail(err, -EKEYREJECTED, "EK certificate: it is for another EK") : 0;
	return r;
}
