// SPDX-License-Identifier: Apache-2.0
#include "boot_seal.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "boot_policy.h"
#include "pcr.h"
#include "tpm_blob.h"
#include "tpm_context.h"
#include "tpm_template.h"

#define VERSION		1

struct header {
	uint8_t magic[4];
	uint16_t version;
	uint16_t public_len, private_len;
	uint16_t reserved;
	uint32_t pcrs;
	uint8_t parent[32];
};
_Static_assert(sizeof(struct header) == 48, "boot_seal.h says 48 bytes");

/* No userWithAuth: the policy is the only way. */
static void sealed_template(const uint8_t policy[32], TPMT_PUBLIC *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = TPM2_ALG_KEYEDHASH;
	ret->nameAlg = TPM2_ALG_SHA256;
	ret->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA;
	ret->authPolicy.size = 32;
	memcpy(ret->authPolicy.buffer, policy, 32);
	ret->parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
}

/* -- the file */

static const char *header_fault(const struct header *h, size_t len)
{
	if (memcmp(h->magic, "TCSL", 4) != 0)
		return "it does not start with TCSL";
	if (le16toh(h->version) != VERSION)
		return "it is of another version than 1";
	if (h->reserved)
		return "a reserved field is set";
	if (h->pcrs && le32toh(h->pcrs) != TCONN_SEAL_PCRS)
		return "it is sealed to other PCRs than this program seals to";
	if (sizeof(*h) + le16toh(h->public_len) + le16toh(h->private_len) != len)
		return "it is not as long as it says";
	if (le16toh(h->private_len) > sizeof(((TPM2B_PRIVATE *)0)->buffer))
		return "its private area is too long";
	return NULL;
}

/* What this program seals has this form and no other. */
static int check_public(const TPMT_PUBLIC *public, struct tconn_error *err)
{
	struct tconn_blob is, wanted;
	TPMT_PUBLIC form;

	if (public->authPolicy.size != 32 || public->unique.keyedHash.size != 32)
		return tconn_fail(err, -EBADMSG, "its public area has no SHA-256 policy and name");
	sealed_template(public->authPolicy.buffer, &form);
	form.unique.keyedHash = public->unique.keyedHash;
	if (tconn_blob_pack_public(public, &is, err) || tconn_blob_pack_public(&form, &wanted, err))
		return -EBADMSG;
	if (is.len != wanted.len || memcmp(is.data, wanted.data, is.len) != 0)
		return tconn_fail(err, -EBADMSG, "its public area is not as this program makes it");
	return 0;
}

int tconn_sealed_parse(const void *file, size_t len, struct tconn_sealed *ret,
		       struct tconn_error *err)
{
	const uint8_t *p = (const uint8_t *)file + sizeof(struct header);
	struct tconn_sealed s = { 0 };
	struct tconn_blob public;
	const char *fault = NULL;
	struct header h;
	int r;

	if (len > TCONN_SEAL_FILE_MAX || len < sizeof(h))
		return tconn_fail(err, -EBADMSG, "not a sealed file: %zu bytes are too %s", len,
				  len < sizeof(h) ? "few" : "many");
	memcpy(&h, file, sizeof(h));
	fault = header_fault(&h, len);
	if (fault)
		return tconn_fail(err, -EBADMSG, "not a sealed file: %s", fault);
	s.to_signed_states = !h.pcrs;
	memcpy(s.parent, h.parent, sizeof(s.parent));
	r = tconn_blob_set(p, le16toh(h.public_len), &public, err);
	if (r == 0)
		r = tconn_blob_unpack_public(&public, &s.public.publicArea, err);
	if (r == 0)
		r = check_public(&s.public.publicArea, err);
	if (r < 0)
		return tconn_fail_in(err, -EBADMSG, "not a sealed file");
	s.private.size = le16toh(h.private_len);
	memcpy(s.private.buffer, p + public.len, s.private.size);
	*ret = s;
	return 0;
}

static int write_file(const struct tconn_sealed *s, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct header h = { .magic = "TCSL", .version = htole16(VERSION),
			    .pcrs = htole32(s->to_signed_states ? 0 : TCONN_SEAL_PCRS) };
	struct tconn_blob public;
	int r = tconn_blob_pack_public(&s->public.publicArea, &public, err);
	size_t len = sizeof(h) + public.len + s->private.size;
	uint8_t *p;

	if (r < 0)
		return r;
	if (len > TCONN_SEAL_FILE_MAX)
		return tconn_fail(err, -EMSGSIZE, "a sealed file of %zu bytes is too large", len);
	p = malloc(len);
	if (!p)
		return tconn_fail(err, -ENOMEM, "out of memory");
	h.public_len = htole16(public.len);
	h.private_len = htole16(s->private.size);
	memcpy(h.parent, s->parent, sizeof(h.parent));
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), public.data, public.len);
	memcpy(p + sizeof(h) + public.len, s->private.buffer, s->private.size);
	ret->data = p;
	ret->len = len;
	return 0;
}

