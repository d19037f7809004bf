// SPDX-License-Identifier: Apache-2.0
#include "tpm_context.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "pcr.h"
#include "tpm_blob.h"
#include "tpm_ek.h"

#define EK_CERTIFICATE_MAX	8192
#define NV_CHUNK		512	/* no TPM reads less at once */
#define RANDOM_CHUNK		32
#define QUOTE_TRIES		16	/* PCRs may change between the quote and the reading */

static int rc_errno(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
	TSS2_RC base = rc & 0xffff;

	if (layer == TSS2_TCTI_RC_LAYER)
		return -ENODEV;
	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
		return -EIO;
	if (base & TPM2_RC_FMT1)
		base &= 0xbf;	/* without the number of the handle, session or parameter */
	switch (base) {
	case TPM2_RC_HANDLE:
		return -ENOENT;
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_POLICY_FAIL:
	case TPM2_RC_LOCKOUT:
		return -EACCES;
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_VALUE:
		return -EKEYREJECTED;
	case TPM2_RC_RETRY:
	case TPM2_RC_YIELDED:
	case TPM2_RC_TESTING:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

int tconn_tpm_rc(TSS2_RC rc, const char *what, struct tconn_error *err)
{
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	return tconn_fail(err, rc_errno(rc), "TPM: %s: %s", what, Tss2_RC_Decode(rc));
}

static int check_is_tpm2(struct tconn_tpm *tpm, struct tconn_error *err)
{
	ESYS_FREE TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	int r;

	r = tconn_tpm_rc(Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					    TPM2_CAP_TPM_PROPERTIES, TPM2_PT_FAMILY_INDICATOR, 1,
					    &more, &data), "it does not answer", err);
	if (r)
		return r;
	if (data->data.tpmProperties.count != 1 ||
	    data->data.tpmProperties.tpmProperty[0].value != 0x322e3000)	/* "2.0" */
		return tconn_fail(err, -ENODEV, "TPM: it is not a TPM 2.0");
	return 0;
}

/* The library would write its own lines to standard error; what went wrong is in err. */
static void quiet_tss2(void)
{
	setenv("TSS2_LOG", "all+NONE", 0);
}

int tconn_tpm_open(const char *tcti, struct tconn_tpm **ret, struct tconn_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tconn_tpm *tpm;
	int r;

	pthread_once(&once, quiet_tss2);
	tpm = calloc(1, sizeof(*tpm));
	if (!tpm)
		return tconn_fail(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&tpm->lock, NULL);
	for (int i = 0; i < TCONN_KEY_COUNT; i++)
		tpm->key[i] = ESYS_TR_NONE;
	r = tconn_tpm_rc(Tss2_TctiLdr_Initialize(tcti, &tpm->tcti), "cannot be opened", err);
	if (r)
		r = -ENODEV;
	else
		r = tconn_tpm_rc(Esys_Initialize(&tpm->esys, tpm->tcti, NULL), "ESAPI", err);
	if (!r)
		r = check_is_tpm2(tpm, err);
	if (r) {
		tconn_tpm_close(tpm);
		return tconn_fail_in(err, r, tcti);
	}
	*ret = tpm;
	return 0;
}

void tconn_tpm_close(struct tconn_tpm *tpm)
{
	if (!tpm)
		return;
	free(tpm->boot);
	Esys_Finalize(&tpm->esys);
	Tss2_TctiLdr_Finalize(&tpm->tcti);
	pthread_mutex_destroy(&tpm->lock);
	free(tpm);
}

int tconn_tpm_random(struct tconn_tpm *tpm, void *buf, size_t len, struct tconn_error *err)
{
	uint8_t *at = buf;

	TCONN_TPM_LOCK(tpm);
	while (len) {
		ESYS_FREE TPM2B_DIGEST *part = NULL;
		size_t want = len < RANDOM_CHUNK ? len : RANDOM_CHUNK;
		int r;

		r = tconn_tpm_rc(Esys_GetRandom(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
						(UINT16)want, &part), "random bytes", err);
		if (r)
			return r;
		if (!part->size || part->size > want)
			return tconn_fail(err, -EIO, "TPM: random bytes: it gave %u for %zu",
					  part->size, want);
		memcpy(at, part->buffer, part->size);
		at += part->size;
		len -= part->size;
	}
	return 0;
}

void tconn_tpm_pcr_selection(uint32_t mask, TPML_PCR_SELECTION *ret)
{
	TPMS_PCR_SELECTION *s = &ret->pcrSelections[0];

	memset(ret, 0, sizeof(*ret));
	ret->count = 1;
	s->hash = TPM2_ALG_SHA256;
	s->sizeofSelect = 3;
	s->pcrSelect[0] = mask & 0xff;
	s->pcrSelect[1] = mask >> 8 & 0xff;
	s->pcrSelect[2] = mask >> 16 & 0xff;
}

static uint32_t selected_mask(const TPML_PCR_SELECTION *selection)
{
	const TPMS_PCR_SELECTION *s = &selection->pcrSelections[0];
	uint32_t mask = 0;

	if (selection->count != 1 || s->hash != TPM2_ALG_SHA256)
		return 0;
	for (unsigned int i = 0; i < s->sizeofSelect && i < 3; i++)
		mask |= (uint32_t)s->pcrSelect[i] << (8 * i);
	return mask;
}

static int take_pcrs(uint32_t got, const TPML_DIGEST *values, struct tconn_pcrs *pcrs,
		     struct tconn_error *err)
{
	unsigned int next = 0;

	for (unsigned int i = 0; i < TCONN_PCR_COUNT; i++) {
		if (!(got & 1u << i))
			continue;
		if (next >= values->count || values->digests[next].size != 32)
			return tconn_fail(err, -EIO, "TPM: PCR %u: no SHA-256 value", i);
		memcpy(pcrs->digest[i], values->digests[next++].buffer, 32);
		pcrs->mask |= 1u << i;
	}
	return 0;
}

/* One command gives eight PCRs at most. */
int tconn_tpm_read_pcrs(struct tconn_tpm *tpm, uint32_t mask, struct tconn_pcrs *ret,
			struct tconn_error *err)
{
	struct tconn_pcrs pcrs = { 0 };

	while (pcrs.mask != mask) {
		ESYS_FREE TPML_PCR_SELECTION *got = NULL;
		ESYS_FREE TPML_DIGEST *values = NULL;
		TPML_PCR_SELECTION want;
		UINT32 counter;
		uint32_t new;
		int r;

		tconn_tpm_pcr_selection(mask & ~pcrs.mask, &want);
		r = tconn_tpm_rc(Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					       &want, &counter, &got, &values), "PCR read", err);
		if (r)
			return r;
		new = selected_mask(got) & mask & ~pcrs.mask;
		if (!new)
			return tconn_fail(err, -ENODATA, "TPM: it has no SHA-256 bank of PCRs; activate one");
		r = take_pcrs(new, values, &pcrs, err);
		if (r)
			return r;
	}
	*ret = pcrs;
	return 0;
}

