/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tpm.c and tpm_keys.c share: one ESAPI context, its lock, and how its
 * return codes become errors. Nobody else includes this.
 */
#ifndef TCONN_TPM_CONTEXT_H
#define TCONN_TPM_CONTEXT_H

#include <pthread.h>
#include <stdbool.h>
#include <tss2/tss2_esys.h>
#include "boot_policy.h"
#include "tpm.h"

#define TCONN_KEY_COUNT	3

/* How sealed keys are used (tpm_use.c): what the owner allows, and which of it this boot is. */
struct tconn_tpm_boot {
	struct tconn_boot_policy policy;
	const struct tconn_boot_state *state;	/* NULL until first used */
	TPM2B_NAME signer;
	TPMT_TK_VERIFIED ticket;		/* the TPM's word that the signer signed the state */
};

struct tconn_tpm {
	pthread_mutex_t lock;		/* everything below */
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	const struct tconn_ek_kind *ek;	/* the one it has a certificate for; NULL: not looked yet */
	ESYS_TR key[TCONN_KEY_COUNT];	/* by key_index(); ESYS_TR_NONE until first used, so that
					 * a signature is one TPM command
					 */
	struct tconn_blob public[TCONN_KEY_COUNT];	/* likewise; len 0 until first asked for */
	bool sealed[TCONN_KEY_COUNT];	/* valid where key[] is: usable by its policy alone */
	struct tconn_tpm_boot *boot;	/* NULL: keys are not sealed */
	struct tconn_pcrs quoted;	/* as the last quote had them; mask 0 before */
};

static inline void tconn_tpm_unlock(struct tconn_tpm **tpm)
{
	pthread_mutex_unlock(&(*tpm)->lock);
}

/* Held to the end of the block. */
#define TCONN_TPM_LOCK(tpm)								\
	struct tconn_tpm *locked __attribute__((cleanup(tconn_tpm_unlock), unused)) = (tpm); \
	pthread_mutex_lock(&(tpm)->lock)

/* For what ESAPI allocates. */
static inline void tconn_esys_freep(void *p)
{
	Esys_Free(*(void **)p);
}
#define ESYS_FREE __attribute__((cleanup(tconn_esys_freep)))

/* 0 for success; else fills err with "what: reason" and returns -EACCES (authorisation),
 * -ENOENT (handle), -EAGAIN (TPM busy), -ENODEV (no answer) or -EIO.
 */
int tconn_tpm_rc(TSS2_RC rc, const char *what, struct tconn_error *err);

/* Lock held. Makes a session salted to salt_key, AES-128-CFB both ways. type as in
 * TPM2_StartAuthSession. The caller flushes it.
 */
int tconn_tpm_session(struct tconn_tpm *tpm, ESYS_TR salt_key, TPM2_SE type, ESYS_TR *ret,
		      struct tconn_error *err);
/* Lock held; accepts ESYS_TR_NONE. A resource manager flushes for us at the end,
 * a raw TPM never does.
 */
void tconn_tpm_flush(struct tconn_tpm *tpm, ESYS_TR handle);

/* Lock held. The caller flushes it. A primary follows from seed and template: always the same. */
int tconn_tpm_create_primary(struct tconn_tpm *tpm, ESYS_TR hierarchy, const TPMT_PUBLIC *template,
			     ESYS_TR *ret, struct tconn_error *err);

/* Lock held. */
int tconn_tpm_read_pcrs(struct tconn_tpm *tpm, uint32_t mask, struct tconn_pcrs *ret,
			struct tconn_error *err);
/* Of the sha256 bank; bit n of mask is PCR n. */
void tconn_tpm_pcr_selection(uint32_t mask, TPML_PCR_SELECTION *ret);

/* Lock held. Lets the TPM compare these PCRs in a policy session. Any PCR that is extended between
 * this and the session's use ends it with TPM2_RC_PCR_CHANGED; TCONN_POLICY_TRIES will do then.
 */
#define TCONN_POLICY_TRIES	16
int tconn_tpm_policy_pcr(struct tconn_tpm *tpm, ESYS_TR session, uint32_t mask,
			 struct tconn_error *err);

/* Lock held. Calls fn with the key and a session that authorises one use of it. fn is called
 * again where a PCR, any, was extended before the TPM came to it, and has filled arg
 * in the last call alone. -EACCES: the key is sealed, and this boot state is not signed.
 */
typedef TSS2_RC (*tconn_tpm_use_fn)(struct tconn_tpm *tpm, ESYS_TR key, ESYS_TR session, void *arg);
int tconn_tpm_use_key(struct tconn_tpm *tpm, enum tconn_key key, tconn_tpm_use_fn fn, void *arg,
		      const char *what, struct tconn_error *err);
/* Lock held. The same for any object that is sealed to the owner's signed boot states. */
int tconn_tpm_use_sealed(struct tconn_tpm *tpm, ESYS_TR object, tconn_tpm_use_fn fn, void *arg,
			 const char *what, struct tconn_error *err);
/* Lock held. Does the TPM take this boot state for one that the owner signed? -EACCES: no, or there
 * is no boot policy.
 */
int tconn_tpm_check_boot_state(struct tconn_tpm *tpm, struct tconn_error *err);

static inline int tconn_key_index(enum tconn_key key)
{
	return (int)(key - TCONN_KEY_AK);
}

/* Lock held. The handle of one of our keys; -ENOENT where it was never made. */
int tconn_tpm_key_handle(struct tconn_tpm *tpm, enum tconn_key key, ESYS_TR *ret,
			 struct tconn_error *err);
/* Lock held. The kind of EK that this TPM has a certificate for; RSA-2048 where it has none. */
int tconn_tpm_ek_kind(struct tconn_tpm *tpm, const struct tconn_ek_kind **ret,
		      struct tconn_error *err);
/* Lock held. *ret_transient says whether the caller must flush it. */
int tconn_tpm_ek_handle(struct tconn_tpm *tpm, ESYS_TR *ret, bool *ret_transient,
			struct tconn_error *err);

#endif