/* -- the TPM */

/* Lock held. PolicyPCR is made here, of values that were read: a TPM without this bank would leave
 * the PCRs out, and open to anybody.
 */
static int policy_now(struct tconn_tpm *tpm, uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_pcrs pcrs;
	int r;

	if (tpm->boot) {
		r = tconn_tpm_check_boot_state(tpm, err);
		return r < 0 ? r : tconn_boot_policy_authorize(tpm->boot->policy.signer, ret, err);
	}
	r = tconn_tpm_read_pcrs(tpm, TCONN_SEAL_PCRS, &pcrs, err);
	if (r == 0)
		tconn_boot_policy_pcr(&pcrs, ret);
	return r;
}

bool tconn_seal_is_current(const struct tconn_tpm *tpm, const void *file, size_t len)
{
	struct tconn_sealed s;

	return tconn_sealed_parse(file, len, &s, NULL) == 0 && s.to_signed_states == (tpm->boot != NULL);
}

struct place {
	struct tconn_tpm *tpm;
	ESYS_TR parent, object;
	uint8_t name[32];	/* the parent's, without its algorithm */
};

static void leave(struct place *p)
{
	tconn_tpm_flush(p->tpm, p->object);
	tconn_tpm_flush(p->tpm, p->parent);
}

/* Lock held, to leave() at the end of the block. */
static int enter(struct tconn_tpm *tpm, struct place *ret, struct tconn_error *err)
{
	ESYS_FREE TPM2B_NAME *name = NULL;
	TPMT_PUBLIC template;
	int r;

	*ret = (struct place){ .tpm = tpm, .parent = ESYS_TR_NONE, .object = ESYS_TR_NONE };
	tconn_template_storage(&template);
	r = tconn_tpm_create_primary(tpm, ESYS_TR_RH_OWNER, &template, &ret->parent, err);
	if (r == 0)
		r = tconn_tpm_rc(Esys_TR_GetName(tpm->esys, ret->parent, &name), "storage key", err);
	if (r == 0 && name->size != 2 + sizeof(ret->name))
		r = tconn_fail(err, -EIO, "TPM: storage key: no SHA-256 name");
	if (r == 0)
		memcpy(ret->name, name->name + 2, sizeof(ret->name));
	return r;
}

static int create(const struct place *p, const TPM2B_SENSITIVE_CREATE *secret,
		  const TPM2B_PUBLIC *template, struct tconn_sealed *ret, struct tconn_error *err)
{
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	const TPM2B_DATA outside = { 0 };
	ESYS_FREE TPM2B_CREATION_DATA *creation = NULL;
	ESYS_FREE TPMT_TK_CREATION *ticket = NULL;
	ESYS_FREE TPM2B_PRIVATE *private = NULL;
	ESYS_FREE TPM2B_PUBLIC *public = NULL;
	ESYS_FREE TPM2B_DIGEST *hash = NULL;
	ESYS_TR session;
	int r = tconn_tpm_session(p->tpm, p->parent, TPM2_SE_HMAC, &session, err);

	if (r < 0)
		return r;
	r = tconn_tpm_rc(Esys_Create(p->tpm->esys, p->parent, session, ESYS_TR_NONE, ESYS_TR_NONE,
				     secret, template, &outside, &no_pcrs, &private, &public,
				     &creation, &hash, &ticket), "sealing", err);
	tconn_tpm_flush(p->tpm, session);
	if (r < 0)
		return r;
	ret->to_signed_states = p->tpm->boot != NULL;
	ret->public = *public;
	ret->private = *private;
	memcpy(ret->parent, p->name, sizeof(ret->parent));
	return 0;
}

int tconn_seal(struct tconn_tpm *tpm, const void *secret, size_t len, struct tconn_bytes *ret,
	       struct tconn_error *err)
{
	TPM2B_SENSITIVE_CREATE in = { 0 };
	TPM2B_PUBLIC template = { 0 };
	struct tconn_sealed sealed;
	uint8_t policy[32];
	int r;

	if (len == 0 || len > TCONN_SEAL_MAX)
		return tconn_fail(err, -EINVAL, "%zu bytes cannot be sealed", len);
	TCONN_TPM_LOCK(tpm);
	r = policy_now(tpm, policy, err);
	if (r < 0)
		return r;
	sealed_template(policy, &template.publicArea);
	__attribute__((cleanup(leave))) struct place place;
	r = enter(tpm, &place, err);
	if (r < 0)
		return r;
	in.sensitive.data.size = (UINT16)len;
	memcpy(in.sensitive.data.buffer, secret, len);
	r = create(&place, &in, &template, &sealed, err);
	OPENSSL_cleanse(&in, sizeof(in));
	return r < 0 ? r : write_file(&sealed, ret, err);
}

