// SPDX-License-Identifier: Apache-2.0
/* Keys of the TAM: making them once, and what each of them does. */
#include "tpm_context.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/crypto.h>

#include "tpm_blob.h"
#include "tpm_ek.h"
#include "tpm_signature.h"
#include "tpm_template.h"

static const TPMT_SIG_SCHEME own_scheme = { .scheme = TPM2_ALG_NULL };

static int check_key(enum tconn_key key, struct tconn_error *err)
{
	if (key != TCONN_KEY_AK && key != TCONN_KEY_TLS && key != TCONN_KEY_DATA)
		return tconn_fail(err, -EINVAL, "TPM: %#x is none of our keys", (unsigned int)key);
	return 0;
}

void tconn_tpm_flush(struct tconn_tpm *tpm, ESYS_TR handle)
{
	if (handle != ESYS_TR_NONE)
		Esys_FlushContext(tpm->esys, handle);
}

int tconn_tpm_session(struct tconn_tpm *tpm, ESYS_TR salt_key, TPM2_SE type, ESYS_TR *ret,
		      struct tconn_error *err)
{
	const TPMA_SESSION flags = TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT |
				   TPMA_SESSION_CONTINUESESSION;
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};
	ESYS_TR session;
	int r;

	r = tconn_tpm_rc(Esys_StartAuthSession(tpm->esys, salt_key, ESYS_TR_NONE, ESYS_TR_NONE,
					       ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
					       TPM2_ALG_SHA256, &session), "start of a session", err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_TRSess_SetAttributes(tpm->esys, session, flags, 0xff),
			 "session attributes", err);
	if (r) {
		tconn_tpm_flush(tpm, session);
		return r;
	}
	*ret = session;
	return 0;
}

static int read_public(struct tconn_tpm *tpm, ESYS_TR handle, TPMT_PUBLIC *ret,
		       struct tconn_error *err)
{
	ESYS_FREE TPM2B_NAME *qualified = NULL;
	ESYS_FREE TPM2B_PUBLIC *public = NULL;
	ESYS_FREE TPM2B_NAME *name = NULL;
	int r;

	r = tconn_tpm_rc(Esys_ReadPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &public, &name, &qualified), "public key", err);
	if (!r)
		*ret = public->publicArea;
	return r;
}

int tconn_tpm_create_primary(struct tconn_tpm *tpm, ESYS_TR hierarchy, const TPMT_PUBLIC *template,
			     ESYS_TR *ret, struct tconn_error *err)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	const TPM2B_DATA outside = { 0 };
	const TPM2B_PUBLIC in = { .publicArea = *template };
	ESYS_FREE TPM2B_CREATION_DATA *creation = NULL;
	ESYS_FREE TPMT_TK_CREATION *ticket = NULL;
	ESYS_FREE TPM2B_PUBLIC *out = NULL;
	ESYS_FREE TPM2B_DIGEST *hash = NULL;

	return tconn_tpm_rc(Esys_CreatePrimary(tpm->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					       ESYS_TR_NONE, &sensitive, &in, &outside, &no_pcrs,
					       ret, &out, &creation, &hash, &ticket),
			    "making a key", err);
}

static int open_handle(struct tconn_tpm *tpm, TPM2_HANDLE handle, ESYS_TR *ret,
		       struct tconn_error *err)
{
	return tconn_tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
						  ESYS_TR_NONE, ret), "opening a key", err);
}

int tconn_tpm_ek_kind(struct tconn_tpm *tpm, const struct tconn_ek_kind **ret,
		      struct tconn_error *err)
{
	const struct tconn_ek_kind *kind;
	ESYS_TR nv;
	int r;

	for (size_t i = 0; !tpm->ek; i++) {
		kind = tconn_ek_kind(i);
		if (!kind)
			break;
		r = open_handle(tpm, kind->certificate, &nv, err);
		if (r && r != -ENOENT)
			return r;
		if (r)
			continue;
		Esys_TR_Close(tpm->esys, &nv);
		tpm->ek = kind;
	}
	*ret = tpm->ek ? tpm->ek : tconn_ek_kind(0);
	return 0;
}

