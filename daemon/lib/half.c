// SPDX-License-Identifier: Apache-2.0
#include "half.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "cbor_util.h"
#include "digest.h"

#define LABEL "tconn-half-1"

void tconn_half_digest(const struct tconn_half *h, uint8_t ret[32])
{
	const uint64_t id = htobe64(h->id);
	const uint32_t status = htobe32(h->status);
	uint8_t statement[32], record[32], answer[32];
	const struct tconn_piece pieces[] = {
		{ LABEL, sizeof(LABEL) - 1 }, { &id, sizeof(id) }, { &status, sizeof(status) },
		{ h->nonce, 32 }, { statement, 32 }, { record, 32 }, { answer, 32 },
	};

	tconn_sha256(h->statement.data, h->statement.len, statement);
	tconn_sha256(h->record.data, h->record.len, record);
	tconn_sha256(h->answer.data, h->answer.len, answer);
	tconn_sha256_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), ret);
}

int tconn_half_sign(const struct tconn_half *h, struct tconn_tpm *tpm, struct tconn_bytes *ret,
		    struct tconn_error *err)
{
	uint8_t digest[32], signature[TCONN_HALF_SIGNATURE_MAX];
	size_t len = 0;
	int r;

	tconn_half_digest(h, digest);
	r = tconn_tpm_sign(tpm, TCONN_KEY_DATA, digest, signature, &len, err);
	return r ? r : tconn_bytes_copy(ret, signature, len, err);
}

int tconn_half_verify(const struct tconn_half *h, struct x509_store_st *trust, const char *device,
		      struct tconn_error *err)
{
	struct tconn_identity signer = { 0 };
	uint8_t digest[32];
	int r;

	if (!h->signature.len || !h->signer.len)
		return tconn_fail(err, -EKEYREJECTED, "the device did not sign");
	r = tconn_certificate_check(trust, h->signer.data, h->signer.len, TCONN_USE_DATA,
				    TCONN_ROLE_DEVICE, &signer, err);
	if (r)
		return r;
	if (strcmp(signer.name, device))
		return tconn_fail(err, -EKEYREJECTED, "signed by device %.64s, not by %.64s",
				  signer.name, device);
	tconn_half_digest(h, digest);
	return tconn_certificate_verify_digest(h->signer.data, h->signer.len, digest,
					       h->signature.data, h->signature.len, err);
}
