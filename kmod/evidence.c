// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's evidence key. Root can extend any PCR with any digest, so a PCR proves
 * order, not origin. A record therefore carries a MAC that only this kernel and the
 * verifier who asked can make: uapi/tconn.h, struct tconn_record, says how.
 *
 * The public half is in the BOOT event, which is measured at load: in the initramfs,
 * before the REE runs any code. Whoever extends the PCR with a key of their own comes
 * second, and a log with two is refused.
 *
 * HKDF and HMAC are spelled out: lib/crypto has SHA-256 alone, and the crypto API's
 * hmac(sha256) allocates, and may be absent, where a record must not fail.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <crypto/curve25519.h>
#include <crypto/sha2.h>

#include "evidence.h"

#define INFO	"tconn-record-2"

static struct {
	u8 private[CURVE25519_KEY_SIZE];
	u8 public[CURVE25519_KEY_SIZE];
} kernel_key;

struct hmac {
	struct sha256_state inner;
	u8 outer[SHA256_BLOCK_SIZE];	/* the padded key */
};

/* Keys are SHA256_DIGEST_SIZE bytes, shorter than a block. */
static void hmac_init(struct hmac *h, const u8 *key)
{
	u8 inner[SHA256_BLOCK_SIZE];
	int i;

	memset(inner, 0x36, sizeof(inner));
	memset(h->outer, 0x5c, sizeof(h->outer));
	for (i = 0; i < SHA256_DIGEST_SIZE; i++) {
		inner[i] ^= key[i];
		h->outer[i] ^= key[i];
	}
	sha256_init(&h->inner);
	sha256_update(&h->inner, inner, sizeof(inner));
	memzero_explicit(inner, sizeof(inner));
}

static void hmac_final(struct hmac *h, u8 *ret_mac)
{
	struct sha256_state outer;
	u8 digest[SHA256_DIGEST_SIZE];

	sha256_final(&h->inner, digest);
	sha256_init(&outer);
	sha256_update(&outer, h->outer, sizeof(h->outer));
	sha256_update(&outer, digest, sizeof(digest));
	sha256_final(&outer, ret_mac);
	memzero_explicit(h, sizeof(*h));
	memzero_explicit(digest, sizeof(digest));
}

/* RFC 5869; one block of output is what is needed. */
static void hkdf(const u8 *salt, const u8 *shared, const u8 *verifier_key, u8 *ret_key)
{
	static const u8 counter = 1;
	u8 prk[SHA256_DIGEST_SIZE];
	struct hmac h;

	hmac_init(&h, salt);
	sha256_update(&h.inner, shared, CURVE25519_KEY_SIZE);
	hmac_final(&h, prk);
	hmac_init(&h, prk);
	sha256_update(&h.inner, INFO, strlen(INFO));
	sha256_update(&h.inner, kernel_key.public, sizeof(kernel_key.public));
	sha256_update(&h.inner, verifier_key, CURVE25519_KEY_SIZE);
	sha256_update(&h.inner, &counter, sizeof(counter));
	hmac_final(&h, ret_key);
	memzero_explicit(prk, sizeof(prk));
}

int tconn_evidence_agree(const struct tconn_record *record, u8 *ret_key)
{
	u8 shared[CURVE25519_KEY_SIZE];

	/* False: all zero, which anyone could know. */
	if (!curve25519(shared, kernel_key.private, record->verifier_key))
		return -EKEYREJECTED;
	hkdf(record->nonce, shared, record->verifier_key, ret_key);
	memzero_explicit(shared, sizeof(shared));
	return 0;
}

void tconn_evidence_seal(struct tconn_record *record, const u8 *key)
{
	struct hmac h;

	hmac_init(&h, key);
	sha256_update(&h.inner, (const u8 *)record, offsetof(struct tconn_record, mac));
	hmac_final(&h, record->mac);
}

const u8 *tconn_evidence_public(void)
{
	return kernel_key.public;
}

void tconn_evidence_init(void)
{
	/* Fails only for a private key of zero, which generate_secret() does not make. */
	do
		curve25519_generate_secret(kernel_key.private);
	while (!curve25519_generate_public(kernel_key.public, kernel_key.private));
}

void tconn_evidence_exit(void)
{
	memzero_explicit(&kernel_key, sizeof(kernel_key));
}