/* The provisioned EK if it is the template's, else one made for the moment: the
 * same key, since a primary follows from seed and template.
 */
int tconn_tpm_ek_handle(struct tconn_tpm *tpm, ESYS_TR *ret, bool *ret_transient,
			struct tconn_error *err)
{
	const struct tconn_ek_kind *kind;
	TPMT_PUBLIC public;
	ESYS_TR handle;
	int r;

	r = tconn_tpm_ek_kind(tpm, &kind, err);
	if (r)
		return r;
	r = open_handle(tpm, kind->key, &handle, err);
	if (!r) {
		r = read_public(tpm, handle, &public, err);
		if (!r && tconn_ek_kind_of(&public) == kind) {
			*ret = handle;
			*ret_transient = false;
			return 0;
		}
		Esys_TR_Close(tpm->esys, &handle);
	} else if (r != -ENOENT) {
		return r;
	}
	tconn_ek_template(kind, &public);
	r = tconn_tpm_create_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &public, &handle, err);
	if (r)
		return tconn_fail_in(err, r, "EK");
	*ret = handle;
	*ret_transient = true;
	return 0;
}

static void close_ek(struct tconn_tpm *tpm, ESYS_TR ek, bool transient)
{
	if (transient)
		tconn_tpm_flush(tpm, ek);
	else
		Esys_TR_Close(tpm->esys, &ek);
}

int tconn_tpm_ek_public(struct tconn_tpm *tpm, struct tconn_blob *ret, struct tconn_error *err)
{
	TPMT_PUBLIC public;
	bool transient;
	ESYS_TR ek;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_ek_handle(tpm, &ek, &transient, err);
	if (r)
		return r;
	r = read_public(tpm, ek, &public, err);
	close_ek(tpm, ek, transient);
	return r ? r : tconn_blob_pack_public(&public, ret, err);
}

static int open_key(struct tconn_tpm *tpm, enum tconn_key key, ESYS_TR *ret,
		    struct tconn_error *err)
{
	TPMT_PUBLIC public;
	ESYS_TR handle;
	int r = open_handle(tpm, key, &handle, err);

	if (r == -ENOENT)
		return tconn_fail(err, r, "TPM: no %s key at %#x; enrol this machine first",
				  tconn_key_label(key), (unsigned int)key);
	if (!r)
		r = read_public(tpm, handle, &public, err);
	if (r)
		return r;
	tpm->sealed[tconn_key_index(key)] = !(public.objectAttributes & TPMA_OBJECT_USERWITHAUTH);
	*ret = handle;
	return 0;
}

int tconn_tpm_key_handle(struct tconn_tpm *tpm, enum tconn_key key, ESYS_TR *ret,
			 struct tconn_error *err)
{
	ESYS_TR *cached;
	int r = check_key(key, err);

	if (r)
		return r;
	cached = &tpm->key[tconn_key_index(key)];
	if (*cached == ESYS_TR_NONE)
		r = open_key(tpm, key, cached, err);
	if (!r)
		*ret = *cached;
	return r;
}

/* Owner hierarchy: a primary made again after somebody evicted it is the same key. */
static int make_persistent(struct tconn_tpm *tpm, enum tconn_key key, const TPMT_PUBLIC *template,
			   struct tconn_error *err)
{
	ESYS_TR transient, persistent;
	int r;

	r = tconn_tpm_create_primary(tpm, ESYS_TR_RH_OWNER, template, &transient, err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, transient, ESYS_TR_PASSWORD,
					   ESYS_TR_NONE, ESYS_TR_NONE, key, &persistent),
			 "making a key persistent", err);
	tconn_tpm_flush(tpm, transient);
	if (!r)
		Esys_TR_Close(tpm->esys, &persistent);
	return r;
}

/* authPolicy of our keys; *ret_policy is NULL where they are not sealed. */
static int key_policy(struct tconn_tpm *tpm, uint8_t buf[32], const uint8_t **ret_policy,
		      struct tconn_error *err)
{
	*ret_policy = tpm->boot ? buf : NULL;
	return tpm->boot ? tconn_boot_policy_authorize(tpm->boot->policy.signer, buf, err) : 0;
}

