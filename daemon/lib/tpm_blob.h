/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TPM structures <-> struct tconn_blob, strictly: a blob holds exactly one
 * structure, with no byte after it, in the one encoding the TPM itself makes.
 * tss2-mu only, so that the verifier's half needs no TPM.
 */
#ifndef TCONN_TPM_BLOB_H
#define TCONN_TPM_BLOB_H

#include <tss2/tss2_mu.h>
#include "error.h"
#include "tpm.h"

/* Pack: 0 or -EMSGSIZE. Unpack: 0 or -EBADMSG; err says what was malformed. */
#define TCONN_BLOB_TYPE(noun, TYPE)							\
	int tconn_blob_pack_##noun(const TYPE *from, struct tconn_blob *ret,		\
				   struct tconn_error *err);				\
	int tconn_blob_unpack_##noun(const struct tconn_blob *from, TYPE *ret,		\
				     struct tconn_error *err)

TCONN_BLOB_TYPE(public, TPMT_PUBLIC);
TCONN_BLOB_TYPE(attest, TPMS_ATTEST);
TCONN_BLOB_TYPE(signature, TPMT_SIGNATURE);
TCONN_BLOB_TYPE(id_object, TPM2B_ID_OBJECT);
TCONN_BLOB_TYPE(secret, TPM2B_ENCRYPTED_SECRET);

/* Bytes the TPM made already, such as a TPM2B_ATTEST's. -EMSGSIZE if too many. */
int tconn_blob_set(const void *data, size_t len, struct tconn_blob *ret, struct tconn_error *err);

#endif
