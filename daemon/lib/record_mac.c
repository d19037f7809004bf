// SPDX-License-Identifier: Apache-2.0
#include "record_mac.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LABEL		"tconn-record-2"
#define LABEL_LEN	(sizeof(LABEL) - 1)

_Static_assert(offsetof(struct tconn_record, mac) == 448, "uapi/tconn.h says 448 bytes");

static void pkey_cleanup(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
#define _cleanup_pkey_ __attribute__((cleanup(pkey_cleanup)))

static void pkey_ctx_cleanup(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}
#define _cleanup_pkey_ctx_ __attribute__((cleanup(pkey_ctx_cleanup)))

int tconn_verifier_key_make(struct tconn_verifier_key *ret, struct tconn_error *err)
{
	_cleanup_pkey_ EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	size_t private = sizeof(ret->private), public = sizeof(ret->public);

	if (!key || EVP_PKEY_get_raw_private_key(key, ret->private, &private) != 1 ||
	    EVP_PKEY_get_raw_public_key(key, ret->public, &public) != 1)
		return tconn_fail(err, -EIO, "libcrypto makes no X25519 key");
	return 0;
}

void tconn_verifier_key_wipe(struct tconn_verifier_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

/* False too where all of it would be zero: libcrypto looks. */
static bool agree(const uint8_t *private, const uint8_t *peer, uint8_t *ret)
{
	_cleanup_pkey_ EVP_PKEY *own =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, TCONN_KEY_SIZE);
	_cleanup_pkey_ EVP_PKEY *other =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, TCONN_KEY_SIZE);
	_cleanup_pkey_ctx_ EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new(own, NULL) : NULL;
	size_t len = TCONN_KEY_SIZE;

	return ctx && other && EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, ret, &len) == 1 &&
	       len == TCONN_KEY_SIZE;
}

static bool derive(const struct tconn_record *record, const uint8_t *kernel_key, uint8_t *shared,
		   uint8_t *ret)
{
	uint8_t info[LABEL_LEN + 2 * TCONN_KEY_SIZE];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, shared, TCONN_KEY_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)record->nonce,
						  TCONN_NONCE_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done;

	memcpy(info, LABEL, LABEL_LEN);
	memcpy(info + LABEL_LEN, kernel_key, TCONN_KEY_SIZE);
	memcpy(info + LABEL_LEN + TCONN_KEY_SIZE, record->verifier_key, TCONN_KEY_SIZE);
	done = ctx && EVP_KDF_derive(ctx, ret, TCONN_MAC_SIZE, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done;
}

int tconn_record_mac(const struct tconn_record *record, const uint8_t kernel_key[TCONN_KEY_SIZE],
		     const uint8_t private[TCONN_KEY_SIZE], const uint8_t peer[TCONN_KEY_SIZE],
		     uint8_t ret[TCONN_MAC_SIZE], struct tconn_error *err)
{
	uint8_t shared[TCONN_KEY_SIZE], key[TCONN_MAC_SIZE], mac[TCONN_MAC_SIZE];
	bool agreed = agree(private, peer, shared);
	bool done = agreed && derive(record, kernel_key, shared, key) &&
		    HMAC(EVP_sha256(), key, sizeof(key), (const uint8_t *)record,
			 offsetof(struct tconn_record, mac), mac, NULL);

	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(key, sizeof(key));
	if (!agreed)
		return tconn_fail(err, -EKEYREJECTED, "no secret comes of these X25519 keys");
	if (!done)
		return tconn_fail(err, -EIO, "libcrypto computes no MAC");
	memcpy(ret, mac, sizeof(mac));
	return 0;
}
