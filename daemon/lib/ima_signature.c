// SPDX-License-Identifier: Apache-2.0
#include "ima_signature.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER		9
#define TYPE		3	/* EVM_IMA_XATTR_DIGSIG */
#define VERSION		2
#define HASH_SHA256	4	/* enum hash_algo of <linux/hash_info.h> */
#define SHA1_SIZE	20

struct tconn_ima_keys {
	size_t count;
	struct {
		uint32_t id;
		EVP_PKEY *key;
	} key[TCONN_IMA_KEYS_MAX];
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void tconn_ima_keys_free(struct tconn_ima_keys *keys)
{
	for (size_t i = 0; keys && i < keys->count; i++)
		EVP_PKEY_free(keys->key[i].key);
	free(keys);
}

static EVP_PKEY *read_pem(const char *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	X509 *cert = NULL;

	if (bio && !key && BIO_reset(bio) == 1)
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (cert)
		key = X509_get_pubkey(cert);
	X509_free(cert);
	BIO_free(bio);
	return key;
}

/* The end of the SHA-1 of the public key's bits, as the kernel and evmctl have it. */
static bool key_id(EVP_PKEY *key, uint32_t *ret)
{
	X509_PUBKEY *pub = NULL;
	const unsigned char *bits;
	uint8_t sha1[SHA1_SIZE];
	int len;
	bool ok = X509_PUBKEY_set(&pub, key) == 1 &&
		  X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, pub) == 1 &&
		  EVP_Digest(bits, (size_t)len, sha1, NULL, EVP_sha1(), NULL) == 1;

	X509_PUBKEY_free(pub);
	if (ok)
		*ret = be32(sha1 + SHA1_SIZE - 4);
	return ok;
}

static EVP_PKEY *find(const struct tconn_ima_keys *keys, uint32_t id)
{
	for (size_t i = 0; keys && i < keys->count; i++) {
		if (keys->key[i].id == id)
			return keys->key[i].key;
	}
	return NULL;
}

/* Takes key in all cases. */
static int add(struct tconn_ima_keys **keys, EVP_PKEY *key, struct tconn_error *err)
{
	uint32_t id = 0;
	int r = 0;

	if (!*keys)
		*keys = calloc(1, sizeof(**keys));
	if (!*keys)
		r = tconn_fail(err, -ENOMEM, "out of memory");
	else if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC"))
		r = tconn_fail(err, -ENOTSUP, "a key for file signatures is neither RSA nor EC");
	else if ((*keys)->count == TCONN_IMA_KEYS_MAX)
		r = tconn_fail(err, -E2BIG, "over %d keys for file signatures", TCONN_IMA_KEYS_MAX);
	else if (!key_id(key, &id))
		r = tconn_fail(err, -EBADMSG, "a key for file signatures has no id");
	else if (find(*keys, id))
		r = tconn_fail(err, -EEXIST, "two keys for file signatures have the id %08x", id);
	if (r < 0) {
		EVP_PKEY_free(key);
		return r;
	}
	(*keys)->key[(*keys)->count].id = id;
	(*keys)->key[(*keys)->count++].key = key;
	return 0;
}

int tconn_ima_keys_add(struct tconn_ima_keys **keys, const char *pem, size_t len,
		       struct tconn_error *err)
{
	EVP_PKEY *key = read_pem(pem, len);

	if (!key)
		return tconn_fail(err, -EBADMSG, "no PEM of a public key or certificate");
	return add(keys, key, err);
}

static bool verify(EVP_PKEY *key, const uint8_t digest[32], const uint8_t *sig, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		  (!EVP_PKEY_is_a(key, "RSA") ||
		   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
		  EVP_PKEY_verify(ctx, sig, len, digest, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

int tconn_ima_signature_verify(const struct tconn_ima_keys *keys, const uint8_t digest[32],
			       const uint8_t *signature, size_t len, struct tconn_error *err)
{
	EVP_PKEY *key;

	if (!len)
		return tconn_fail(err, -EBADMSG, "has no signature");
	if (len < HEADER || signature[0] != TYPE || signature[1] != VERSION)
		return tconn_fail(err, -EBADMSG, "has a signature of an unknown kind");
	if (signature[2] != HASH_SHA256)
		return tconn_fail(err, -EBADMSG, "has a signature over a digest other than sha256");
	if ((size_t)(signature[7] << 8 | signature[8]) != len - HEADER)
		return tconn_fail(err, -EBADMSG, "has a signature of a wrong length");
	key = find(keys, be32(signature + 3));
	if (!key)
		return tconn_fail(err, -ENOKEY, "is signed by key %08x, which is not on the list",
				  be32(signature + 3));
	if (!verify(key, digest, signature + HEADER, len - HEADER))
		return tconn_fail(err, -EKEYREJECTED, "has a wrong signature by key %08x",
				  be32(signature + 3));
	return 0;
}
