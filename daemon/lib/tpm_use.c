// SPDX-License-Identifier: Apache-2.0
/*
 * How one of our keys is authorised for one use: by its empty password, or, where it is sealed,
 * by a boot state that the owner signed. PolicyPCR lets the TPM compare what booted,
 * PolicyAuthorize puts the owner's word in the place of that comparison's result.
 */
#include "tpm_context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "tpm_template.h"

int tconn_tpm_use_boot_policy(struct tconn_tpm *tpm, const char *path, struct tconn_error *err)
{
	struct tconn_tpm_boot *boot;
	int r;

	if (!path)
		return 0;
	boot = calloc(1, sizeof(*boot));
	if (!boot)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = tconn_boot_policy_load(path, &boot->policy, err);
	if (r) {
		free(boot);
		return r;
	}
	TCONN_TPM_LOCK(tpm);
	free(tpm->boot);
	tpm->boot = boot;
	return 0;
}

/* The first of the signed states that the PCRs are in. */
static int find_state(struct tconn_tpm *tpm, const struct tconn_boot_state **ret,
		      struct tconn_error *err)
{
	const struct tconn_boot_policy *p = &tpm->boot->policy;
	struct tconn_pcrs pcrs;
	uint8_t policy[32];

	for (size_t i = 0; i < p->count; i++) {
		int r = tconn_tpm_read_pcrs(tpm, p->state[i].pcrs, &pcrs, err);

		if (r)
			return r;
		tconn_boot_policy_pcr(&pcrs, policy);
		if (!memcmp(policy, p->state[i].policy, sizeof(policy))) {
			*ret = &p->state[i];
			return 0;
		}
	}
	return tconn_fail(err, -EACCES, "TPM: sealed to the boot state, and this one is none of the %zu that "
			  "the owner signed", p->count);
}

/* What the TPM shall hash: approvedPolicy || policyRef. */
static void signed_digest(const struct tconn_boot_state *s, TPM2B_DIGEST *ret)
{
	const struct tconn_piece piece[] = {
		{ s->policy, sizeof(s->policy) },
		{ TCONN_BOOT_POLICY_REF, strlen(TCONN_BOOT_POLICY_REF) },
	};

	ret->size = 32;
	tconn_sha256_pieces(piece, 2, ret->buffer);
}

static int verify(struct tconn_tpm *tpm, const struct tconn_boot_state *s, ESYS_TR signer,
		  TPMT_TK_VERIFIED *ret, struct tconn_error *err)
{
	TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_RSASSA };
	TPMS_SIGNATURE_RSA *rsa = &signature.signature.rsassa;
	ESYS_FREE TPMT_TK_VERIFIED *ticket = NULL;
	TPM2B_DIGEST digest;
	int r;

	rsa->hash = TPM2_ALG_SHA256;
	rsa->sig.size = TCONN_BOOT_KEY;
	memcpy(rsa->sig.buffer, s->signature, TCONN_BOOT_KEY);
	signed_digest(s, &digest);
	if (Esys_VerifySignature(tpm->esys, signer, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest,
				 &signature, &ticket))
		return tconn_fail(err, -EACCES, "TPM: the boot policy's state is not signed by its signer");
	r = ticket->digest.size ? 0 : tconn_fail(err, -EIO, "TPM: no ticket for a boot state");
	if (!r)
		*ret = *ticket;
	return r;
}

/* Once an opened TPM: finds the state and lets the TPM check the owner's signature. */
int tconn_tpm_check_boot_state(struct tconn_tpm *tpm, struct tconn_error *err)
{
	struct tconn_tpm_boot *boot = tpm->boot;
	const struct tconn_boot_state *state = NULL;
	ESYS_FREE TPM2B_NAME *name = NULL;
	TPM2B_PUBLIC public = { 0 };
	ESYS_TR signer;
	int r;

	if (!boot)
		return tconn_fail(err, -EACCES, "TPM: sealed to the boot state; name the owner's boot "
				  "policy (\"boot_policy\")");
	if (boot->state)
		return 0;
	r = find_state(tpm, &state, err);
	if (r)
		return r;
	tconn_boot_policy_public(boot->policy.signer, &public.publicArea);
	r = tconn_tpm_rc(Esys_LoadExternal(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
					   &public, ESYS_TR_RH_OWNER, &signer),
			 "loading the boot policy's signer", err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_TR_GetName(tpm->esys, signer, &name), "boot policy's signer", err);
	if (!r)
		r = verify(tpm, state, signer, &boot->ticket, err);
	tconn_tpm_flush(tpm, signer);
	if (r)
		return r;
	boot->signer = *name;
	boot->state = state;
	return 0;
}

