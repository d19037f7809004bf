// SPDX-License-Identifier: Apache-2.0
/*
 * An issuer's credential, as a simulated TPM opens it: length of the first blob (2, big-endian),
 * then TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. The EK is always the same one, so that the
 * corpus has credentials that open; nothing else may, and then the credential is theirs.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t name[34] = { 0x00, 0x0b, 1, 2, 3 };
static const uint8_t credential[32] = "the credential in the corpus";

/* The private half is 1, so that the public one is the curve's generator. */
static EVP_PKEY *make_ek(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params;
	EVP_PKEY *ek = NULL;
	uint8_t point[65];

	if (EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED,
			       point, sizeof(point), NULL) != sizeof(point))
		abort();
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, BN_value_one());
	params = OSSL_PARAM_BLD_to_param(build);
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &ek, EVP_PKEY_KEYPAIR, params) != 1)
		abort();
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EC_GROUP_free(group);
	EVP_PKEY_CTX_free(ctx);
	return ek;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[32];
	static EVP_PKEY *ek;
	struct tconn_blob object, secret;
	uint8_t ret[32] = { 0 };
	size_t len;
	bool opened;

	if (!ek)
		ek = make_ek();
	if (size < 2 || size - 2 > TCONN_TPM_BUF)
		return 0;
	len = (size_t)data[0] << 8 | data[1];
	if (len > size - 2)
		return 0;
	object.len = (uint16_t)len;
	memcpy(object.data, data + 2, len);
	secret.len = (uint16_t)(size - 2 - len);
	memcpy(secret.data, data + 2 + len, secret.len);
	opened = !tconn_open_credential(ek, name, &object, &secret, ret, NULL);
	if (memcmp(ret, opened ? credential : nothing, 32) != 0)
		abort();
	return 0;
}
