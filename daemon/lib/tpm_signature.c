// SPDX-License-Identifier: Apache-2.0
#include "tpm_signature.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>

#define P256_BYTES	32

int tconn_signature_der(const TPMT_SIGNATURE *signature, uint8_t ret[TCONN_SIGNATURE_MAX],
			size_t *ret_len, struct tconn_error *err)
{
	const TPMS_SIGNATURE_ECDSA *s = &signature->signature.ecdsa;
	ECDSA_SIG *sig;
	BIGNUM *x, *y;
	int len = -1;

	if (signature->sigAlg != TPM2_ALG_ECDSA || s->hash != TPM2_ALG_SHA256 ||
	    s->signatureR.size > P256_BYTES || s->signatureS.size > P256_BYTES)
		return tconn_fail(err, -EBADMSG, "the signature is not ECDSA P-256 with SHA-256");
	sig = ECDSA_SIG_new();
	x = BN_bin2bn(s->signatureR.buffer, s->signatureR.size, NULL);
	y = BN_bin2bn(s->signatureS.buffer, s->signatureS.size, NULL);
	if (sig && x && y && ECDSA_SIG_set0(sig, x, y)) {
		x = NULL;	/* the signature's now */
		y = NULL;
		len = i2d_ECDSA_SIG(sig, &ret);
	}
	BN_free(x);
	BN_free(y);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	*ret_len = (size_t)len;
	return 0;
}
