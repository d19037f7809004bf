// SPDX-License-Identifier: Apache-2.0
#include "identity.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define CERTIFICATES_MAX	256	/* of one trust file */

static const struct tconn_keeper *keeper;	/* NULL: each time anew */

void tconn_certificate_keep(const struct tconn_keeper *k)
{
	keeper = k;
}

static bool is_device_id(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool is_service_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > TCONN_NAME_MAX || !isascii(name[0]) || !isalnum(name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr(".-_", name[i])))
			return false;
	return true;
}

int tconn_identity_name_check(enum tconn_role role, const char *name, struct tconn_error *err)
{
	if (role == TCONN_ROLE_DEVICE)
		return is_device_id(name) ? 0 :
		       tconn_fail(err, -EINVAL, "a device's id is 64 lower-case hex digits");
	if (role == TCONN_ROLE_SERVICE)
		return is_service_name(name) ? 0 :
		       tconn_fail(err, -EINVAL, "a service's name is 1 to %d letters, digits, '.', '-' "
				  "or '_', and starts with a letter or digit", TCONN_NAME_MAX);
	return tconn_fail(err, -EINVAL, "a role is 'D' (device) or 'S' (service)");
}

/* An encrypted file would make OpenSSL ask the terminal. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static int add_certificates(X509_STORE *store, FILE *f, const char *path, struct tconn_error *err)
{
	unsigned int count = 0;
	X509 *cert;
	bool good;

	ERR_clear_error();
	while ((cert = PEM_read_X509(f, NULL, no_password, NULL))) {
		good = ++count <= CERTIFICATES_MAX && X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
		if (!good)
			return tconn_fail(err, -EBADMSG, "%s: certificate %u is refused (%d at most)",
					  path, count, CERTIFICATES_MAX);
	}
	/* "No start line" is the end of the file; anything else is a broken certificate. */
	good = count && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (!good)
		return tconn_fail(err, -EBADMSG, "%s: certificate %u is no valid PEM certificate", path,
				  count + 1);
	return 0;
}

int tconn_trust_add(struct x509_store_st *store, const char *path, struct tconn_error *err)
{
	FILE *f __attribute__((cleanup(fclosep))) = fopen(path, "re");

	if (!f)
		return tconn_fail(err, -errno, "%s: cannot be read: %s", path, strerror(errno));
	return add_certificates(store, f, path, err);
}

int tconn_trust_certificate(const uint8_t *der, size_t len, struct x509_store_st **ret,
			    struct tconn_error *err)
{
	X509_STORE *store = X509_STORE_new();
	X509 *cert = tconn_certificate_parse(der, len, err);
	int r = cert ? 0 : -EBADMSG;

	if (cert && (!store || X509_STORE_add_cert(store, cert) != 1))
		r = tconn_fail(err, -ENOMEM, "out of memory");
	X509_free(cert);
	if (r) {
		X509_STORE_free(store);
		return r;
	}
	*ret = store;
	return 0;
}

int tconn_trust_load(const char *path, struct x509_store_st **ret, struct tconn_error *err)
{
	X509_STORE *store = X509_STORE_new();
	int r;

	if (!store)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = tconn_trust_add(store, path, err);
	if (r) {
		X509_STORE_free(store);
		return r;
	}
	*ret = store;
	return 0;
}

X509 *tconn_certificate_parse(const uint8_t *der, size_t len, struct tconn_error *err)
{
	X509 *cert = keeper ? keeper->find(der, len) : NULL;
	const uint8_t *at = der;

	if (cert)
		return cert;
	cert = len <= INT32_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;
	if (cert && at == der + len) {
		if (keeper)
			keeper->keep(der, len, cert);
		return cert;
	}
	X509_free(cert);
	ERR_clear_error();
	tconn_fail(err, -EBADMSG, "not one X.509 certificate in DER (%zu bytes)", len);
	return NULL;
}

static int chain_fail(int error, struct tconn_error *err)
{
	return tconn_fail(err, error == X509_V_ERR_CERT_REVOKED ? -EKEYREVOKED : -EKEYREJECTED,
			  "not trusted: %s", X509_verify_cert_error_string(error));
}

/* Of a chain that was verified before: what time may have changed. 0 or what is wrong. */
static int look_again(X509_STORE_CTX *ctx, X509_STORE *trust)
{
	X509_STORE_CTX_check_revocation_fn revocation = X509_STORE_get_check_revocation(trust);
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);

		if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
			return X509_V_ERR_CERT_NOT_YET_VALID;
		if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
			return X509_V_ERR_CERT_HAS_EXPIRED;
	}
	return revocation && revocation(ctx) != 1 ? X509_STORE_CTX_get_error(ctx) : 0;
}

