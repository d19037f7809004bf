// SPDX-License-Identifier: Apache-2.0
#include "label_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#define TOKEN_MAX	65536	/* bytes */

static bool set_imprint(TS_REQ *query, const void *data, size_t len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int size;
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *alg = X509_ALGOR_new();
	bool good = imprint && alg && EVP_Digest(data, len, digest, &size, EVP_sha512(), NULL) == 1;

	if (good) {
		X509_ALGOR_set_md(alg, EVP_sha512());
		good = TS_MSG_IMPRINT_set_algo(imprint, alg) == 1 &&
		       TS_MSG_IMPRINT_set_msg(imprint, digest, (int)size) == 1 &&
		       TS_REQ_set_msg_imprint(query, imprint) == 1;
	}
	X509_ALGOR_free(alg);
	TS_MSG_IMPRINT_free(imprint);
	return good;
}

static bool set_nonce(TS_REQ *query)
{
	BIGNUM *n = BN_new();
	ASN1_INTEGER *nonce = NULL;
	bool good = n && BN_rand(n, 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1;

	if (good)
		nonce = BN_to_ASN1_INTEGER(n, NULL);
	good = nonce && TS_REQ_set_nonce(query, nonce) == 1;
	ASN1_INTEGER_free(nonce);
	BN_free(n);
	return good;
}

int tconn_stamp_query(const void *data, size_t len, struct tconn_bytes *ret,
		      struct tconn_error *err)
{
	TS_REQ *query = TS_REQ_new();
	uint8_t *der = NULL, *at;
	int size = -1;

	if (query && TS_REQ_set_version(query, 1) == 1 && set_imprint(query, data, len) &&
	    set_nonce(query) && TS_REQ_set_cert_req(query, 1) == 1)
		size = i2d_TS_REQ(query, NULL);
	if (size > 0)
		der = malloc((size_t)size);
	at = der;
	if (der)
		i2d_TS_REQ(query, &at);
	TS_REQ_free(query);
	ERR_clear_error();
	if (!der)
		return tconn_fail(err, -ENOMEM, "OpenSSL cannot make the time-stamp request");
	*ret = (struct tconn_bytes){ der, (size_t)size };
	return 0;
}

/* The token of a response, or the token itself. */
static PKCS7 *parse(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)len);
	PKCS7 *token;

	if (response && at == der + len && TS_RESP_get_token(response)) {
		token = PKCS7_dup(TS_RESP_get_token(response));
		TS_RESP_free(response);
		return token;
	}
	TS_RESP_free(response);
	at = der;
	token = d2i_PKCS7(NULL, &at, (long)len);
	if (token && at == der + len)
		return token;
	PKCS7_free(token);
	return NULL;
}

static bool strong_imprint(TS_TST_INFO *info)
{
	const ASN1_OBJECT *alg;
	int nid;

	X509_ALGOR_get0(&alg, NULL, NULL, TS_MSG_IMPRINT_get_algo(TS_TST_INFO_get_msg_imprint(info)));
	nid = OBJ_obj2nid(alg);
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

static int read_time(TS_TST_INFO *info, uint64_t *ret, struct tconn_error *err)
{
	struct tm tm = { 0 };
	time_t t;

	if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
		return tconn_fail(err, -EBADMSG, "the token's time is malformed");
	t = timegm(&tm);
	if (t < 0)
		return tconn_fail(err, -EBADMSG, "the token's time is out of range");
	*ret = (uint64_t)t;
	return 0;
}

static int verify(PKCS7 *token, const void *data, size_t len, X509_STORE *trust, uint64_t at,
		  struct tconn_error *err)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(trust);
	TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	char why[160] = "out of memory";
	bool good = false;

	if (ctx && bio && X509_STORE_up_ref(trust) == 1) {
		X509_VERIFY_PARAM_set_time(param, (time_t)at);
		TS_VERIFY_CTX_set_store(ctx, trust);	/* the context's, as bio is */
		TS_VERIFY_CTX_set_data(ctx, bio);
		bio = NULL;
		TS_VERIFY_CTX_set_flags(ctx, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA);
		good = TS_RESP_verify_token(ctx, token) == 1;
		if (!good)
			ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
		X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
	}
	BIO_free(bio);
	TS_VERIFY_CTX_free(ctx);
	return good ? 0 : tconn_fail(err, -EKEYREJECTED, "the token is not good: %s", why);
}

static int check(PKCS7 *token, const void *data, size_t len, X509_STORE *trust, uint64_t at,
		 uint64_t *ret_time, struct tconn_error *err)
{
	TS_TST_INFO *info = PKCS7_to_TS_TST_INFO(token);
	uint64_t when = 0;
	int r;

	if (!info)
		return tconn_fail(err, -EBADMSG, "no time-stamp in the token");
	r = strong_imprint(info) ? read_time(info, &when, err) :
	    tconn_fail(err, -EKEYREJECTED, "the token is over another hash than SHA-2");
	TS_TST_INFO_free(info);
	if (!r)
		r = verify(token, data, len, trust, at, err);
	if (!r && when > at)
		r = tconn_fail(err, -EKEYREJECTED, "the token is from the future");
	if (!r)
		*ret_time = when;
	return r;
}

int tconn_stamp_verify(const uint8_t *token, size_t token_len, const void *data, size_t len,
		       struct x509_store_st *trust, uint64_t at, uint64_t *ret_time,
		       struct tconn_error *err)
{
	PKCS7 *parsed;
	int r;

	if (token_len > TOKEN_MAX)
		return tconn_fail(err, -EMSGSIZE, "time-stamp: %zu bytes are over the limit of %d",
				  token_len, TOKEN_MAX);
	if (!trust)
		return tconn_fail(err, -EKEYREJECTED, "time-stamp: no authority is trusted");
	parsed = parse(token, token_len);
	r = parsed ? check(parsed, data, len, trust, at, ret_time, err) :
	    tconn_fail(err, -EBADMSG, "neither a response nor a token in DER");
	PKCS7_free(parsed);
	ERR_clear_error();
	return r ? tconn_fail_in(err, r, "time-stamp") : 0;
}
