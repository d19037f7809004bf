/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals over archives: that these files were there, as they are, when the seal was made.
 * With stronger algorithms than the labels' own, so that labels outlive P-256 and
 * SHA-256; a later seal over the files, the older seal and its time-stamp goes on from there.
 *
 * A tagged COSE_Sign1 (RFC 9052), deterministic CBOR. Protected header exactly
 * {1: -35 (ES384) or -36 (ES512), 3: TCONN_SEAL_TYPE, 33: the sealer's certificate},
 * empty unprotected header, payload
 *	{0: 1 (version), 1: hash (48: SHA-384, 64: SHA-512; as the key's curve),
 *	 2: time (seconds since 1970), 3: [+ [name, size, digest]]}
 * with the files in ascending order of their names (bytes), which are unique and hold no '/'.
 */
#ifndef TCONN_SEAL_H
#define TCONN_SEAL_H

#include "cose.h"

#define TCONN_SEAL_TYPE "application/vnd.tconn.seal+cbor"

enum tconn_seal_limit {
	TCONN_SEAL_MAX		= 16 << 20,	/* bytes */
	TCONN_SEAL_FILES_MAX	= 65536,
	TCONN_SEAL_HASH_MAX	= 64,
};

struct x509_store_st;
struct evp_pkey_st;

struct tconn_seal_file {
	char name[256];
	uint64_t size;
	uint8_t digest[TCONN_SEAL_HASH_MAX];
};

struct tconn_seal {
	size_t hash;			/* bytes: 48 or 64 */
	uint64_t time;			/* seconds since 1970, as the sealer claims */
	size_t count;
	struct tconn_seal_file *file;	/* in order of names */
	/* Of a decoded one: */
	struct tconn_bytes raw;		/* the two below point into it */
	struct tconn_cose cose;
	const uint8_t *certificate;	/* DER */
	size_t certificate_len;
};

/* For this key: -EINVAL where it is not stronger than the labels' own. */
int tconn_seal_hash_for(struct evp_pkey_st *key, size_t *ret, struct tconn_error *err);
/* Of a file of any length, read in pieces. */
int tconn_seal_hash_file(int fd, size_t hash, struct tconn_seal_file *ret, struct tconn_error *err);
/* Sorts the files. -EINVAL: none, or names that are empty, repeated or hold '/'. */
int tconn_seal_sign(struct tconn_seal *s, struct evp_pkey_st *key, const uint8_t *cert,
		    size_t cert_len, struct tconn_bytes *ret, struct tconn_error *err);

/* -EMSGSIZE, -EBADMSG. ret starts zeroed and is freed by tconn_seal_free(), also on failure. */
int tconn_seal_decode(const uint8_t *buf, size_t len, struct tconn_seal *ret,
		      struct tconn_error *err);
void tconn_seal_free(struct tconn_seal *s);

struct tconn_seal_check {
	struct x509_store_st *trust;	/* issuers of sealers */
	const uint8_t *timestamp;	/* DER: RFC 3161 over the signature; NULL: none */
	size_t timestamp_len;
	struct x509_store_st *tsa_trust;
	uint64_t now;			/* seconds since 1970 */
};

struct tconn_seal_report {
	char who[128];			/* the sealer's name in its certificate */
	uint64_t sealed_at;		/* seconds since 1970: proven by the token, else claimed */
	bool time_proven;
};

/* Signature, time-stamp, certificate. -EKEYREJECTED, -EKEYEXPIRED. */
int tconn_seal_verify(const struct tconn_seal *s, const struct tconn_seal_check *check,
		      struct tconn_seal_report *ret, struct tconn_error *err);
/* NULL where no such file was sealed. */
const struct tconn_seal_file *tconn_seal_find(const struct tconn_seal *s, const char *name);

#endif
