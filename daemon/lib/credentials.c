// SPDX-License-Identifier: Apache-2.0
#include "credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "channel.h"

static int load_one(const char *dir, const char *file, struct tconn_bytes *ret,
		    struct tconn_error *err)
{
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", dir);
	r = tconn_certificate_load(path, &ret->data, &ret->len, err);
	return r < 0 ? tconn_fail_in(err, r, "own identity (enrol with tconnctl enrol)") : 0;
}

/* Narrows begin and end to those of this certificate. */
static int narrow(struct tconn_credentials *c, const struct tconn_bytes *cert,
		  struct tconn_error *err)
{
	int64_t begin, end;
	int r = tconn_certificate_span(cert->data, cert->len, &begin, &end, err);

	if (r == 0 && begin > c->begin)
		c->begin = begin;
	if (r == 0 && end < c->end)
		c->end = end;
	return r;
}

/* One certificate of the identity, checked; *ret is the caller's in all cases. */
static int own(struct tconn_credentials *c, const char *dir, const char *file, enum tconn_use use,
	       X509_STORE *trust, enum tconn_role role, struct tconn_bytes *ret,
	       struct tconn_error *err)
{
	struct tconn_identity who;
	int r = load_one(dir, file, ret, err);

	if (r == 0)
		r = tconn_certificate_check(trust, ret->data, ret->len, use, role, &who, err);
	if (r == 0 && c->self.name[0] && strcmp(who.name, c->self.name))
		r = tconn_fail(err, -EINVAL, "it is %s's, others are %s's", who.name, c->self.name);
	if (r == 0)
		r = narrow(c, ret, err);
	if (r == 0)
		c->self = who;
	return r < 0 ? tconn_fail_in(err, r, file) : 0;
}

static int vouched_by_own_issuer(struct tconn_credentials *c, struct tconn_error *err)
{
	struct tconn_identity who;
	X509_STORE *issuer = NULL;
	int r = tconn_trust_certificate(c->issuer_cert.data, c->issuer_cert.len, &issuer, err);

	if (r == 0)
		r = tconn_certificate_check(issuer, c->data_cert.data, c->data_cert.len,
					    TCONN_USE_DATA, TCONN_ROLE_SERVICE, &who, err);
	X509_STORE_free(issuer);
	return r < 0 ? tconn_fail_in(err, r, "data.pem by ca.pem") : 0;
}

static int load_all(struct tconn_credentials *c, const char *dir, X509_STORE *trust,
		    enum tconn_role role, struct tconn_error *err)
{
	struct tconn_bytes tls = { 0 }, ak = { 0 };
	int r = own(c, dir, "tls.pem", TCONN_USE_TLS, trust, role, &tls, err);

	if (r == 0)
		r = own(c, dir, "ak.pem", TCONN_USE_AK, trust, role, &ak, err);
	if (r == 0)
		r = own(c, dir, "data.pem", TCONN_USE_DATA, trust, role, &c->data_cert, err);
	if (r == 0 && role == TCONN_ROLE_SERVICE)
		r = load_one(dir, "ca.pem", &c->issuer_cert, err);
	if (r == 0 && role == TCONN_ROLE_SERVICE)
		r = vouched_by_own_issuer(c, err);
	tconn_bytes_free(&tls);
	tconn_bytes_free(&ak);
	return r;
}

int tconn_credentials_load(struct tconn_tpm *tpm, const char *identity_dir,
			   struct x509_store_st *trust, enum tconn_role role,
			   struct tconn_credentials **ret, struct tconn_error *err)
{
	struct tconn_credentials *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return tconn_fail(err, -ENOMEM, "out of memory");
	atomic_init(&c->users, 1);
	c->end = INT64_MAX;
	r = load_all(c, identity_dir, trust, role, err);
	if (r < 0)
		tconn_fail_in(err, r, identity_dir);
	else if (tpm)
		r = tconn_tls_context(tpm, identity_dir, trust, role == TCONN_ROLE_SERVICE, &c->tls,
				      err);
	if (r < 0) {
		tconn_credentials_put(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct tconn_credentials *tconn_credentials_get(struct tconn_credentials *c)
{
	atomic_fetch_add(&c->users, 1);
	return c;
}

void tconn_credentials_put(struct tconn_credentials *c)
{
	if (!c || atomic_fetch_sub(&c->users, 1) > 1)
		return;
	SSL_CTX_free(c->tls);
	tconn_bytes_free(&c->data_cert);
	tconn_bytes_free(&c->issuer_cert);
	free(c);
}
