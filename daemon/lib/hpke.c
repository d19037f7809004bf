// SPDX-License-Identifier: Apache-2.0
/* Names as in RFC 9180: sections 4 (LabeledExtract), 4.1 (DHKEM), 5.1 (KeySchedule). */
#include "hpke.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#define HASH	32	/* bytes of SHA-256, and of a ChaCha20 key */
#define NONCE	12	/* bytes of the AEAD's nonce */

/* "KEM" 0x0020; "HPKE" 0x0020 0x0001 0x0003 */
static const struct tconn_hpke_bytes kem_suite = { (const uint8_t *)"KEM\0\x20", 5 };
static const struct tconn_hpke_bytes hpke_suite = {
	(const uint8_t *)"HPKE\0\x20\0\x01\0\x03", 10,
};

/* What is hashed, put together; no input is longer than this. */
struct input {
	uint8_t data[64 + TCONN_HPKE_INFO_MAX + 3 * HASH];
	size_t len;
};

static void add(struct input *in, const void *data, size_t len)
{
	memcpy(in->data + in->len, data, len);
	in->len += len;
}

static void add_labels(struct input *in, struct tconn_hpke_bytes suite, const char *label)
{
	add(in, "HPKE-v1", 7);
	add(in, suite.data, suite.len);
	add(in, label, strlen(label));
}

static bool hmac(const uint8_t *key, size_t key_len, struct input *in, uint8_t ret[HASH])
{
	bool done = HMAC(EVP_sha256(), key, (int)key_len, in->data, in->len, ret, NULL);

	OPENSSL_cleanse(in, sizeof(*in));
	return done;
}

static bool labeled_extract(struct tconn_hpke_bytes suite, struct tconn_hpke_bytes salt,
			    const char *label, struct tconn_hpke_bytes ikm, uint8_t ret[HASH])
{
	static const uint8_t zero[HASH];
	struct input in = { .len = 0 };

	add_labels(&in, suite, label);
	if (ikm.len)
		add(&in, ikm.data, ikm.len);
	return salt.len ? hmac(salt.data, salt.len, &in, ret) : hmac(zero, HASH, &in, ret);
}

/* len is up to HASH: one block of HKDF-Expand. */
static bool labeled_expand(struct tconn_hpke_bytes suite, const uint8_t prk[HASH],
			   const char *label, struct tconn_hpke_bytes info, uint8_t len,
			   uint8_t *ret)
{
	const uint8_t length[2] = { 0, len }, block = 1;
	struct input in = { .len = 0 };
	uint8_t out[HASH];

	add(&in, length, sizeof(length));
	add_labels(&in, suite, label);
	add(&in, info.data, info.len);
	add(&in, &block, 1);
	if (!hmac(prk, HASH, &in, out))
		return false;
	memcpy(ret, out, len);
	OPENSSL_cleanse(out, sizeof(out));
	return true;
}

/* False too where the result would be zero: libcrypto looks. */
static bool dh(const uint8_t *private, const uint8_t *peer, uint8_t ret[HASH])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private, TCONN_HPKE_KEY);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, TCONN_HPKE_KEY);
	EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new(own, NULL) : NULL;
	size_t len = HASH;
	bool done = ctx && other && EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
		    EVP_PKEY_derive(ctx, ret, &len) == 1 && len == HASH;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(other);
	return done;
}

/* Encap and Decap from the DH value on. */
static bool shared_secret(const uint8_t value[HASH], const uint8_t *enc, const uint8_t *recipient,
			  uint8_t ret[HASH])
{
	uint8_t context[2 * TCONN_HPKE_KEY], prk[HASH];
	bool done;

	memcpy(context, enc, TCONN_HPKE_KEY);
	memcpy(context + TCONN_HPKE_KEY, recipient, TCONN_HPKE_KEY);
	done = labeled_extract(kem_suite, (struct tconn_hpke_bytes){ 0 }, "eae_prk",
			       (struct tconn_hpke_bytes){ value, HASH }, prk) &&
	       labeled_expand(kem_suite, prk, "shared_secret",
			      (struct tconn_hpke_bytes){ context, sizeof(context) }, HASH, ret);
	OPENSSL_cleanse(prk, sizeof(prk));
	return done;
}

struct keys {
	uint8_t key[HASH], base_nonce[NONCE];
};

/* KeySchedule in base mode: no PSK, and the first message's nonce is base_nonce. */
static bool key_schedule(const uint8_t shared[HASH], struct tconn_hpke_bytes info, struct keys *ret)
{
	const struct tconn_hpke_bytes none = { NULL, 0 };
	uint8_t context[1 + 2 * HASH] = { 0 }, secret[HASH];
	const struct tconn_hpke_bytes all = { context, sizeof(context) };
	bool done = labeled_extract(hpke_suite, none, "psk_id_hash", none, context + 1) &&
		    labeled_extract(hpke_suite, none, "info_hash", info, context + 1 + HASH) &&
		    labeled_extract(hpke_suite, (struct tconn_hpke_bytes){ shared, HASH }, "secret",
				    none, secret) &&
		    labeled_expand(hpke_suite, secret, "key", all, HASH, ret->key) &&
		    labeled_expand(hpke_suite, secret, "base_nonce", all, NONCE, ret->base_nonce);

	OPENSSL_cleanse(secret, sizeof(secret));
	return done;
}