static int make_key(struct tconn_tpm *tpm, enum tconn_key key, struct tconn_error *err)
{
	TPMT_PUBLIC public, template;
	const uint8_t *policy;
	uint8_t digest[32];
	ESYS_TR handle;
	int r = key_policy(tpm, digest, &policy, err);

	if (r)
		return r;
	tconn_template_key(key, policy, &template);
	r = tconn_tpm_key_handle(tpm, key, &handle, err);
	if (r == -ENOENT)
		r = make_persistent(tpm, key, &template, err);
	if (!r)
		r = tconn_tpm_key_handle(tpm, key, &handle, err);
	if (!r)
		r = read_public(tpm, handle, &public, err);
	if (!r && !tconn_template_is_key(key, policy, &public))
		r = tconn_fail(err, -EEXIST, "TPM: handle %#x holds another kind of key; "
			       "evict it if nothing else uses it", (unsigned int)key);
	return r ? tconn_fail_in(err, r, tconn_key_label(key)) : 0;
}

int tconn_tpm_make_keys(struct tconn_tpm *tpm, struct tconn_error *err)
{
	static const enum tconn_key keys[] = { TCONN_KEY_AK, TCONN_KEY_TLS, TCONN_KEY_DATA };
	int r = 0;

	TCONN_TPM_LOCK(tpm);
	for (size_t i = 0; i < TCONN_KEY_COUNT && !r; i++)
		r = make_key(tpm, keys[i], err);
	return r;
}

int tconn_tpm_key_public(struct tconn_tpm *tpm, enum tconn_key key, struct tconn_blob *ret,
			 struct tconn_error *err)
{
	struct tconn_blob *known;
	TPMT_PUBLIC public;
	ESYS_TR handle;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_key_handle(tpm, key, &handle, err);
	if (r)
		return r;
	known = &tpm->public[tconn_key_index(key)];
	if (!known->len) {
		r = read_public(tpm, handle, &public, err);
		if (!r)
			r = tconn_blob_pack_public(&public, known, err);
	}
	if (!r)
		*ret = *known;
	return r;
}

struct signing {
	TPM2B_DIGEST digest;
	TPMT_SIGNATURE *signature;
};

static TSS2_RC use_to_sign(struct tconn_tpm *tpm, ESYS_TR key, ESYS_TR session, void *arg)
{
	const TPMT_TK_HASHCHECK no_ticket = { .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL };
	struct signing *s = arg;

	return Esys_Sign(tpm->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &s->digest, &own_scheme,
			 &no_ticket, &s->signature);
}

int tconn_tpm_sign(struct tconn_tpm *tpm, enum tconn_key key, const uint8_t digest[32],
		   uint8_t ret[72], size_t *ret_len, struct tconn_error *err)
{
	ESYS_FREE TPMT_SIGNATURE *signature = NULL;
	struct signing s = { .digest.size = 32 };
	int r;

	if (key == TCONN_KEY_AK)
		return tconn_fail(err, -EPERM, "TPM: the AK signs quotes and certifies keys, nothing else");
	memcpy(s.digest.buffer, digest, 32);
	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_use_key(tpm, key, use_to_sign, &s, "signature", err);
	signature = s.signature;
	return r ? r : tconn_signature_der(signature, ret, ret_len, err);
}

int tconn_tpm_try_key(struct tconn_tpm *tpm, enum tconn_key key, struct tconn_error *err)
{
	static const uint8_t nothing[32];
	uint8_t signature[72];
	size_t len;

	return tconn_tpm_sign(tpm, key, nothing, signature, &len, err);
}

struct certifying {
	ESYS_TR object;
	TPM2B_DATA qualifying;
	TPM2B_ATTEST *attest;
	TPMT_SIGNATURE *signature;
};

/* The object's own role in this is ADMIN, which its empty password authorises. */
static TSS2_RC use_to_certify(struct tconn_tpm *tpm, ESYS_TR ak, ESYS_TR session, void *arg)
{
	struct certifying *c = arg;

	return Esys_Certify(tpm->esys, c->object, ak, ESYS_TR_PASSWORD, session, ESYS_TR_NONE,
			    &c->qualifying, &own_scheme, &c->attest, &c->signature);
}