static int check_mask(uint32_t mask, struct tconn_error *err)
{
	if (!mask || mask >> TCONN_PCR_COUNT)
		return tconn_fail(err, -EINVAL, "PCR mask %#x: PCRs 0 to 23 exist", mask);
	return 0;
}

int tconn_tpm_pcr_read(struct tconn_tpm *tpm, uint32_t mask, struct tconn_pcrs *ret,
		       struct tconn_error *err)
{
	int r = check_mask(mask, err);

	if (r)
		return r;
	TCONN_TPM_LOCK(tpm);
	return tconn_tpm_read_pcrs(tpm, mask, ret, err);
}

int tconn_tpm_pcr_extend(struct tconn_tpm *tpm, unsigned int pcr, const uint8_t digest[32],
			 struct tconn_error *err)
{
	TPML_DIGEST_VALUES values = { .count = 1 };

	if (pcr >= TCONN_PCR_COUNT)
		return tconn_fail(err, -EINVAL, "PCR %u: PCRs 0 to 23 exist", pcr);
	values.digests[0].hashAlg = TPM2_ALG_SHA256;
	memcpy(values.digests[0].digest.sha256, digest, 32);
	TCONN_TPM_LOCK(tpm);
	return tconn_tpm_rc(Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD,
					    ESYS_TR_NONE, ESYS_TR_NONE, &values),
			    "PCR extend", err);
}

