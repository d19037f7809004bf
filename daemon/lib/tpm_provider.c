// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL provider "tconn", in this process only: EC P-256 keys whose private
 * half stays in the TPM, and their signatures.
 *
 * It lives in a library context of its own. OpenSSL's default context never
 * hears of it, so certificates, peers' keys, ECDH and digests stay with the
 * default provider by construction; nothing has to be told apart by property
 * queries. Only an EVP_PKEY made by tconn_tpm_pkey() brings its provider along:
 * EVP_DigestSign first tries to move the key to the default provider, which the
 * refusal to export a private half prevents, and then uses the key's own.
 *
 * A key without TPM (a public half moved here for EVP_PKEY_eq() with a
 * certificate's key) compares and exports, but does not sign.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>

#include "tpm.h"
#include "tpm_blob.h"
#include "tpm_signature.h"
#include "tpm_template.h"

#define POINT_BYTES	65	/* uncompressed P-256 */
#define EC_NAMES	"EC:id-ecPublicKey:1.2.840.10045.2.1"
/* Not OpenSSL names: how tconn_tpm_pkey() hands over the TPM. */
#define PARAM_TPM	"tconn-tpm"
#define PARAM_HANDLE	"tconn-handle"

/* What an EVP_PKEY of ours is. */
struct key {
	struct tconn_tpm *tpm;		/* borrowed; NULL: public half only */
	enum tconn_key handle;
	uint8_t point[POINT_BYTES];
	bool has_point;
};

static void *key_new(void *provider)
{
	(void)provider;
	return OPENSSL_zalloc(sizeof(struct key));
}

static void key_free(void *data)
{
	OPENSSL_free(data);
}

static int key_has(const void *data, int selection)
{
	const struct key *key = data;

	if (!key)
		return 0;
	if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY && !key->has_point)
		return 0;
	return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || key->tpm != NULL;
}

/* The private half follows from the public one. */
static int key_match(const void *data1, const void *data2, int selection)
{
	const struct key *key1 = data1, *key2 = data2;

	if (!(selection & OSSL_KEYMGMT_SELECT_KEYPAIR))
		return 1;
	return key1->has_point && key2->has_point && !memcmp(key1->point, key2->point, POINT_BYTES);
}

static int import_point(struct key *key, const OSSL_PARAM *p)
{
	const void *point;
	size_t len;

	if (!OSSL_PARAM_get_octet_string_ptr(p, &point, &len) || len != POINT_BYTES ||
	    *(const uint8_t *)point != POINT_CONVERSION_UNCOMPRESSED)
		return 0;
	memcpy(key->point, point, POINT_BYTES);
	key->has_point = true;
	return 1;
}

static int import_tpm(struct key *key, const OSSL_PARAM *tpm, const OSSL_PARAM *handle)
{
	const void *pointer;
	unsigned int value;
	size_t len;

	if (!OSSL_PARAM_get_octet_string_ptr(tpm, &pointer, &len) || len != sizeof(key->tpm) ||
	    !OSSL_PARAM_get_uint(handle, &value))
		return 0;
	memcpy(&key->tpm, pointer, sizeof(key->tpm));
	key->handle = value;
	return 1;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *group = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
	const OSSL_PARAM *point = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	const OSSL_PARAM *handle = OSSL_PARAM_locate_const(params, PARAM_HANDLE);
	const OSSL_PARAM *tpm = OSSL_PARAM_locate_const(params, PARAM_TPM);
	const char *name;

	(void)selection;
	if (!group || !OSSL_PARAM_get_utf8_string_ptr(group, &name) ||
	    strcmp(name, SN_X9_62_prime256v1))
		return 0;
	if (!point || !import_point(data, point))
		return 0;
	/* Nobody but tconn_tpm_pkey() gives these: other keys get no private half. */
	return !tpm || !handle || import_tpm(data, tpm, handle);
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(PARAM_TPM, NULL, 0),
		OSSL_PARAM_uint(PARAM_HANDLE, NULL),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static const OSSL_PARAM *key_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : types;
}