static int load(struct place *p, const struct tconn_sealed *s, struct tconn_error *err)
{
	ESYS_TR session;
	int r;

	if (memcmp(s->parent, p->name, sizeof(p->name)) != 0)
		return tconn_fail(err, -EXDEV, "sealed by another TPM, or by this one before it was cleared");
	r = tconn_tpm_session(p->tpm, p->parent, TPM2_SE_HMAC, &session, err);
	if (r < 0)
		return r;
	r = tconn_tpm_rc(Esys_Load(p->tpm->esys, p->parent, session, ESYS_TR_NONE, ESYS_TR_NONE,
				   &s->private, &s->public, &p->object), "opening what was sealed", err);
	tconn_tpm_flush(p->tpm, session);
	return r == -EKEYREJECTED ? tconn_fail(err, -EBADMSG, "what was sealed has been altered") : r;
}

struct signed_use {
	ESYS_TR parent;
	TPM2B_SENSITIVE_DATA *ret;
};

/* The policy's session authorises, one salted beside it keeps what comes out from the bus. */
static TSS2_RC unseal_use(struct tconn_tpm *tpm, ESYS_TR object, ESYS_TR policy, void *arg)
{
	struct signed_use *use = arg;
	ESYS_TR session;
	TSS2_RC rc;

	if (tconn_tpm_session(tpm, use->parent, TPM2_SE_HMAC, &session, NULL))
		return TSS2_BASE_RC_GENERAL_FAILURE;
	rc = Esys_Unseal(tpm->esys, object, policy, session, ESYS_TR_NONE, &use->ret);
	tconn_tpm_flush(tpm, session);
	return rc;
}

static int unseal_signed(const struct place *p, TPM2B_SENSITIVE_DATA **ret, struct tconn_error *err)
{
	struct signed_use use = { .parent = p->parent };
	int r = tconn_tpm_use_sealed(p->tpm, p->object, unseal_use, &use, "unsealing", err);

	*ret = use.ret;
	return r;
}

/* *ret_again: a PCR, any, was extended between the two commands. */
static int unseal_once(const struct place *p, TPM2B_SENSITIVE_DATA **ret, bool *ret_again,
		       struct tconn_error *err)
{
	ESYS_TR session;
	TSS2_RC rc;
	int r = tconn_tpm_session(p->tpm, p->parent, TPM2_SE_POLICY, &session, err);

	if (r < 0)
		return r;
	r = tconn_tpm_policy_pcr(p->tpm, session, TCONN_SEAL_PCRS, err);
	if (r == 0) {
		rc = Esys_Unseal(p->tpm->esys, p->object, session, ESYS_TR_NONE, ESYS_TR_NONE, ret);
		r = tconn_tpm_rc(rc, "unsealing", err);
		*ret_again = rc == TPM2_RC_PCR_CHANGED;
	}
	tconn_tpm_flush(p->tpm, session);
	return r;
}

static int unseal_literal(const struct place *p, TPM2B_SENSITIVE_DATA **ret, struct tconn_error *err)
{
	bool again = true;
	int r = 0;

	for (int i = 0; i < TCONN_POLICY_TRIES && again; i++) {
		again = false;
		r = unseal_once(p, ret, &again, err);
	}
	return r == -EACCES ? tconn_fail(err, r, "the boot state is another") : r;
}

static int unseal(const struct place *p, bool to_signed_states, uint8_t ret[TCONN_SEAL_MAX],
		  size_t *ret_len, struct tconn_error *err)
{
	TPM2B_SENSITIVE_DATA *out = NULL;
	int r = to_signed_states ? unseal_signed(p, &out, err) : unseal_literal(p, &out, err);

	if (r < 0)
		return r;
	if (out->size == 0 || out->size > TCONN_SEAL_MAX) {
		r = tconn_fail(err, -EBADMSG, "what was sealed has %u bytes", out->size);
	} else {
		memcpy(ret, out->buffer, out->size);
		*ret_len = out->size;
	}
	OPENSSL_cleanse(out, sizeof(*out));
	Esys_Free(out);
	return r;
}

int tconn_unseal(struct tconn_tpm *tpm, const void *file, size_t len, uint8_t ret[TCONN_SEAL_MAX],
		 size_t *ret_len, struct tconn_error *err)
{
	struct tconn_sealed sealed;
	int r = tconn_sealed_parse(file, len, &sealed, err);

	if (r < 0)
		return r;
	TCONN_TPM_LOCK(tpm);
	__attribute__((cleanup(leave))) struct place place;
	r = enter(tpm, &place, err);
	if (r == 0)
		r = load(&place, &sealed, err);
	return r < 0 ? r : unseal(&place, sealed.to_signed_states, ret, ret_len, err);
}