int tconn_tpm_policy_pcr(struct tconn_tpm *tpm, ESYS_TR session, uint32_t mask,
			 struct tconn_error *err)
{
	const TPM2B_DIGEST current = { 0 };
	TPML_PCR_SELECTION selection;

	tconn_tpm_pcr_selection(mask, &selection);
	return tconn_tpm_rc(Esys_PolicyPCR(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &current, &selection), "PCR policy", err);
}

static int satisfy(struct tconn_tpm *tpm, ESYS_TR session, struct tconn_error *err)
{
	const struct tconn_tpm_boot *boot = tpm->boot;
	TPM2B_NONCE ref = { .size = strlen(TCONN_BOOT_POLICY_REF) };
	TPM2B_DIGEST approved = { .size = 32 };
	int r;

	memcpy(approved.buffer, boot->state->policy, 32);
	memcpy(ref.buffer, TCONN_BOOT_POLICY_REF, ref.size);
	r = tconn_tpm_policy_pcr(tpm, session, boot->state->pcrs, err);
	if (!r && Esys_PolicyAuthorize(tpm->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				       &approved, &ref, &boot->signer, &boot->ticket))
		r = tconn_fail(err, -EACCES, "TPM: the boot state is no longer the one that the owner signed");
	return r;
}

/* For one use: continueSession is clear. */
static int start_session(struct tconn_tpm *tpm, ESYS_TR *ret, struct tconn_error *err)
{
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	ESYS_TR session;
	int r = tconn_tpm_check_boot_state(tpm, err);

	if (!r)
		r = tconn_tpm_rc(Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
						       ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
						       TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
						       &session), "start of a policy session", err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_TRSess_SetAttributes(tpm->esys, session, 0,
						   TPMA_SESSION_CONTINUESESSION),
			 "session attributes", err);
	if (!r)
		r = satisfy(tpm, session, err);
	if (r)
		tconn_tpm_flush(tpm, session);
	else
		*ret = session;
	return r;
}

/* The session ends with a use that succeeds, else here. */
int tconn_tpm_use_sealed(struct tconn_tpm *tpm, ESYS_TR object, tconn_tpm_use_fn fn, void *arg,
			 const char *what, struct tconn_error *err)
{
	TSS2_RC rc = TPM2_RC_PCR_CHANGED;

	for (int i = 0; i < TCONN_POLICY_TRIES && rc == TPM2_RC_PCR_CHANGED; i++) {
		ESYS_TR session;
		int r = start_session(tpm, &session, err);

		if (r)
			return r;
		rc = fn(tpm, object, session, arg);
		if (rc)
			tconn_tpm_flush(tpm, session);
	}
	if ((rc & ~TPM2_RC_N_MASK) == TPM2_RC_POLICY_FAIL)
		return tconn_fail(err, -EACCES, "TPM: sealed to boot states that somebody else signs "
				  "than the boot policy's signer");
	return tconn_tpm_rc(rc, what, err);
}

int tconn_tpm_use_key(struct tconn_tpm *tpm, enum tconn_key key, tconn_tpm_use_fn fn, void *arg,
		      const char *what, struct tconn_error *err)
{
	ESYS_TR handle;
	int r = tconn_tpm_key_handle(tpm, key, &handle, err);

	if (r)
		return r;
	if (tpm->sealed[tconn_key_index(key)])
		return tconn_tpm_use_sealed(tpm, handle, fn, arg, what, err);
	return tconn_tpm_rc(fn(tpm, handle, ESYS_TR_PASSWORD, arg), what, err);
}
