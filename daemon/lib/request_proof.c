// SPDX-License-Identifier: Apache-2.0
#include "request_proof.h"

#include <endian.h>
#include <errno.h>
#include <openssl/x509.h>
#include <string.h>

#include "digest.h"

#define MAGIC	"TCSP"
#define VERSION	1
#define LABEL	"tconn-request-1"

_Static_assert(sizeof(struct tconn_proof_header) == 108, "wire form of the proof");

void tconn_proof_digest(const struct tconn_proof_of *of, uint8_t ret[32])
{
	uint8_t statement[32];
	const struct tconn_piece pieces[] = {
		{ LABEL, sizeof(LABEL) - 1 }, { of->nonce, 32 }, { of->verifier_key, 32 },
		{ statement, 32 },
	};

	tconn_sha256(of->statement, of->statement_len, statement);
	tconn_sha256_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), ret);
}

static bool lengths_fit(size_t signature, size_t signer, size_t issuer)
{
	return signature && signature <= TCONN_PROOF_SIGNATURE_MAX &&
	       signer && signer <= TCONN_PROOF_CERTIFICATE_MAX &&
	       issuer && issuer <= TCONN_PROOF_CERTIFICATE_MAX;
}

static size_t append(uint8_t *buf, size_t at, const void *data, size_t len)
{
	memcpy(buf + at, data, len);
	return at + len;
}

size_t tconn_proof_encode(const struct tconn_proof *p, const struct tconn_proof_of *of,
			  uint8_t *buf)
{
	struct tconn_proof_header h = { .magic = MAGIC, .version = htole16(VERSION) };
	size_t at;

	if (!lengths_fit(p->signature_len, p->signer_len, p->issuer_len))
		return 0;
	h.signature_len = htole16((uint16_t)p->signature_len);
	h.signer_len = htole16((uint16_t)p->signer_len);
	h.issuer_len = htole16((uint16_t)p->issuer_len);
	memcpy(h.nonce, of->nonce, sizeof(h.nonce));
	memcpy(h.verifier_key, of->verifier_key, sizeof(h.verifier_key));
	tconn_sha256(of->statement, of->statement_len, h.statement);
	at = append(buf, 0, &h, sizeof(h));
	at = append(buf, at, p->signature, p->signature_len);
	at = append(buf, at, p->signer, p->signer_len);
	return append(buf, at, p->issuer, p->issuer_len);
}

static int decode(const uint8_t *proof, size_t len, struct tconn_proof_header *ret_header,
		  struct tconn_proof *ret, struct tconn_error *err)
{
	struct tconn_proof_header h;
	struct tconn_proof p;

	if (!len)
		return tconn_fail(err, -ENODATA, "it has no proof of a service");
	if (len < sizeof(h))
		return tconn_fail(err, -EBADMSG, "the proof is shorter than its header");
	memcpy(&h, proof, sizeof(h));
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) || le16toh(h.version) != VERSION)
		return tconn_fail(err, -EBADMSG, "the proof is none of version %d", VERSION);
	p.signature_len = le16toh(h.signature_len);
	p.signer_len = le16toh(h.signer_len);
	p.issuer_len = le16toh(h.issuer_len);
	if (!lengths_fit(p.signature_len, p.signer_len, p.issuer_len))
		return tconn_fail(err, -EBADMSG, "a part of the proof is empty or over its limit");
	if (len - sizeof(h) != p.signature_len + p.signer_len + p.issuer_len)
		return tconn_fail(err, -EBADMSG, "the proof is not as long as its header says");
	p.signature = proof + sizeof(h);
	p.signer = p.signature + p.signature_len;
	p.issuer = p.signer + p.signer_len;
	*ret_header = h;
	*ret = p;
	return 0;
}

/* Only says what differs: it is the signature that counts. */
static int compare(const struct tconn_proof_header *h, const struct tconn_proof_of *of,
		   struct tconn_error *err)
{
	uint8_t statement[32];

	tconn_sha256(of->statement, of->statement_len, statement);
	if (memcmp(h->verifier_key, of->verifier_key, 32))
		return tconn_fail(err, -EKEYREJECTED,
				  "the proof is for another key: the request's is not the service's");
	if (memcmp(h->nonce, of->nonce, 32))
		return tconn_fail(err, -EKEYREJECTED, "the proof is for another nonce");
	if (memcmp(h->statement, statement, 32))
		return tconn_fail(err, -EKEYREJECTED, "the proof is for another statement");
	return 0;
}

static int check_signer(const struct tconn_proof *p, const uint8_t issuer_digest[32],
			struct tconn_identity *ret, struct tconn_error *err)
{
	X509_STORE *trust = NULL;
	uint8_t digest[32];
	int r;

	tconn_sha256(p->issuer, p->issuer_len, digest);
	if (memcmp(digest, issuer_digest, sizeof(digest)))
		return tconn_fail(err, -EKEYREJECTED, "another issuer vouches for it");
	r = tconn_trust_certificate(p->issuer, p->issuer_len, &trust, err);
	if (r == 0)
		r = tconn_certificate_check(trust, p->signer, p->signer_len, TCONN_USE_DATA,
					    TCONN_ROLE_SERVICE, ret, err);
	X509_STORE_free(trust);
	return r;
}

int tconn_proof_verify(const uint8_t *proof, size_t len, const struct tconn_proof_of *of,
		       const uint8_t issuer_digest[32], struct tconn_identity *ret,
		       struct tconn_error *err)
{
	struct tconn_identity signer = { 0 };
	struct tconn_proof_header h = { 0 };
	struct tconn_proof p = { 0 };
	uint8_t digest[32];
	int r = decode(proof, len, &h, &p, err);

	if (r == 0)
		r = compare(&h, of, err);
	if (r == 0)
		r = check_signer(&p, issuer_digest, &signer, err);
	if (r)
		return r;
	tconn_proof_digest(of, digest);
	r = tconn_certificate_verify_digest(p.signer, p.signer_len, digest, p.signature,
					    p.signature_len, err);
	if (r == 0)
		*ret = signer;
	return r;
}
