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

/* What OpenSSL found wrong, in its words. */
static const char *asn1_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "it is cut short";
}

static bool is_padding(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == 0 || *at == 0xff))
		at++;
	return at == end;
}

static int parse(const struct tconn_bytes *b, X509 **ret, struct tconn_error *err)
{
	const uint8_t *at = b->data;
	X509 *cert = d2i_X509(NULL, &at, (long)b->len);
	int r = 0;

	if (!cert)
		r = tconn_fail(err, -EBADMSG, "EK certificate: not an X.509 certificate in DER, nor close "
			       "enough to be read: %s", asn1_reason());
	else if (!is_padding(at, b->data + b->len))
		r = tconn_fail(err, -EBADMSG, "EK certificate: %zu bytes after its end that are no padding",
			       (size_t)(b->data + b->len - at));
	ERR_clear_error();
	if (r) {
		X509_free(cert);
		return r;
	}
	*ret = cert;
	return 0;
}

static void free_chain(STACK_OF(X509) *chain)
{
	sk_X509_pop_free(chain, X509_free);
}

static int parse_chain(const struct tconn_bytes *b, STACK_OF(X509) **ret, struct tconn_error *err)
{
	const uint8_t *at = b->data, *end = b->data + b->len;
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert;
	int n = 0;

	while (chain && at < end && !is_padding(at, end) && n < MAKER_CHAIN_MAX) {
		cert = d2i_X509(NULL, &at, (long)(end - at));
		if (!cert || !sk_X509_push(chain, cert)) {
			tconn_fail(err, -EBADMSG, "EK certificate: certificate %d of its chain is none: %s",
				   n + 1, asn1_reason());
			X509_free(cert);
			free_chain(chain);
			ERR_clear_error();
			return -EBADMSG;
		}
		n++;
	}
	if (!chain || !is_padding(at, end)) {
		free_chain(chain);
		return tconn_fail(err, -EMSGSIZE, "EK certificate: over %d certificates in its chain",
				  MAKER_CHAIN_MAX);
	}
	*ret = chain;
	return 0;
}

/*
 * Not X509_V_FLAG_X509_STRICT: makers' certificates differ in small ways. What
 * is not relaxed: signatures, validity, CA flags, and that a critical extension
 * nobody here understands refuses the certificate (the critical SAN with the
 * TPM's model, which every EK certificate has, is understood).
 */
static int check_chain(X509_STORE *makers, X509 *cert, STACK_OF(X509) *chain,
		       struct tconn_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int r = 0;

	if (!ctx || X509_STORE_CTX_init(ctx, makers, cert, chain) != 1) {
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

/* The profile allows a certificate without extended key usage, but none for another use. RSA keys
 * encipher, ECC keys agree.
 */
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
	       (!(flags & EXFLAG_KUSAGE) ||
		X509_get_key_usage(cert) & (KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT));
}

/* Before the chain, where OpenSSL would not say what is wrong: some makers' RSA keys are said to
 * be for OAEP (RFC 4055), of which it makes no key.
 */
static int check_known_key(X509 *cert, struct tconn_error *err)
{
	ASN1_OBJECT *algorithm = NULL;
	char name[80] = "?";

	if (X509_get0_pubkey(cert))
		return 0;
	ERR_clear_error();
	if (X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(cert)) == 1)
		OBJ_obj2txt(name, sizeof(name), algorithm, 0);
	return tconn_fail(err, -EKEYREJECTED, "EK certificate: no key can be made of its public key, whose "
			  "algorithm is %s", name);
}

static int check_same_key(X509 *cert, const struct tconn_blob *ek, struct tconn_error *err)
{
	EVP_PKEY *claimed = NULL;
	int r = tconn_public_to_pkey(ek, &claimed, err);

	if (!r && EVP_PKEY_eq(X509_get0_pubkey(cert), claimed) != 1)
		r = tconn_fail(err, -EKEYREJECTED, "EK certificate: it is for another EK");
	EVP_PKEY_free(claimed);
	return r;
}

int maker_check(struct x509_store_st *makers, const struct maker_papers *papers,
		const struct tconn_blob *ek, struct tconn_error *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *cert = NULL;
	int r = parse(&papers->certificate, &cert, err);

	if (!r)
		r = parse_chain(&papers->chain, &chain, err);
	if (!r)
		r = check_known_key(cert, err);
	if (!r)
		r = check_chain(makers, cert, chain, err);
	if (!r && !is_for_ek(cert))
		r = tconn_fail(err, -EKEYREJECTED, "EK certificate: it is not an endorsement key's");
	if (!r)
		r = check_same_key(cert, ek, err);
	free_chain(chain);
	X509_free(cert);
	ERR_clear_error();
	return r;
}
