// SPDX-License-Identifier: Apache-2.0
#include "tpm_blob.h"

#include <errno.h>
#include <string.h>

/*
 * Unpacking packs again and compares: an encoding that means the same but is
 * spelt otherwise would have another digest, and digests are what we compare.
 */
#define TCONN_BLOB_CODEC(noun, TYPE)							\
int tconn_blob_pack_##noun(const TYPE *from, struct tconn_blob *ret,			\
			   struct tconn_error *err)					\
{											\
	struct tconn_blob blob;								\
	size_t len = 0;									\
											\
	if (Tss2_MU_##TYPE##_Marshal(from, blob.data, sizeof(blob.data), &len))		\
		return tconn_fail(err, -EMSGSIZE, "a " #TYPE " cannot be marshalled");	\
	blob.len = (uint16_t)len;							\
	ret->len = blob.len;								\
	memcpy(ret->data, blob.data, len);						\
	return 0;									\
}											\
											\
int tconn_blob_unpack_##noun(const struct tconn_blob *from, TYPE *ret,			\
			     struct tconn_error *err)					\
{											\
	struct tconn_blob again;							\
	TYPE value;									\
	size_t at = 0;									\
											\
	memset(&value, 0, sizeof(value));						\
	if (from->len > sizeof(from->data))						\
		return tconn_fail(err, -EBADMSG, #TYPE ": %u bytes are too many",	\
				  from->len);						\
	if (Tss2_MU_##TYPE##_Unmarshal(from->data, from->len, &at, &value))		\
		return tconn_fail(err, -EBADMSG,					\
				  #TYPE ": malformed or cut off (%u bytes)", from->len); \
	if (at != from->len)								\
		return tconn_fail(err, -EBADMSG,					\
				  #TYPE ": ends after %zu of %u bytes", at, from->len);	\
	if (tconn_blob_pack_##noun(&value, &again, NULL) || again.len != from->len ||	\
	    memcmp(again.data, from->data, again.len))					\
		return tconn_fail(err, -EBADMSG,					\
				  #TYPE ": not in the encoding a TPM makes");		\
	*ret = value;									\
	return 0;									\
}

TCONN_BLOB_CODEC(public, TPMT_PUBLIC)
TCONN_BLOB_CODEC(attest, TPMS_ATTEST)
TCONN_BLOB_CODEC(signature, TPMT_SIGNATURE)
TCONN_BLOB_CODEC(id_object, TPM2B_ID_OBJECT)
TCONN_BLOB_CODEC(secret, TPM2B_ENCRYPTED_SECRET)

int tconn_blob_set(const void *data, size_t len, struct tconn_blob *ret, struct tconn_error *err)
{
	if (len > sizeof(ret->data))
		return tconn_fail(err, -EMSGSIZE, "a TPM structure of %zu bytes is too large", len);
	memcpy(ret->data, data, len);
	ret->len = (uint16_t)len;
	return 0;
}