static bool aead_seal(const struct keys *k, struct tconn_hpke_bytes aad,
		      struct tconn_hpke_bytes text, uint8_t *ret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	bool done = ctx &&
		    EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, k->key, k->base_nonce) &&
		    EVP_EncryptUpdate(ctx, NULL, &len, aad.data, (int)aad.len) &&
		    EVP_EncryptUpdate(ctx, ret, &len, text.data, (int)text.len) &&
		    EVP_EncryptFinal_ex(ctx, ret + len, &len) &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TCONN_HPKE_TAG, ret + text.len);

	EVP_CIPHER_CTX_free(ctx);
	return done;
}

/* False: the tag is wrong, or libcrypto fails; ret holds nothing then. */
static bool aead_open(const struct keys *k, struct tconn_hpke_bytes aad,
		      struct tconn_hpke_bytes sealed, uint8_t *ret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t text_len = sealed.len - TCONN_HPKE_TAG;
	int len;
	bool done = ctx &&
		    EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, k->key, k->base_nonce) &&
		    EVP_DecryptUpdate(ctx, NULL, &len, aad.data, (int)aad.len) &&
		    EVP_DecryptUpdate(ctx, ret, &len, sealed.data, (int)text_len) &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TCONN_HPKE_TAG,
					(void *)(sealed.data + text_len)) &&
		    EVP_DecryptFinal_ex(ctx, ret + len, &len) == 1;

	if (!done)
		OPENSSL_cleanse(ret, text_len);
	EVP_CIPHER_CTX_free(ctx);
	return done;
}

/* With an ephemeral key that is given. */
static int seal_from(const uint8_t *private, const uint8_t *enc, const uint8_t *recipient,
		     struct tconn_hpke_bytes info, struct tconn_hpke_bytes aad,
		     struct tconn_hpke_bytes text, uint8_t *ret_sealed)
{
	uint8_t value[HASH], shared[HASH];
	struct keys k;
	bool agreed = dh(private, recipient, value);
	bool done = agreed && shared_secret(value, enc, recipient, shared) &&
		    key_schedule(shared, info, &k) &&
		    aead_seal(&k, aad, text, ret_sealed + TCONN_HPKE_KEY);

	memcpy(ret_sealed, enc, TCONN_HPKE_KEY);
	OPENSSL_cleanse(value, sizeof(value));
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(&k, sizeof(k));
	return !agreed ? -EKEYREJECTED : done ? 0 : -EIO;
}

int tconn_hpke_seal(const uint8_t public[TCONN_HPKE_KEY], struct tconn_hpke_bytes info,
		    struct tconn_hpke_bytes aad, struct tconn_hpke_bytes text, uint8_t *ret_sealed)
{
	uint8_t private[TCONN_HPKE_KEY], enc[TCONN_HPKE_KEY];
	size_t private_len = sizeof(private), enc_len = sizeof(enc);
	EVP_PKEY *key;
	int r = -EIO;

	if (info.len > TCONN_HPKE_INFO_MAX || text.len > TCONN_HPKE_TEXT_MAX)
		return -EINVAL;
	key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	if (key && EVP_PKEY_get_raw_private_key(key, private, &private_len) == 1 &&
	    EVP_PKEY_get_raw_public_key(key, enc, &enc_len) == 1)
		r = seal_from(private, enc, public, info, aad, text, ret_sealed);
	OPENSSL_cleanse(private, sizeof(private));
	EVP_PKEY_free(key);
	return r;
}

int tconn_hpke_open(const uint8_t private[TCONN_HPKE_KEY], const uint8_t public[TCONN_HPKE_KEY],
		    struct tconn_hpke_bytes info, struct tconn_hpke_bytes aad,
		    struct tconn_hpke_bytes sealed, uint8_t *ret_text)
{
	struct tconn_hpke_bytes text = { sealed.data + TCONN_HPKE_KEY, sealed.len - TCONN_HPKE_KEY };
	uint8_t value[HASH], shared[HASH];
	struct keys k;
	bool done;

	if (sealed.len < TCONN_HPKE_KEY + TCONN_HPKE_TAG || info.len > TCONN_HPKE_INFO_MAX ||
	    sealed.len > TCONN_HPKE_KEY + TCONN_HPKE_TEXT_MAX + TCONN_HPKE_TAG)
		return -EBADMSG;
	done = dh(private, sealed.data, value) &&
	       shared_secret(value, sealed.data, public, shared) &&
	       key_schedule(shared, info, &k) && aead_open(&k, aad, text, ret_text);
	OPENSSL_cleanse(value, sizeof(value));
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(&k, sizeof(k));
	return done ? 0 : -EKEYREJECTED;
}
