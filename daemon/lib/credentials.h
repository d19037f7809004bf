/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon shows of its identity: the TLS context with its TPM key, and the
 * certificates that go into messages. Loaded as one from an identity directory and
 * never changed after; a renewed identity is another one, and who still uses the
 * old one keeps it.
 */
#ifndef TCONN_CREDENTIALS_H
#define TCONN_CREDENTIALS_H

#include <stdatomic.h>

#include "bytes.h"
#include "identity.h"

struct ssl_ctx_st;

struct tconn_credentials {
	atomic_uint users;
	struct tconn_identity self;
	struct ssl_ctx_st *tls;
	struct tconn_bytes data_cert;	/* DER, of the key that signs requests, receipts, halves */
	struct tconn_bytes issuer_cert;	/* DER, of who vouches for it */
	int64_t begin, end;		/* seconds since 1970: when all certificates are good */
};

/* Certificates are checked against trust; a service's also against its own ca.pem, since
 * it tells devices that this one vouches for data_cert.
 */
int tconn_credentials_load(struct tconn_tpm *tpm, const char *identity_dir,
			   struct x509_store_st *trust, enum tconn_role role,
			   struct tconn_credentials **ret, struct tconn_error *err);
struct tconn_credentials *tconn_credentials_get(struct tconn_credentials *c);
void tconn_credentials_put(struct tconn_credentials *c);	/* accepts NULL */

#endif