static bool quote_covers(const struct tconn_quote *quote)
{
	TPM2B_DIGEST *quoted;
	TPMS_ATTEST attest;
	uint8_t digest[32];

	if (tconn_blob_unpack_attest(&quote->attest, &attest, NULL))
		return false;
	quoted = &attest.attested.quote.pcrDigest;
	tconn_pcrs_digest(&quote->pcrs, quote->pcrs.mask, digest);
	return quoted->size == sizeof(digest) && !memcmp(quoted->buffer, digest, sizeof(digest));
}

struct quoting {
	TPM2B_DATA qualifying;
	TPML_PCR_SELECTION selection;
	TPM2B_ATTEST *attest;
	TPMT_SIGNATURE *signature;
};

static TSS2_RC use_for_quote(struct tconn_tpm *tpm, ESYS_TR ak, ESYS_TR session, void *arg)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };	/* the key's own */
	struct quoting *q = arg;

	return Esys_Quote(tpm->esys, ak, session, ESYS_TR_NONE, ESYS_TR_NONE, &q->qualifying, &scheme,
			  &q->selection, &q->attest, &q->signature);
}

static int quote_once(struct tconn_tpm *tpm, uint32_t mask, const uint8_t qualifying[32],
		      struct tconn_quote *ret, struct tconn_error *err)
{
	struct quoting q = { .qualifying.size = 32 };
	ESYS_FREE TPMT_SIGNATURE *signature = NULL;
	ESYS_FREE TPM2B_ATTEST *attest = NULL;
	int r;

	memcpy(q.qualifying.buffer, qualifying, 32);
	tconn_tpm_pcr_selection(mask, &q.selection);
	r = tconn_tpm_use_key(tpm, TCONN_KEY_AK, use_for_quote, &q, "quote", err);
	attest = q.attest;
	signature = q.signature;
	if (!r)
		r = tconn_blob_set(attest->attestationData, attest->size, &ret->attest, err);
	if (!r)
		r = tconn_blob_pack_signature(signature, &ret->signature, err);
	return r;
}

/* PCRs seldom change between two quotes: only a quote that says so makes them worth three commands. */
static int find_values(struct tconn_tpm *tpm, uint32_t mask, struct tconn_quote *quote,
		       bool *ret_covered, struct tconn_error *err)
{
	int r;

	quote->pcrs = tpm->quoted;
	*ret_covered = tpm->quoted.mask == mask && quote_covers(quote);
	if (*ret_covered)
		return 0;
	r = tconn_tpm_read_pcrs(tpm, mask, &quote->pcrs, err);
	*ret_covered = !r && quote_covers(quote);
	if (*ret_covered)
		tpm->quoted = quote->pcrs;
	return r;
}

int tconn_tpm_quote(struct tconn_tpm *tpm, uint32_t mask, const uint8_t qualifying[32],
		    struct tconn_quote *ret, struct tconn_error *err)
{
	struct tconn_quote quote;
	int r = check_mask(mask, err);

	if (r)
		return r;
	TCONN_TPM_LOCK(tpm);
	for (int i = 0; i < QUOTE_TRIES; i++) {
		bool covered;

		r = quote_once(tpm, mask, qualifying, &quote, err);
		if (!r)
			r = find_values(tpm, mask, &quote, &covered, err);
		if (r)
			return r;
		if (covered) {
			*ret = quote;
			return 0;
		}
	}
	return tconn_fail(err, -EAGAIN, "TPM: quote: PCRs changed during each of %d tries", QUOTE_TRIES);
}

static int nv_read(struct tconn_tpm *tpm, ESYS_TR nv, ESYS_TR auth, size_t size, uint8_t *buf,
		   struct tconn_error *err)
{
	for (size_t at = 0; at < size;) {
		ESYS_FREE TPM2B_MAX_NV_BUFFER *part = NULL;
		size_t want = size - at < NV_CHUNK ? size - at : NV_CHUNK;
		int r;

		r = tconn_tpm_rc(Esys_NV_Read(tpm->esys, auth, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					      ESYS_TR_NONE, (UINT16)want, (UINT16)at, &part),
				 "EK certificate", err);
		if (r)
			return r;
		if (part->size != want)
			return tconn_fail(err, -EIO, "TPM: EK certificate: short read");
		memcpy(buf + at, part->buffer, want);
		at += want;
	}
	return 0;
}