static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
	struct key *key = data;
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)SN_X9_62_prime256v1,
				       strlen(SN_X9_62_prime256v1)),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key->point, POINT_BYTES),
		OSSL_PARAM_END
	};

	/* "Everything" includes the private half, which does not leave the TPM. */
	if (key->tpm && selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return 0;
	return key->has_point ? callback(params, arg) : 0;
}

static int set_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return !p || OSSL_PARAM_set_int(p, value);
}

static int set_string(OSSL_PARAM params[], const char *name, const char *value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return !p || OSSL_PARAM_set_utf8_string(p, value);
}

static int set_point(OSSL_PARAM params[], const char *name, const struct key *key)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return !p || (key->has_point && OSSL_PARAM_set_octet_string(p, key->point, POINT_BYTES));
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	return set_int(params, OSSL_PKEY_PARAM_BITS, 256) &&
	       set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, 128) &&
	       set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, TCONN_SIGNATURE_MAX) &&
	       set_string(params, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1) &&
	       set_string(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, "SHA256") &&
	       set_point(params, OSSL_PKEY_PARAM_PUB_KEY, data) &&
	       set_point(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, data);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provider;
	return types;
}

static const char *key_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define FN(id, f) { id, (void (*)(void))(f) }

static const OSSL_DISPATCH key_functions[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, key_new),
	FN(OSSL_FUNC_KEYMGMT_FREE, key_free),
	FN(OSSL_FUNC_KEYMGMT_HAS, key_has),
	FN(OSSL_FUNC_KEYMGMT_MATCH, key_match),
	FN(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
	FN(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
	FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation),
	{ 0, NULL }
};

/* One signature being made. */
struct signing {
	const struct key *key;		/* borrowed from the EVP_PKEY */
	EVP_MD_CTX *md;			/* SHA-256 of the default provider */
};

static void *signing_new(void *provider, const char *query)
{
	(void)provider;
	(void)query;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void signing_free(void *data)
{
	struct signing *s = data;

	if (s)
		EVP_MD_CTX_free(s->md);
	OPENSSL_free(s);
}

/* EVP_DigestSignFinal() works on a copy, so that the caller may go on with its own. */
static void *signing_dup(void *data)
{
	const struct signing *from = data;
	struct signing *s = OPENSSL_zalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->key = from->key;
	if (from->md) {
		s->md = EVP_MD_CTX_new();
		if (!s->md || EVP_MD_CTX_copy_ex(s->md, from->md) != 1) {
			signing_free(s);
			return NULL;
		}
	}
	return s;
}

static int signing_init(void *data, void *keydata, const OSSL_PARAM params[])
{
	struct signing *s = data;
	struct key *key = keydata;

	(void)params;
	if (key)
		s->key = key;
	return s->key && s->key->tpm;
}

static int sign_digest(void *data, unsigned char *sig, size_t *ret_len, size_t size,
		       const unsigned char *digest, size_t digest_len)
{
	const struct signing *s = data;
	uint8_t der[TCONN_SIGNATURE_MAX];
	struct tconn_error err;
	size_t len;

	if (!sig) {
		*ret_len = TCONN_SIGNATURE_MAX;
		return 1;
	}
	if (digest_len != 32) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT, "the TPM's key signs SHA-256 digests");
		return 0;
	}
	if (tconn_tpm_sign(s->key->tpm, s->key->handle, digest, der, &len, &err)) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, "%s", err.text);
		return 0;
	}
	if (len > size) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT, "signature buffer too small");
		return 0;
	}
	memcpy(sig, der, len);
	*ret_len = len;
	return 1;
}

static int digest_sign_init(void *data, const char *md_name, void *keydata, const OSSL_PARAM params[])
{
	struct signing *s = data;

	if (!signing_init(data, keydata, params))
		return 0;
	if (md_name && *md_name && OBJ_sn2nid(md_name) != NID_sha256 && strcmp(md_name, "SHA2-256")) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT,
			       "the TPM's key signs SHA-256 digests, not %s", md_name);
		return 0;
	}
	if (!s->md)
		s->md = EVP_MD_CTX_new();
	return s->md && EVP_DigestInit_ex2(s->md, EVP_sha256(), NULL) == 1;
}

