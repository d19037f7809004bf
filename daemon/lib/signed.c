// SPDX-License-Identifier: Apache-2.0
#include "signed.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cose.h"

struct tconn_signers {
	size_t count;
	struct tconn_bytes cert[TCONN_SIGNERS_MAX];	/* DER */
};

void tconn_signers_free(struct tconn_signers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		OPENSSL_free(s->cert[i].data);
	free(s);
}

static int add(struct tconn_signers *s, X509 *cert, struct tconn_error *err)
{
	int len;

	if (s->count == TCONN_SIGNERS_MAX)
		return tconn_fail(err, -E2BIG, "over %d certificates", TCONN_SIGNERS_MAX);
	len = i2d_X509(cert, &s->cert[s->count].data);
	if (len <= 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	s->cert[s->count++].len = (size_t)len;
	return 0;
}

static int read_all(FILE *f, struct tconn_signers *s, struct tconn_error *err)
{
	X509 *cert;
	int error = 0;

	while (!error && (cert = PEM_read_X509(f, NULL, NULL, NULL))) {
		error = add(s, cert, err);
		X509_free(cert);
	}
	if (!error && !s->count)
		return tconn_fail(err, -ENOENT, "no certificate in it");
	return error;
}

int tconn_signers_load(const char *path, struct tconn_signers **ret, struct tconn_error *err)
{
	struct tconn_signers *s = calloc(1, sizeof(*s));
	FILE *f = fopen(path, "re");
	int error;

	if (!s || !f)
		error = tconn_fail(err, s ? -errno : -ENOMEM, "cannot be read");
	else
		error = read_all(f, s, err);
	if (f)
		fclose(f);
	if (error) {
		tconn_signers_free(s);
		return tconn_fail_in(err, error, path);
	}
	*ret = s;
	return 0;
}

static bool is_signer(const struct tconn_signers *s, const uint8_t *cert, size_t len)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->cert[i].len == len && !memcmp(s->cert[i].data, cert, len))
			return true;
	}
	return false;
}

int tconn_signed_open(const uint8_t *buf, size_t len, const struct tconn_signers *signers,
		      char ret_type[64], const uint8_t **ret, size_t *ret_len,
		      struct tconn_error *err)
{
	struct tconn_cose_header h = { 0 };
	struct tconn_cose c = { 0 };
	int error = tconn_cose_decode(buf, len, &c, err);

	if (!error && (c.detached || c.unprotected_len != 1))
		return tconn_fail(err, -EBADMSG, "has no payload, or an unprotected header");
	if (!error)
		error = tconn_cose_read_header(&c, &h, err);
	if (!error && h.alg != TCONN_COSE_ES256)
		return tconn_fail(err, -EBADMSG, "signed with another algorithm than ES256");
	if (!error && !is_signer(signers, h.cert, h.cert_len))
		return tconn_fail(err, -EKEYREJECTED, "is signed by nobody who may");
	if (!error)
		error = tconn_cose_verify(&c, TCONN_COSE_ES256, h.cert, h.cert_len, err);
	if (error)
		return error;
	memcpy(ret_type, h.type, sizeof(h.type));
	*ret = c.payload;
	*ret_len = c.payload_len;
	return 0;
}
