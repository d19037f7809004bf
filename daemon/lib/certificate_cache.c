// SPDX-License-Identifier: Apache-2.0
#include "certificate_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/x509.h>

#include "digest.h"
#include "identity.h"

#define SLOTS	1024u	/* some 8 KiB each, once it is used */

struct slot {
	uint8_t digest[32];	/* SHA-256 of the certificate */
	X509 *cert;		/* NULL: empty */
	X509_STORE *trust;	/* where chain was found; held, so that no other takes its address */
	STACK_OF(X509) *chain;	/* NULL: not verified */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects slots */
static struct slot slots[SLOTS];

static struct slot *slot_of(const uint8_t digest[32])
{
	return &slots[(digest[0] | (unsigned int)digest[1] << 8) % SLOTS];
}

static bool holds(const struct slot *s, const uint8_t digest[32])
{
	return s->cert && !memcmp(s->digest, digest, 32);
}

/* lock held; takes chain */
static void set_chain(struct slot *s, X509_STORE *trust, STACK_OF(X509) *chain)
{
	sk_X509_pop_free(s->chain, X509_free);
	X509_STORE_free(s->trust);
	s->trust = chain && X509_STORE_up_ref(trust) == 1 ? trust : NULL;
	s->chain = chain;
}

static X509 *find(const uint8_t *der, size_t len)
{
	X509 *cert = NULL;
	uint8_t digest[32];
	struct slot *s;

	tconn_sha256(der, len, digest);
	s = slot_of(digest);
	pthread_mutex_lock(&lock);
	if (holds(s, digest) && X509_up_ref(s->cert) == 1)
		cert = s->cert;
	pthread_mutex_unlock(&lock);
	return cert;
}

/* In the place of whatever is there. */
static void keep(const uint8_t *der, size_t len, X509 *cert)
{
	uint8_t digest[32];
	struct slot *s;

	if (X509_up_ref(cert) != 1)
		return;
	tconn_sha256(der, len, digest);
	s = slot_of(digest);
	pthread_mutex_lock(&lock);
	set_chain(s, NULL, NULL);
	X509_free(s->cert);
	s->cert = cert;
	memcpy(s->digest, digest, 32);
	pthread_mutex_unlock(&lock);
}

static STACK_OF(X509) *find_chain(const uint8_t *der, size_t len, X509_STORE *trust)
{
	STACK_OF(X509) *chain = NULL;
	uint8_t digest[32];
	struct slot *s;

	tconn_sha256(der, len, digest);
	s = slot_of(digest);
	pthread_mutex_lock(&lock);
	if (holds(s, digest) && s->chain && s->trust == trust)
		chain = X509_chain_up_ref(s->chain);
	pthread_mutex_unlock(&lock);
	return chain;
}

static void keep_chain(const uint8_t *der, size_t len, X509_STORE *trust, STACK_OF(X509) *chain)
{
	uint8_t digest[32];
	struct slot *s;

	tconn_sha256(der, len, digest);
	s = slot_of(digest);
	pthread_mutex_lock(&lock);
	if (holds(s, digest))
		set_chain(s, trust, X509_chain_up_ref(chain));
	pthread_mutex_unlock(&lock);
}

void tconn_certificate_cache_start(void)
{
	static const struct tconn_keeper keeper = { find, keep, find_chain, keep_chain };

	tconn_certificate_keep(&keeper);
}
