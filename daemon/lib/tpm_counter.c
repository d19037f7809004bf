// SPDX-License-Identifier: Apache-2.0
#include "tpm_counter.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "tpm_context.h"

int tconn_tpm_clock(struct tconn_tpm *tpm, struct tconn_tpm_clock *ret, struct tconn_error *err)
{
	ESYS_FREE TPMS_TIME_INFO *info = NULL;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_rc(Esys_ReadClock(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &info),
			 "clock", err);
	if (r)
		return r;
	*ret = (struct tconn_tpm_clock){
		.clock_ms = info->clockInfo.clock,
		.reset_count = info->clockInfo.resetCount,
		.restart_count = info->clockInfo.restartCount,
		.safe = info->clockInfo.safe == TPM2_YES,
	};
	return 0;
}

static int define(struct tconn_tpm *tpm, ESYS_TR *ret, struct tconn_error *err)
{
	const TPM2B_AUTH no_auth = { 0 };
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = {
			.nvIndex = TCONN_COUNTER_NV,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA |
				      TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT,
			.dataSize = sizeof(uint64_t),
		},
	};

	return tconn_tpm_rc(Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
						ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &public, ret),
			    "making the counter", err);
}

static int open_counter(struct tconn_tpm *tpm, ESYS_TR *ret, struct tconn_error *err)
{
	int r = tconn_tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, TCONN_COUNTER_NV, ESYS_TR_NONE,
						   ESYS_TR_NONE, ESYS_TR_NONE, ret), "counter", err);

	return r == -ENOENT ? define(tpm, ret, err) : r;
}

static int step(struct tconn_tpm *tpm, ESYS_TR nv, uint64_t *ret, struct tconn_error *err)
{
	ESYS_FREE TPM2B_MAX_NV_BUFFER *data = NULL;
	uint64_t value;
	int r;

	r = tconn_tpm_rc(Esys_NV_Increment(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
					   ESYS_TR_NONE, ESYS_TR_NONE), "counting", err);
	if (!r)
		r = tconn_tpm_rc(Esys_NV_Read(tpm->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD,
					      ESYS_TR_NONE, ESYS_TR_NONE, sizeof(value), 0, &data),
				 "reading the counter", err);
	if (r)
		return r;
	if (data->size != sizeof(value))
		return tconn_fail(err, -EIO, "TPM: the counter has %u bytes, not 8", data->size);
	memcpy(&value, data->buffer, sizeof(value));
	*ret = be64toh(value);
	return 0;
}

int tconn_tpm_count(struct tconn_tpm *tpm, uint64_t *ret, struct tconn_error *err)
{
	ESYS_TR nv;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = open_counter(tpm, &nv, err);
	if (r)
		return r;
	r = step(tpm, nv, ret, err);
	Esys_TR_Close(tpm->esys, &nv);
	return r;
}