/* The NV index may be larger than the certificate in it. 0 if it is none. */
static size_t der_sequence_len(const uint8_t *buf, size_t size)
{
	size_t len;

	if (size < 4 || buf[0] != 0x30 || buf[1] != 0x82)
		return 0;
	len = 4 + ((size_t)buf[2] << 8 | buf[3]);
	return len <= size ? len : 0;
}

static int read_certificate(struct tconn_tpm *tpm, TPM2_HANDLE index, ESYS_TR nv, uint8_t **ret,
			    size_t *ret_len, struct tconn_error *err)
{
	ESYS_FREE TPM2B_NV_PUBLIC *public = NULL;
	ESYS_FREE TPM2B_NAME *name = NULL;
	size_t size, len;
	uint8_t *buf;
	ESYS_TR auth;
	int r;

	r = tconn_tpm_rc(Esys_NV_ReadPublic(tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					    &public, &name), "EK certificate", err);
	if (r)
		return r;
	size = public->nvPublic.dataSize;
	if (size > EK_CERTIFICATE_MAX)
		return tconn_fail(err, -EMSGSIZE, "TPM: EK certificate: %zu bytes are too many", size);
	auth = public->nvPublic.attributes & TPMA_NV_AUTHREAD ? nv : ESYS_TR_RH_OWNER;
	buf = malloc(size ? size : 1);
	if (!buf)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = nv_read(tpm, nv, auth, size, buf, err);
	len = r ? 0 : der_sequence_len(buf, size);
	if (!r && !len)
		r = tconn_fail(err, -EBADMSG, "TPM: NV %#x holds no X.509 certificate in DER", index);
	if (r) {
		free(buf);
		return r;
	}
	*ret = buf;
	*ret_len = len;
	return 0;
}

/* Lock held. -ENOENT where there is no such index. */
static int certificate_at(struct tconn_tpm *tpm, TPM2_HANDLE index, uint8_t **ret, size_t *ret_len,
			  struct tconn_error *err)
{
	ESYS_TR nv;
	int r;

	r = tconn_tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
					       ESYS_TR_NONE, &nv), "EK certificate", err);
	if (r)
		return r;
	r = read_certificate(tpm, index, nv, ret, ret_len, err);
	Esys_TR_Close(tpm->esys, &nv);
	return r;
}

int tconn_tpm_ek_certificate(struct tconn_tpm *tpm, uint8_t **ret, size_t *ret_len,
			     struct tconn_error *err)
{
	const struct tconn_ek_kind *kind;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_ek_kind(tpm, &kind, err);
	if (!r)
		r = certificate_at(tpm, kind->certificate, ret, ret_len, err);
	if (r == -ENOENT)
		return tconn_fail(err, r, "TPM: it holds no EK certificate at NV %#x or its like; its "
				  "maker, or swtpm_setup --create-ek-cert, puts one there",
				  kind->certificate);
	return r;
}

int tconn_tpm_ek_chain(struct tconn_tpm *tpm, uint8_t *ret, size_t size, size_t *ret_len,
		       struct tconn_error *err)
{
	size_t len = 0, part;
	uint8_t *der;
	int r = 0;

	TCONN_TPM_LOCK(tpm);
	for (TPM2_HANDLE i = TCONN_EK_CHAIN_FIRST; i <= TCONN_EK_CHAIN_LAST; i++) {
		r = certificate_at(tpm, i, &der, &part, err);
		if (r == -ENOENT)	/* they follow one another */
			break;
		if (r)
			return r;
		if (part > size - len)
			r = tconn_fail(err, -EMSGSIZE, "TPM: certificates from NV %#x on are over %zu bytes",
				       TCONN_EK_CHAIN_FIRST, size);
		else
			memcpy(ret + len, der, part);
		len += part;
		free(der);
		if (r)
			return r;
	}
	*ret_len = len;
	return 0;
}
