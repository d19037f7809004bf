// SPDX-License-Identifier: Apache-2.0
#include "issuer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define HOUR		3600L
#define DAY		(24 * HOUR)
#define LEAF_DAYS	365
#define ISSUER_DAYS	3650
#define PATH_SIZE	4096

struct tconn_issuer {
	EVP_PKEY *key;
	X509 *cert;
	char name[TCONN_IDENTITY_MAX];
};

static int issuer_path(const char *dir, const char *file, char ret[PATH_SIZE], struct tconn_error *err)
{
	if (snprintf(ret, PATH_SIZE, "%s/%s", dir, file) >= PATH_SIZE)
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	return 0;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;
	bool good;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return good;
}

static bool set_name(X509_NAME *name, const char *cn)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)cn, -1, -1,
					  0) == 1;
}

/* Positive, at most 16 octets (RFC 5280 allows 20). */
static bool set_serial(X509 *cert, uint8_t ret[TCONN_SERIAL_BYTES])
{
	BIGNUM *n = NULL;
	bool good;

	if (RAND_bytes(ret, TCONN_SERIAL_BYTES) != 1)
		return false;
	ret[0] = (ret[0] & 0x7f) | 0x40;
	n = BN_bin2bn(ret, TCONN_SERIAL_BYTES, NULL);
	good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
	BN_free(n);
	return good;
}

static bool set_validity(X509 *cert, long days)
{
	return X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY);
}

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
	uint8_t serial[TCONN_SERIAL_BYTES];
	X509 *cert = X509_new();

	/* digitalSignature: the same key proves the issuer in TLS. */
	if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, serial) &&
	    set_validity(cert, ISSUER_DAYS) && set_name(X509_get_subject_name(cert), name) &&
	    set_name(X509_get_issuer_name(cert), name) && X509_set_pubkey(cert, key) == 1 &&
	    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    add_extension(cert, cert, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign") &&
	    add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	    add_extension(cert, cert, NID_authority_key_identifier, "keyid:always") &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static FILE *create_file(const char *path, mode_t mode, struct tconn_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		tconn_fail(err, -errno, "%s: %s", path, errno == EEXIST ?
			   "there is an issuer already; remove it or choose another directory" :
			   strerror(errno));
	return f;
}

static int finish_file(FILE *f, bool good, const char *path, struct tconn_error *err)
{
	good = good && !fflush(f) && !fsync(fileno(f));
	good = !fclose(f) && good;
	if (good)
		return 0;
	unlink(path);
	return tconn_fail(err, -EIO, "%s: cannot be written", path);
}

static int write_key(const char *dir, EVP_PKEY *key, struct tconn_error *err)
{
	char path[PATH_SIZE];
	FILE *f;
	int r;

	r = issuer_path(dir, TCONN_ISSUER_KEY, path, err);
	if (r)
		return r;
	f = create_file(path, 0600, err);
	if (!f)
		return -EEXIST;
	return finish_file(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, path, err);
}

static int write_certificate(const char *dir, X509 *cert, struct tconn_error *err)
{
	char path[PATH_SIZE];
	FILE *f;
	int r;

	r = issuer_path(dir, TCONN_ISSUER_CERT, path, err);
	if (r)
		return r;
	f = create_file(path, 0644, err);
	if (!f)
		return -EEXIST;
	return finish_file(f, PEM_write_X509(f, cert) == 1, path, err);
}

static bool is_plain_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if ((uint8_t)name[i] < 0x20 || (uint8_t)name[i] > 0x7e)
			return false;
	return len && len <= TCONN_NAME_MAX;
}