static int digest_sign_update(void *data, const unsigned char *in, size_t len)
{
	struct signing *s = data;

	return s->md && EVP_DigestUpdate(s->md, in, len) == 1;
}

static int digest_sign_final(void *data, unsigned char *sig, size_t *ret_len, size_t size)
{
	struct signing *s = data;
	uint8_t digest[32];
	unsigned int len;

	if (!sig) {
		*ret_len = TCONN_SIGNATURE_MAX;
		return 1;
	}
	if (!s->md || EVP_DigestFinal_ex(s->md, digest, &len) != 1)
		return 0;
	return sign_digest(s, sig, ret_len, size, digest, len);
}

static const OSSL_DISPATCH signature_functions[] = {
	FN(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
	FN(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
	FN(OSSL_FUNC_SIGNATURE_DUPCTX, signing_dup),
	FN(OSSL_FUNC_SIGNATURE_SIGN_INIT, signing_init),
	FN(OSSL_FUNC_SIGNATURE_SIGN, sign_digest),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_sign_update),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final),
	{ 0, NULL }
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_store)
{
	static const OSSL_ALGORITHM keys[] = {
		{ EC_NAMES, "provider=tconn", key_functions, "P-256 key in a TPM 2.0" },
		{ NULL, NULL, NULL, NULL }
	};
	static const OSSL_ALGORITHM signatures[] = {
		{ "ECDSA", "provider=tconn", signature_functions, "ECDSA by a TPM 2.0" },
		{ NULL, NULL, NULL, NULL }
	};

	(void)provider;
	*no_store = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keys;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			 const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
		{ 0, NULL }
	};

	(void)in;
	*out = functions;
	*provider = (void *)handle;
	return 1;
}

/* Lives as long as the process: any EVP_PKEY may hold on to it. */
static OSSL_LIB_CTX *library;
static OSSL_PROVIDER *loaded;

static void load_provider(void)
{
	library = OSSL_LIB_CTX_new();
	if (library && OSSL_PROVIDER_add_builtin(library, "tconn", provider_init))
		loaded = OSSL_PROVIDER_load(library, "tconn");
}

static int make_pkey(const struct key *key, EVP_PKEY **ret)
{
	unsigned int handle = key->handle;
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)SN_X9_62_prime256v1,
				       strlen(SN_X9_62_prime256v1)),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)key->point, POINT_BYTES),
		OSSL_PARAM_octet_string(PARAM_TPM, (void *)&key->tpm, sizeof(key->tpm)),
		OSSL_PARAM_uint(PARAM_HANDLE, &handle),
		OSSL_PARAM_END
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(library, "EC", NULL);
	int good = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		   EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_KEYPAIR, params) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static int public_point(const struct tconn_blob *blob, uint8_t ret[POINT_BYTES],
			struct tconn_error *err)
{
	EVP_PKEY *pkey;
	size_t len;
	int r;

	r = tconn_public_to_pkey(blob, &pkey, err);
	if (r)
		return r;
	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, ret, POINT_BYTES, &len) != 1 ||
	    len != POINT_BYTES)
		r = tconn_fail(err, -EIO, "TPM: the key is no P-256 key");
	EVP_PKEY_free(pkey);
	return r;
}

int tconn_tpm_pkey(struct tconn_tpm *tpm, enum tconn_key key, struct evp_pkey_st **ret,
		   struct tconn_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct key new = { .tpm = tpm, .handle = key, .has_point = true };
	struct tconn_blob blob;
	EVP_PKEY *pkey = NULL;
	int r;

	pthread_once(&once, load_provider);
	if (!loaded)
		return tconn_fail(err, -EIO, "OpenSSL refused the TPM provider");
	r = tconn_tpm_key_public(tpm, key, &blob, err);
	if (!r)
		r = public_point(&blob, new.point, err);
	if (r)
		return r;
	if (!make_pkey(&new, &pkey))
		return tconn_fail(err, -EIO, "OpenSSL refused the TPM's %s key", tconn_key_label(key));
	*ret = pkey;
	return 0;
}