int tconn_tpm_certify(struct tconn_tpm *tpm, enum tconn_key key, const uint8_t qualifying[32],
		      struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		      struct tconn_error *err)
{
	ESYS_FREE TPMT_SIGNATURE *signature = NULL;
	ESYS_FREE TPM2B_ATTEST *attest = NULL;
	struct certifying c = { .qualifying.size = 32 };
	struct tconn_blob packed;
	int r;

	memcpy(c.qualifying.buffer, qualifying, 32);
	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_key_handle(tpm, key, &c.object, err);
	if (!r)
		r = tconn_tpm_use_key(tpm, TCONN_KEY_AK, use_to_certify, &c, "certifying a key", err);
	attest = c.attest;
	signature = c.signature;
	if (!r)
		r = tconn_blob_pack_signature(signature, &packed, err);
	if (!r)
		r = tconn_blob_set(attest->attestationData, attest->size, ret_attest, err);
	if (!r)
		*ret_signature = packed;
	return r;
}

/* The EK's password, which is empty, where its template lets that do; here no secret travels
 * but the credential, in a session of its own.
 */
static int ek_password(struct tconn_tpm *tpm, ESYS_TR ek, ESYS_TR *ret, struct tconn_error *err)
{
	return tconn_tpm_session(tpm, ek, TPM2_SE_HMAC, ret, err);
}

/* The EK's policy: PolicySecret(endorsement). The session is salted to the EK,
 * so the credential comes back encrypted for whoever holds the salt: us.
 */
static int ek_session(struct tconn_tpm *tpm, ESYS_TR ek, ESYS_TR *ret, struct tconn_error *err)
{
	ESYS_FREE TPM2B_TIMEOUT *timeout = NULL;
	ESYS_FREE TPMT_TK_AUTH *ticket = NULL;
	ESYS_TR session;
	int r;

	r = tconn_tpm_session(tpm, ek, TPM2_SE_POLICY, &session, err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, session,
					   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL,
					   NULL, 0, &timeout, &ticket), "EK policy", err);
	if (r) {
		tconn_tpm_flush(tpm, session);
		return r;
	}
	*ret = session;
	return 0;
}

static int activate(struct tconn_tpm *tpm, ESYS_TR ek, const TPM2B_ID_OBJECT *object,
		    const TPM2B_ENCRYPTED_SECRET *secret, uint8_t ret[32], struct tconn_error *err)
{
	const struct tconn_ek_kind *kind;
	TPM2B_DIGEST *credential = NULL;
	ESYS_TR ak, session;
	int r;

	r = tconn_tpm_key_handle(tpm, TCONN_KEY_AK, &ak, err);
	if (!r)
		r = tconn_tpm_ek_kind(tpm, &kind, err);
	if (!r)
		r = kind->high ? ek_password(tpm, ek, &session, err) : ek_session(tpm, ek, &session, err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_ActivateCredential(tpm->esys, ak, ek, ESYS_TR_PASSWORD, session,
						 ESYS_TR_NONE, object, secret, &credential),
			 "activating the credential", err);
	tconn_tpm_flush(tpm, session);
	if (r)
		return r;
	if (credential->size == 32)
		memcpy(ret, credential->buffer, 32);
	else
		r = tconn_fail(err, -EBADMSG, "TPM: the credential has %u bytes, not 32",
			       credential->size);
	OPENSSL_cleanse(credential, sizeof(*credential));
	Esys_Free(credential);
	return r;
}

int tconn_tpm_activate(struct tconn_tpm *tpm, const struct tconn_blob *credential,
		       const struct tconn_blob *secret, uint8_t ret[32], struct tconn_error *err)
{
	TPM2B_ENCRYPTED_SECRET seed;
	TPM2B_ID_OBJECT object;
	bool transient;
	ESYS_TR ek;
	int r;

	r = tconn_blob_unpack_id_object(credential, &object, err);
	if (!r)
		r = tconn_blob_unpack_secret(secret, &seed, err);
	if (r)
		return r;
	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_ek_handle(tpm, &ek, &transient, err);
	if (r)
		return r;
	r = activate(tpm, ek, &object, &seed, ret, err);
	close_ek(tpm, ek, transient);
	return r;
}
