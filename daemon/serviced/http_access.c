// SPDX-License-Identifier: Apache-2.0
#include "http_access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/file.h"
#include "http.h"
#include "settings.h"

#define PEM_MAX	65536	/* bytes of a file */

static int read_pem(const char *path, struct tconn_bytes *ret, gnutls_datum_t *ret_datum,
		    struct tconn_error *err)
{
	int r = tconn_file_read(path, PEM_MAX, ret, err);

	if (r == 0)
		*ret_datum = (gnutls_datum_t){ ret->data, (unsigned int)ret->len };
	return r;
}

static int load_chain(const char *path, struct http_access *a, struct tconn_error *err)
{
	struct tconn_bytes pem = { 0 };
	gnutls_datum_t datum;
	int r = read_pem(path, &pem, &datum, err), e;

	if (r < 0)
		return r;
	a->chain_len = HTTP_CHAIN_MAX;
	e = gnutls_pcert_list_import_x509_raw(a->chain, &a->chain_len, &datum, GNUTLS_X509_FMT_PEM,
					      GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (e < 0)
		a->chain_len = 0;
	tconn_bytes_free(&pem);
	return e < 0 ? tconn_fail(err, -EINVAL, "%s: %s", path, gnutls_strerror(e)) : 0;
}

static int load_key(const char *path, struct http_access *a, struct tconn_error *err)
{
	struct tconn_bytes pem = { 0 };
	gnutls_datum_t datum;
	struct stat st;
	int r, e;

	if (stat(path, &st))
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return tconn_fail(err, -EPERM, "%s: others may read it: chmod go= it", path);
	r = read_pem(path, &pem, &datum, err);
	if (r < 0)
		return r;
	e = gnutls_privkey_init(&a->key);
	if (e == 0)
		e = gnutls_privkey_import_x509_raw(a->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	tconn_bytes_free(&pem);
	return e < 0 ? tconn_fail(err, -EINVAL, "%s: %s", path, gnutls_strerror(e)) : 0;
}

/* A key that is not the certificate's would fail each handshake, later. */
static int check_pair(const struct settings *s, struct http_access *a, struct tconn_error *err)
{
	uint8_t own[32], shown[32];
	size_t own_len = sizeof(own), shown_len = sizeof(shown);
	gnutls_pubkey_t public;
	int e = gnutls_pubkey_init(&public);

	if (e < 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	e = gnutls_pubkey_import_privkey(public, a->key, 0, 0);
	if (e == 0)
		e = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, own, &own_len);
	if (e == 0)
		e = gnutls_pubkey_get_key_id(a->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, shown,
					     &shown_len);
	gnutls_pubkey_deinit(public);
	if (e < 0 || own_len != shown_len || memcmp(own, shown, own_len))
		return tconn_fail(err, -EINVAL, "%s: not the key of the certificate in %s",
				  s->http_key, s->http_certificate);
	return 0;
}

int http_access_load(const struct settings *s, struct http_access **ret, struct tconn_error *err)
{
	struct http_access *a;
	int r;

	if (!s->http_certificate || !s->http_key || !s->http_tokens)
		return tconn_fail(err, -EINVAL, "\"http_listen\" wants an \"http_certificate\", an "
				  "\"http_key\" and \"http_tokens\"");
	a = calloc(1, sizeof(*a));
	if (!a)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = load_chain(s->http_certificate, a, err);
	if (r == 0)
		r = load_key(s->http_key, a, err);
	if (r == 0)
		r = check_pair(s, a, err);
	if (r == 0)
		r = token_load(s->http_tokens, &a->tokens, err);
	if (r == 0)
		*ret = a;
	else
		http_access_free(a);
	return r;
}

void http_access_free(struct http_access *a)
{
	while (a) {
		struct http_access *next = a->next;

		for (unsigned int i = 0; i < a->chain_len; i++)
			gnutls_pcert_deinit(&a->chain[i]);
		if (a->key)
			gnutls_privkey_deinit(a->key);
		free(a);
		a = next;
	}
}
