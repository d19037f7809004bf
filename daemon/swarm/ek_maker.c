// SPDX-License-Identifier: Apache-2.0
#include "ek_maker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define EK_MAKER_KEY	"maker.key"
#define NAME		"tconn-swarm: maker of simulated TPMs"
#define OID_EK		"2.23.133.8.1"	/* tcg-kp-EKCertificate */
#define DAY		(24 * 3600L)
#define DAYS		3650
#define PATH_SIZE	4096

struct ek_maker {
	EVP_PKEY *key;
	X509 *cert;
};

struct extension {
	int nid;
	const char *value;
};

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *e, size_t count)
{
	bool good = true;

	for (size_t i = 0; i < count && good; i++) {
		X509_EXTENSION *extension;
		X509V3_CTX ctx;

		X509V3_set_ctx_nodb(&ctx);
		X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
		extension = X509V3_EXT_conf_nid(NULL, &ctx, e[i].nid, e[i].value);
		good = extension && X509_add_ext(cert, extension, -1) == 1;
		X509_EXTENSION_free(extension);
	}
	return good;
}

static bool set_serial(X509 *cert)
{
	uint64_t serial;

	return RAND_bytes((uint8_t *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1;
}

static bool set_name(X509_NAME *name, const char *cn)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)cn, -1,
					  -1, 0) == 1;
}

/* Signed by key, which is issuer's; issuer NULL: by itself. */
static X509 *make_certificate(const char *cn, EVP_PKEY *subject, X509 *issuer, EVP_PKEY *key,
			      const struct extension *e, size_t count)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), DAYS * DAY) &&
	    set_name(X509_get_subject_name(cert), cn) &&
	    set_name(X509_get_issuer_name(cert), NAME) && X509_set_pubkey(cert, subject) == 1 &&
	    add_extensions(cert, issuer ? issuer : cert, e, count) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static int open_file(const char *dir, const char *name, mode_t mode, FILE **ret,
		     struct tconn_error *err)
{
	char path[PATH_SIZE];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_SIZE)
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	fd = mode ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) :
		    open(path, O_RDONLY | O_CLOEXEC);
	*ret = fd < 0 ? NULL : fdopen(fd, mode ? "w" : "r");
	if (!*ret)
		return tconn_fail(err, -errno, "%s: %s", path, errno == EEXIST ?
				  "there is a swarm already; choose another --dir" :
				  errno == ENOENT ? "not there; `tconn-swarm init` makes it" :
				  "cannot be opened");
	return 0;
}

static int write_files(const char *dir, EVP_PKEY *key, X509 *cert, struct tconn_error *err)
{
	bool good;
	FILE *f;
	int r = open_file(dir, EK_MAKER_KEY, 0600, &f, err);

	if (r)
		return r;
	good = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	good = !fclose(f) && good;
	r = open_file(dir, EK_MAKER_CERT, 0644, &f, err);
	if (r)
		return r;
	good = PEM_write_X509(f, cert) == 1 && good;
	return !fclose(f) && good ? 0 : tconn_fail(err, -EIO, "%s: cannot be written", dir);
}

int ek_maker_create(const char *dir, struct tconn_error *err)
{
	static const struct extension root[] = {
		{ NID_basic_constraints, "critical,CA:TRUE" },
		{ NID_key_usage, "critical,keyCertSign" },
		{ NID_subject_key_identifier, "hash" },
	};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(NAME, key, NULL, key, root, 3) : NULL;
	int r = cert ? write_files(dir, key, cert, err) :
		tconn_fail(err, -EIO, "OpenSSL cannot make a certificate");

	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

void ek_maker_free(struct ek_maker *m)
{
	if (!m)
		return;
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
	free(m);
}

int ek_maker_load(const char *dir, struct ek_maker **ret, struct tconn_error *err)
{
	struct ek_maker *m = calloc(1, sizeof(*m));
	FILE *f;
	int r;

	if (!m)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = open_file(dir, EK_MAKER_KEY, 0, &f, err);
	if (!r) {
		m->key = PEM_read_PrivateKey(f, NULL, NULL, "");
		fclose(f);
		r = open_file(dir, EK_MAKER_CERT, 0, &f, err);
	}
	if (!r) {
		m->cert = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
	}
	if (!r && (!m->key || !m->cert || X509_check_private_key(m->cert, m->key) != 1))
		r = tconn_fail(err, -EBADMSG, "%s: " EK_MAKER_KEY " and " EK_MAKER_CERT
			       " are no key and its certificate", dir);
	ERR_clear_error();
	if (r) {
		ek_maker_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

int ek_maker_certify(const struct ek_maker *m, EVP_PKEY *ek, struct tconn_bytes *ret,
		     struct tconn_error *err)
{
	static const struct extension leaf[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,keyAgreement" },
		{ NID_ext_key_usage, OID_EK },
		{ NID_authority_key_identifier, "keyid:always" },
	};
	X509 *cert = make_certificate("simulated TPM", ek, m->cert, m->key, leaf, 4);
	uint8_t *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;

	X509_free(cert);
	ERR_clear_error();
	if (len <= 0)
		return tconn_fail(err, -EIO, "OpenSSL cannot make an EK's certificate");
	/* OpenSSL's own memory: that is malloc() unless a program changes it, and this one does not. */
	ret->data = der;
	ret->len = (size_t)len;
	return 0;
}