static int verify(X509_STORE_CTX *ctx, X509_STORE *trust, const uint8_t *der, size_t len,
		  struct tconn_error *err)
{
	STACK_OF(X509) *known = keeper ? keeper->find_chain(der, len, trust) : NULL;
	int error;

	if (known) {
		X509_STORE_CTX_set0_verified_chain(ctx, known);
		error = look_again(ctx, trust);
		return error ? chain_fail(error, err) : 0;
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	if (X509_verify_cert(ctx) != 1)
		return chain_fail(X509_STORE_CTX_get_error(ctx), err);
	if (keeper)
		keeper->keep_chain(der, len, trust, X509_STORE_CTX_get0_chain(ctx));
	return 0;
}

static int check_chain(X509_STORE *trust, X509 *cert, const uint8_t *der, size_t len,
		       struct tconn_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = -ENOMEM;

	if (!ctx || !X509_STORE_CTX_init(ctx, trust, cert, NULL))
		tconn_fail(err, r, "out of memory");
	else
		r = verify(ctx, trust, der, len, err);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

/* Exactly one extended key usage, and that one. */
static bool has_only_usage(X509 *cert, const char *oid)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	char text[64];
	bool good = false;

	if (usages && sk_ASN1_OBJECT_num(usages) == 1 &&
	    OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages, 0), 1) > 0)
		good = !strcmp(text, oid);
	EXTENDED_KEY_USAGE_free(usages);
	return good;
}

static int check_use(X509 *cert, enum tconn_use use, enum tconn_role role, struct tconn_error *err)
{
	const uint32_t data = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;
	bool good = false;

	if (X509_get_extension_flags(cert) & EXFLAG_CA)
		return tconn_fail(err, -EKEYREJECTED, "it is an issuer's certificate");
	if (use == TCONN_USE_AK)
		good = has_only_usage(cert, TCONN_OID_AIK);
	else if (use == TCONN_USE_TLS)	/* clientAuth, serverAuth */
		good = has_only_usage(cert, role == TCONN_ROLE_DEVICE ? "1.3.6.1.5.5.7.3.2" :
									 "1.3.6.1.5.5.7.3.1");
	else if (use == TCONN_USE_DATA)
		good = !(X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) &&
		       X509_get_extension_flags(cert) & EXFLAG_KUSAGE &&
		       X509_get_key_usage(cert) == data;
	if (!good)
		return tconn_fail(err, -EKEYREJECTED, "its key usage is not for this purpose");
	return 0;
}

/* The one subjectAltName, if it is one URI without a zero byte. */
static int read_urn(X509 *cert, char *ret, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *uri;
	int r = -EKEYREJECTED, type;
	GENERAL_NAME *name;
	size_t len;

	if (names && sk_GENERAL_NAME_num(names) == 1) {
		name = sk_GENERAL_NAME_value(names, 0);
		uri = GENERAL_NAME_get0_value(name, &type);
		len = type == GEN_URI ? (size_t)ASN1_STRING_length(uri) : 0;
		if (len && len < size && !memchr(ASN1_STRING_get0_data(uri), 0, len)) {
			memcpy(ret, ASN1_STRING_get0_data(uri), len);
			ret[len] = '\0';
			r = 0;
		}
	}
	GENERAL_NAMES_free(names);
	return r;
}

static bool subject_is(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	char text[TCONN_IDENTITY_MAX];
	int len;

	if (X509_NAME_entry_count(subject) != 1)
		return false;
	len = X509_NAME_get_text_by_NID(subject, NID_commonName, text, sizeof(text));
	return len == (int)strlen(name) && !memcmp(text, name, strlen(name));
}

static int read_identity(X509 *cert, enum tconn_role role, struct tconn_identity *ret,
			 struct tconn_error *err)
{
	const char *prefix = role == TCONN_ROLE_DEVICE ? TCONN_URN_DEVICE : TCONN_URN_SERVICE;
	char urn[sizeof(TCONN_URN_SERVICE) + TCONN_IDENTITY_MAX];
	const char *name;

	if (read_urn(cert, urn, sizeof(urn)))
		return tconn_fail(err, -EKEYREJECTED, "it names no tconn identity");
	if (strncmp(urn, prefix, strlen(prefix)))
		return tconn_fail(err, -EKEYREJECTED, "it is no %s's: it names %s",
				  role == TCONN_ROLE_DEVICE ? "device" : "service", urn);
	name = urn + strlen(prefix);
	if (tconn_identity_name_check(role, name, err))
		return -EKEYREJECTED;
	if (!subject_is(cert, name))
		return tconn_fail(err, -EKEYREJECTED, "its subject is not the identity it names");
	ret->role = role;
	memcpy(ret->name, name, strlen(name) + 1);	/* TCONN_NAME_MAX at most */
	return 0;
}

