/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COSE_Sign1 (RFC 9052, section 4.2) with ECDSA (RFC 9053, section 2.1), tagged (18),
 * external_aad empty, encoded as cbor_util.h says. What stands in the headers is
 * the user's business: receipt.h, label.h, seal.h.
 */
#ifndef TCONN_COSE_H
#define TCONN_COSE_H

#include "cbor_util.h"
#include "evidence.h"

/* Header parameters (IANA, COSE Header Parameters). */
#define TCONN_COSE_ALG		1
#define TCONN_COSE_CRIT		2
#define TCONN_COSE_CONTENT_TYPE	3
#define TCONN_COSE_X5CHAIN	33	/* RFC 9360 */
#define TCONN_COSE_X5T		34

#define TCONN_COSE_TAG			18
#define TCONN_COSE_CERTIFICATE_MAX	8192
#define TCONN_COSE_SIGNATURE_MAX	132	/* r || s on P-521 */

/* The n of -1 - n, as the CBOR reader gives negative integers. */
enum tconn_cose_alg {
	TCONN_COSE_ES256 = 6,	/* -7: P-256, SHA-256 */
	TCONN_COSE_ES384 = 34,	/* -35: P-384, SHA-384 */
	TCONN_COSE_ES512 = 35,	/* -36: P-521, SHA-512 */
};

struct tconn_cose {			/* borrowed */
	const uint8_t *protected;	/* the map within the byte string */
	size_t protected_len;
	const uint8_t *unprotected;	/* the map; NULL when encoding: an empty one */
	size_t unprotected_len;
	const uint8_t *unprotected_rest;	/* when encoding: its end, where that lies elsewhere */
	size_t unprotected_rest_len;
	const uint8_t *payload;
	size_t payload_len;
	bool detached;			/* nil stands in the payload's place */
	uint8_t signature[TCONN_COSE_SIGNATURE_MAX];
	size_t signature_len;
};

/* The protected header of what is signed over a payload: exactly {1: alg, 3: content type,
 * 33: the signer's certificate, DER}. What alg and type have to be is the user's business.
 */
struct tconn_cose_header {
	uint64_t alg;			/* the n of -1 - n: an enum tconn_cose_alg, or none */
	char type[64];
	const uint8_t *cert;		/* borrowed */
	size_t cert_len;
};
int tconn_cose_read_header(const struct tconn_cose *c, struct tconn_cose_header *ret,
			   struct tconn_error *err);
int tconn_cose_write_header(enum tconn_cose_alg alg, const char *type, const uint8_t *cert,
			    size_t cert_len, struct tconn_bytes *ret, struct tconn_error *err);

/* Signs with the TPM's DATA key (ES256) and checks it against cert: a certificate
 * of another key would make what nobody can verify (-EKEYREJECTED).
 */
int tconn_cose_sign(struct tconn_cose *c, struct tconn_tpm *tpm, const uint8_t *cert,
		    size_t cert_len, struct tconn_error *err);
/* The same with a key in software, whose curve says which algorithm; ret_alg gets it. */
struct evp_pkey_st;
int tconn_cose_alg_of(struct evp_pkey_st *key, enum tconn_cose_alg *ret, struct tconn_error *err);
int tconn_cose_sign_with(struct tconn_cose *c, struct evp_pkey_st *key, struct tconn_error *err);

/* -EKEYREJECTED: not a signature by the certificate's key with this algorithm. */
int tconn_cose_verify(const struct tconn_cose *c, enum tconn_cose_alg alg, const uint8_t *cert,
		      size_t cert_len, struct tconn_error *err);
/* SHA-256 of the Sig_structure (section 4.4): what ES256 signs. */
int tconn_cose_digest(const struct tconn_cose *c, uint8_t ret[32], struct tconn_error *err);

int tconn_cose_encode(const struct tconn_cose *c, size_t limit, struct tconn_bytes *ret,
		      struct tconn_error *err);
/* -EBADMSG: no COSE_Sign1, or bytes after it. The headers' content is not looked at. */
int tconn_cose_decode(const uint8_t *buf, size_t len, struct tconn_cose *ret,
		      struct tconn_error *err);

#endif
