/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities (ISO/IEC 27071 clauses 5.4, 6.3): X.509 certificates that tconn-ca
 * issues for keys that live in a TPM, bound to its RoT.
 *
 * Device id: lower-case hex SHA-256 of the EK's TPMT_PUBLIC (64 characters).
 * Every certificate of one identity has subject CN = id (device) or name
 * (service), and one SAN URI:
 *	urn:tconn:device:ID	or	urn:tconn:service:NAME
 * Three certificates an identity, same subject:
 *	AK	EKU 2.23.133.8.3 (tcg-kp-AIKCertificate)
 *	TLS	EKU clientAuth for a device, serverAuth for a service
 *	DATA	keyUsage digitalSignature + nonRepudiation, no EKU
 * An identity directory holds ak.pem tls.pem data.pem ca.pem (the issuer).
 */
#ifndef TCONN_IDENTITY_H
#define TCONN_IDENTITY_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "tpm.h"

#define TCONN_IDENTITY_MAX 128	/* bytes of an id or a name, terminator included */
#define TCONN_NAME_MAX	64	/* characters of an id or a name: what fits a subject's CN */
#define TCONN_URN_DEVICE "urn:tconn:device:"
#define TCONN_URN_SERVICE "urn:tconn:service:"
#define TCONN_OID_AIK	"2.23.133.8.3"	/* tcg-kp-AIKCertificate */

enum tconn_role { TCONN_ROLE_DEVICE = 'D', TCONN_ROLE_SERVICE = 'S' };

struct x509_st;
struct x509_store_st;

struct tconn_identity {
	enum tconn_role role;
	char name[TCONN_IDENTITY_MAX];	/* device id or service name */
};

/* A device: 64 lower-case hex digits. A service: 1..TCONN_NAME_MAX of letters, digits,
 * '.', '-' and '_', the first a letter or digit. -EINVAL says what is wrong.
 */
int tconn_identity_name_check(enum tconn_role role, const char *name, struct tconn_error *err);

/* One or more PEM certificates. */
int tconn_trust_load(const char *path, struct x509_store_st **ret, struct tconn_error *err);
/* The same into a store that is there already. */
int tconn_trust_add(struct x509_store_st *store, const char *path, struct tconn_error *err);
/* One certificate in DER. */
int tconn_trust_certificate(const uint8_t *der, size_t len, struct x509_store_st **ret,
			    struct tconn_error *err);

/* DER, the whole of it and nothing after it; NULL with err filled. X509_free() it; others may have the
 * same one, so it is to be read only.
 */
struct x509_st *tconn_certificate_parse(const uint8_t *der, size_t len, struct tconn_error *err);

struct stack_st_X509;
/*
 * Where certificates that were parsed and chains that were verified are kept for the next time, by a
 * program that sees the same few again and again (certificate_cache.h). What is kept does not change
 * with time: that these bytes are this certificate, and that this very store's issuers signed it.
 * Whether it is valid now, and not revoked, is looked at each time.
 */
struct tconn_keeper {
	struct x509_st *(*find)(const uint8_t *der, size_t len);	/* a reference, or NULL */
	void (*keep)(const uint8_t *der, size_t len, struct x509_st *cert);
	struct stack_st_X509 *(*find_chain)(const uint8_t *der, size_t len, struct x509_store_st *trust);
	void (*keep_chain)(const uint8_t *der, size_t len, struct x509_store_st *trust,
			   struct stack_st_X509 *chain);
};
/* Before there are threads. Borrowed. */
void tconn_certificate_keep(const struct tconn_keeper *keeper);

/* DER cert -> chain to the store (partial chains refused), validity, SAN,
 * EKU of the use; fills the identity it names. -EKEYREVOKED where trust has a list of
 * revoked certificates (revocation.h) that it is on.
 */
enum tconn_use { TCONN_USE_AK, TCONN_USE_TLS, TCONN_USE_DATA };
int tconn_certificate_check(struct x509_store_st *trust, const uint8_t *der, size_t len,
			    enum tconn_use use, enum tconn_role role, struct tconn_identity *ret,
			    struct tconn_error *err);
/* The same without the chain: use and identity only, for who checks the chain himself. */
int tconn_certificate_identity(const uint8_t *der, size_t len, enum tconn_use use,
			       enum tconn_role role, struct tconn_identity *ret,
			       struct tconn_error *err);
/* When it is valid: seconds since 1970, both included. */
int tconn_certificate_span(const uint8_t *der, size_t len, int64_t *ret_begin, int64_t *ret_end,
			   struct tconn_error *err);
/* Public key of cert equals the TPMT_PUBLIC. -EKEYREJECTED if not. */
int tconn_certificate_matches(const uint8_t *der, size_t len, const struct tconn_blob *pub,
			      struct tconn_error *err);
/* PEM file -> DER, malloc'ed. */
int tconn_certificate_load(const char *path, uint8_t **ret, size_t *ret_len, struct tconn_error *err);
/* ECDSA P-256/SHA-256 over a digest with the certificate's key. -EKEYREJECTED if wrong. */
int tconn_certificate_verify_digest(const uint8_t *der, size_t len, const uint8_t digest[32],
				    const uint8_t *sig, size_t sig_len, struct tconn_error *err);
int tconn_device_id(const struct tconn_blob *ek, char ret[65], struct tconn_error *err);

#endif
