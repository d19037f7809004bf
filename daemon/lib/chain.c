// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <time.h>

X509 *tconn_chain_parse(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	X509 *cert = d2i_X509(NULL, &at, (long)len);

	if (cert && at == der + len)
		return cert;
	X509_free(cert);
	ERR_clear_error();
	return NULL;
}

static int failure(const X509_STORE_CTX *ctx, struct tconn_error *err)
{
	int why = X509_STORE_CTX_get_error(ctx);

	if (why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID)
		return tconn_fail(err, -EKEYEXPIRED, "certificate: not trusted: %s (a time-stamp "
				  "token can prove that it was valid then)",
				  X509_verify_cert_error_string(why));
	return tconn_fail(err, why == X509_V_ERR_CERT_REVOKED ? -EKEYREVOKED : -EKEYREJECTED,
			  "certificate: not trusted: %s",
			  X509_verify_cert_error_string(why));
}

int tconn_chain_verify(X509 *cert, STACK_OF(X509) *others, X509_STORE *trust, uint64_t at,
		       X509 **ret_issuer, struct tconn_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain;
	int r = 0;

	if (!ctx || !X509_STORE_CTX_init(ctx, trust, cert, others)) {
		X509_STORE_CTX_free(ctx);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_time(ctx, 0, (time_t)at);
	if (X509_verify_cert(ctx) != 1) {
		r = failure(ctx, err);
	} else if (ret_issuer) {
		chain = X509_STORE_CTX_get0_chain(ctx);
		*ret_issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
		X509_up_ref(*ret_issuer);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return r;
}
