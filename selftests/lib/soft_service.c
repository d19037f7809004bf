// SPDX-License-Identifier: Apache-2.0
#include "soft_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

__attribute__((noreturn))
static void bail_out(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!e || X509_add_ext(cert, e, -1) != 1)
		bail_out(value);
	X509_EXTENSION_free(e);
}

static void add_extensions(X509 *cert, X509 *issuer, const struct soft_certificate *c)
{
	char uri[200];

	add_extension(cert, issuer, NID_basic_constraints,
		      c->urn ? "critical,CA:FALSE" : "critical,CA:TRUE");
	add_extension(cert, issuer, NID_key_usage, c->usage);
	add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
	if (!c->urn)
		return;
	snprintf(uri, sizeof(uri), "URI:%s", c->urn);
	add_extension(cert, issuer, NID_subject_alt_name, uri);
}

void soft_certify(struct soft_party *ret, const struct soft_party *issuer,
		  const struct soft_certificate *c)
{
	const uint8_t *der = issuer ? issuer->cert : NULL;
	X509 *cert = X509_new(), *by = der ? d2i_X509(NULL, &der, (long)issuer->cert_len) : cert;
	uint8_t *at;

	ret->key = EVP_EC_gen("P-256");
	if (!cert || !by || !ret->key)
		bail_out("no certificate");
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
	X509_gmtime_adj(X509_getm_notBefore(cert), c->from);
	X509_gmtime_adj(X509_getm_notAfter(cert), c->until);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)c->name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(by));
	X509_set_pubkey(cert, ret->key);
	add_extensions(cert, by, c);
	if (X509_sign(cert, issuer ? issuer->key : ret->key, EVP_sha256()) <= 0)
		bail_out("a certificate cannot be signed");
	ret->cert_len = (size_t)i2d_X509(cert, NULL);
	ret->cert = at = malloc(ret->cert_len);
	if (!at)
		bail_out("out of memory");
	i2d_X509(cert, &at);
	if (by != cert)
		X509_free(by);
	X509_free(cert);
}

void soft_issuer(struct soft_party *ret, const char *name)
{
	const struct soft_certificate c = { name, NULL, "critical,keyCertSign,cRLSign", -60, 3600 };

	soft_certify(ret, NULL, &c);
}

void soft_service(struct soft_party *ret, const struct soft_party *issuer)
{
	const struct soft_certificate c = {
		"pay.example", TCONN_URN_SERVICE "pay.example", SOFT_DATA_USAGE, -60, 3600,
	};

	soft_certify(ret, issuer, &c);
}

void soft_free(struct soft_party *p)
{
	EVP_PKEY_free(p->key);
	free(p->cert);
}

size_t soft_prove(const struct soft_party *signer, const struct soft_party *issuer,
		  const struct tconn_proof_of *of, uint8_t *buf)
{
	uint8_t digest[32], signature[TCONN_PROOF_SIGNATURE_MAX];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer->key, NULL);
	struct tconn_proof p = {
		.signature = signature, .signature_len = sizeof(signature),
		.signer = signer->cert, .signer_len = signer->cert_len,
		.issuer = issuer->cert, .issuer_len = issuer->cert_len,
	};

	tconn_proof_digest(of, digest);
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(ctx, signature, &p.signature_len, digest, 32) != 1)
		bail_out("a request cannot be signed");
	EVP_PKEY_CTX_free(ctx);
	return tconn_proof_encode(&p, of, buf);
}