int tconn_issuer_create(const char *dir, const char *name, struct tconn_error *err)
{
	EVP_PKEY *key;
	X509 *cert;
	int r;

	if (!is_plain_name(name))
		return tconn_fail(err, -EINVAL, "an issuer's name is 1 to %d printable ASCII characters",
				  TCONN_NAME_MAX);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return tconn_fail(err, -errno, "%s: %s", dir, strerror(errno));
	key = EVP_EC_gen("P-256");
	cert = key ? self_signed(key, name) : NULL;
	if (!cert)
		r = tconn_fail(err, -EIO, "OpenSSL cannot make the issuer's certificate");
	else
		r = write_key(dir, key, err);
	if (!r)
		r = write_certificate(dir, cert, err);
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

static int load_key(const char *dir, EVP_PKEY **ret, struct tconn_error *err)
{
	char path[PATH_SIZE];
	struct stat st;
	EVP_PKEY *key;
	FILE *f;
	int r;

	r = issuer_path(dir, TCONN_ISSUER_KEY, path, err);
	if (r)
		return r;
	f = fopen(path, "re");
	if (!f)
		return tconn_fail(err, -errno, "%s: %s; `tconn-ca init` makes it", path, strerror(errno));
	if (fstat(fileno(f), &st) || st.st_mode & 077) {
		fclose(f);
		return tconn_fail(err, -EPERM, "%s: others may read it; chmod 600 it, and ask who did", path);
	}
	key = PEM_read_PrivateKey(f, NULL, NULL, "");	/* an encrypted one fails, nobody is asked */
	fclose(f);
	ERR_clear_error();
	if (!key)
		return tconn_fail(err, -EBADMSG, "%s: no private key in PEM", path);
	*ret = key;
	return 0;
}

static int load_certificate(const char *dir, X509 **ret, struct tconn_error *err)
{
	char path[PATH_SIZE];
	const uint8_t *at;
	uint8_t *der;
	size_t len;
	int r;

	r = issuer_path(dir, TCONN_ISSUER_CERT, path, err);
	if (!r)
		r = tconn_certificate_load(path, &der, &len, err);
	if (r)
		return r;
	at = der;
	*ret = d2i_X509(NULL, &at, (long)len);
	free(der);
	return *ret ? 0 : tconn_fail(err, -EBADMSG, "%s: no certificate", path);
}

int tconn_issuer_load(const char *dir, struct tconn_issuer **ret, struct tconn_error *err)
{
	struct tconn_issuer *issuer = calloc(1, sizeof(*issuer));
	int r;

	if (!issuer)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = load_key(dir, &issuer->key, err);
	if (!r)
		r = load_certificate(dir, &issuer->cert, err);
	if (!r && X509_check_private_key(issuer->cert, issuer->key) != 1)
		r = tconn_fail(err, -EKEYREJECTED, "%s: " TCONN_ISSUER_KEY " is not the key of "
			       TCONN_ISSUER_CERT, dir);
	if (!r && X509_NAME_get_text_by_NID(X509_get_subject_name(issuer->cert), NID_commonName,
					    issuer->name, sizeof(issuer->name)) < 0)
		r = tconn_fail(err, -EBADMSG, "%s: " TCONN_ISSUER_CERT " has no CN", dir);
	ERR_clear_error();
	if (r) {
		tconn_issuer_free(issuer);
		return r;
	}
	*ret = issuer;
	return 0;
}

void tconn_issuer_free(struct tconn_issuer *issuer)
{
	if (!issuer)
		return;
	EVP_PKEY_free(issuer->key);
	X509_free(issuer->cert);
	free(issuer);
}

const char *tconn_issuer_name(const struct tconn_issuer *issuer)
{
	return issuer->name;
}

static bool add_use(X509 *cert, X509 *issuer, enum tconn_use use, enum tconn_role role)
{
	bool device = role == TCONN_ROLE_DEVICE;

	if (use == TCONN_USE_DATA)
		return add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature,nonRepudiation");
	return add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, issuer, NID_ext_key_usage,
			     use == TCONN_USE_AK ? TCONN_OID_AIK : device ? "clientAuth" : "serverAuth");
}

/* identity's name has been checked: no character of it means anything to conf. */
static bool fill_leaf(X509 *cert, const struct tconn_issuer *issuer,
		      const struct tconn_identity *identity, enum tconn_use use, EVP_PKEY *pkey,
		      uint8_t serial[TCONN_SERIAL_BYTES])
{
	char san[sizeof("URI:" TCONN_URN_SERVICE) + TCONN_IDENTITY_MAX];

	snprintf(san, sizeof(san), "URI:%s%s",
		 identity->role == TCONN_ROLE_DEVICE ? TCONN_URN_DEVICE : TCONN_URN_SERVICE,
		 identity->name);
	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, serial) &&
	       set_validity(cert, LEAF_DAYS) && set_name(X509_get_subject_name(cert), identity->name) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert)) == 1 &&
	       X509_set_pubkey(cert, pkey) == 1 &&
	       add_extension(cert, issuer->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_use(cert, issuer->cert, use, identity->role) &&
	       add_extension(cert, issuer->cert, NID_subject_alt_name, san) &&
	       add_extension(cert, issuer->cert, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, issuer->cert, NID_authority_key_identifier, "keyid:always") &&
	       X509_sign(cert, issuer->key, EVP_sha256()) > 0;
}

static int issued_der(X509 *cert, uint8_t **ret, size_t *ret_len)
{
	int len = i2d_X509(cert, NULL);
	uint8_t *der = len > 0 ? malloc((size_t)len) : NULL;
	uint8_t *at = der;

	if (!der)
		return -ENOMEM;
	i2d_X509(cert, &at);
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

int tconn_issuer_issue(const struct tconn_issuer *issuer, const struct tconn_identity *identity,
		       enum tconn_use use, const struct tconn_blob *pub, uint8_t **ret,
		       size_t *ret_len, uint8_t ret_serial[TCONN_SERIAL_BYTES],
		       struct tconn_error *err)
{
	EVP_PKEY *pkey = NULL;
	X509 *cert;
	int r;

	r = tconn_identity_name_check(identity->role, identity->name, err);
	if (!r)
		r = tconn_public_to_pkey(pub, &pkey, err);
	if (r)
		return r;
	cert = X509_new();
	if (!cert || !fill_leaf(cert, issuer, identity, use, pkey, ret_serial))
		r = tconn_fail(err, -EIO, "OpenSSL cannot make the certificate");
	else if (issued_der(cert, ret, ret_len))
		r = tconn_fail(err, -ENOMEM, "out of memory");
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return r;
}
