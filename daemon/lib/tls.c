// SPDX-License-Identifier: Apache-2.0
/* The two kinds of TLS context of channel.h: what is allowed is said here once. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "channel.h"
#include "tls.h"

#define VERIFY_DEPTH	4

int tconn_tls_fail(struct tconn_error *err, int code, const char *what)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long e = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = ERR_reason_error_string(e);
	bool has_data = data && flags & ERR_TXT_STRING && *data;

	tconn_fail(err, code, "%s: %s%s%s", what, reason ? reason : "unknown error",
		   has_data ? ": " : "", has_data ? data : "");
	ERR_clear_error();
	return code;
}

/* TLS 1.3 with one signature algorithm and two groups; nothing that outlives a connection. */
static int restrict_context(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* No retry inside OpenSSL: records without data must not get past a deadline. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			 /* most connections are idle, and there may be thousands */
			 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify_depth(ctx, VERIFY_DEPTH);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
					     "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "P-256:X25519") == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, "ecdsa_secp256r1_sha256") == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(ctx, "ecdsa_secp256r1_sha256") == 1;
}

static SSL_CTX *new_context(const SSL_METHOD *method, X509_STORE *trust)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !restrict_context(ctx)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (trust) {
		SSL_CTX_set1_cert_store(ctx, trust);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return ctx;
}

static int use_tpm_identity(SSL_CTX *ctx, struct tconn_tpm *tpm, const char *dir,
			    struct tconn_error *err)
{
	EVP_PKEY *pkey = NULL;
	uint8_t *der = NULL;
	char path[4096];
	size_t len;
	int r;

	if (snprintf(path, sizeof(path), "%s/tls.pem", dir) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	r = tconn_certificate_load(path, &der, &len, err);
	if (r)
		return r;
	r = tconn_tpm_pkey(tpm, TCONN_KEY_TLS, &pkey, err);
	if (!r && SSL_CTX_use_certificate_ASN1(ctx, (int)len, der) != 1)
		r = tconn_tls_fail(err, -EBADMSG, path);
	if (!r && (SSL_CTX_use_PrivateKey(ctx, pkey) != 1 || SSL_CTX_check_private_key(ctx) != 1)) {
		tconn_tls_fail(err, -EKEYREJECTED, "it is not the certificate of this TPM's TLS key; enrol again");
		r = tconn_fail_in(err, -EKEYREJECTED, path);
	}
	EVP_PKEY_free(pkey);
	free(der);
	return r;
}

int tconn_tls_context(struct tconn_tpm *tpm, const char *identity_dir, struct x509_store_st *trust,
		      bool server, struct ssl_ctx_st **ret, struct tconn_error *err)
{
	SSL_CTX *ctx;
	int r = 0;

	/* A client that trusts nobody in particular would trust everybody. */
	if (!server && !trust)
		return tconn_fail(err, -EINVAL, "TLS: a client needs the issuers it trusts");
	if (server && !identity_dir)
		return tconn_fail(err, -EINVAL, "TLS: a server needs an identity");
	ctx = new_context(server ? TLS_server_method() : TLS_client_method(), trust);
	if (!ctx)
		return tconn_tls_fail(err, -EIO, "TLS");
	if (identity_dir)
		r = use_tpm_identity(ctx, tpm, identity_dir, err);
	if (r) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

int tconn_tls_context_file(const char *cert_pem, const char *key_pem, struct ssl_ctx_st **ret,
			   struct tconn_error *err)
{
	SSL_CTX *ctx = new_context(TLS_server_method(), NULL);
	int r = 0;

	if (!ctx)
		return tconn_tls_fail(err, -EIO, "TLS");
	if (SSL_CTX_use_certificate_file(ctx, cert_pem, SSL_FILETYPE_PEM) != 1)
		r = tconn_tls_fail(err, -EBADMSG, cert_pem);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key_pem, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		r = tconn_tls_fail(err, -EBADMSG, key_pem);
	if (r) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}