int tconn_certificate_check(struct x509_store_st *trust, const uint8_t *der, size_t len,
			    enum tconn_use use, enum tconn_role role, struct tconn_identity *ret,
			    struct tconn_error *err)
{
	struct tconn_identity identity;
	X509 *cert = tconn_certificate_parse(der, len, err);
	int r;

	if (!cert)
		return tconn_fail_in(err, -EBADMSG, "certificate");
	r = check_chain(trust, cert, der, len, err);
	if (!r)
		r = check_use(cert, use, role, err);
	if (!r)
		r = read_identity(cert, role, &identity, err);
	X509_free(cert);
	if (r)
		return tconn_fail_in(err, r, "certificate");
	*ret = identity;
	return 0;
}

int tconn_certificate_identity(const uint8_t *der, size_t len, enum tconn_use use,
			       enum tconn_role role, struct tconn_identity *ret,
			       struct tconn_error *err)
{
	struct tconn_identity identity;
	X509 *cert = tconn_certificate_parse(der, len, err);
	int r;

	if (!cert)
		return tconn_fail_in(err, -EBADMSG, "certificate");
	r = check_use(cert, use, role, err);
	if (!r)
		r = read_identity(cert, role, &identity, err);
	X509_free(cert);
	if (r)
		return tconn_fail_in(err, r, "certificate");
	*ret = identity;
	return 0;
}

static int seconds_of(const ASN1_TIME *t, int64_t *ret)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds, r = -EBADMSG;

	if (epoch && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1) {
		*ret = (int64_t)days * 86400 + seconds;
		r = 0;
	}
	ASN1_TIME_free(epoch);
	return r;
}

int tconn_certificate_span(const uint8_t *der, size_t len, int64_t *ret_begin, int64_t *ret_end,
			   struct tconn_error *err)
{
	X509 *cert = tconn_certificate_parse(der, len, err);
	int64_t begin = 0, end = 0;
	int r = cert ? 0 : -EBADMSG;

	if (cert && (seconds_of(X509_get0_notBefore(cert), &begin) ||
		     seconds_of(X509_get0_notAfter(cert), &end)))
		r = tconn_fail(err, -EBADMSG, "its time of validity is none");
	X509_free(cert);
	ERR_clear_error();
	if (r)
		return tconn_fail_in(err, r, "certificate");
	*ret_begin = begin;
	*ret_end = end;
	return 0;
}

int tconn_certificate_load(const char *path, uint8_t **ret, size_t *ret_len, struct tconn_error *err)
{
	FILE *f __attribute__((cleanup(fclosep))) = fopen(path, "re");
	uint8_t *der = NULL;
	long len = 0;
	X509 *cert;
	BIO *bio;
	int r = 0;

	if (!f)
		return tconn_fail(err, -errno, "%s: cannot be read: %s", path, strerror(errno));
	bio = BIO_new_fp(f, BIO_NOCLOSE);
	if (!bio || PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509, bio, no_password, NULL) != 1)
		len = 0;
	BIO_free(bio);
	ERR_clear_error();
	cert = len > 0 ? tconn_certificate_parse(der, (size_t)len, NULL) : NULL;
	if (!cert)
		r = tconn_fail(err, -EBADMSG, "%s: no PEM certificate in it", path);
	else
		*ret = malloc((size_t)len);
	if (!r && !*ret)
		r = tconn_fail(err, -ENOMEM, "out of memory");
	if (!r) {
		memcpy(*ret, der, (size_t)len);
		*ret_len = (size_t)len;
	}
	X509_free(cert);
	OPENSSL_free(der);
	return r;
}

static bool verifies(EVP_PKEY *pkey, const uint8_t digest[32], const uint8_t *sig, size_t sig_len)
{
	EVP_PKEY_CTX *ctx;
	char group[32];
	size_t len;
	bool good;

	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1 ||
	    strcmp(group, SN_X9_62_prime256v1))
		return false;
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_verify(ctx, sig, sig_len, digest, 32) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

int tconn_certificate_verify_digest(const uint8_t *der, size_t len, const uint8_t digest[32],
				    const uint8_t *sig, size_t sig_len, struct tconn_error *err)
{
	X509 *cert = tconn_certificate_parse(der, len, err);
	EVP_PKEY *pkey;
	bool good;

	if (!cert)
		return tconn_fail_in(err, -EBADMSG, "certificate");
	pkey = X509_get0_pubkey(cert);
	good = pkey && verifies(pkey, digest, sig, sig_len);
	X509_free(cert);
	ERR_clear_error();
	if (!good)
		return tconn_fail(err, -EKEYREJECTED, "the signature is not the certificate's key's");
	return 0;
}
