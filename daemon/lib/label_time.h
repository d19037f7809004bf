/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time-stamp tokens (RFC 3161): proof by somebody else that a signature was there
 * at a time. Imprints by SHA-256, SHA-384 or SHA-512 only.
 */
#ifndef TCONN_LABEL_TIME_H
#define TCONN_LABEL_TIME_H

#include "bytes.h"
#include "error.h"

struct x509_store_st;

/* A request over data, SHA-512, that asks for the authority's certificate. */
int tconn_stamp_query(const void *data, size_t len, struct tconn_bytes *ret,
		      struct tconn_error *err);
/* token: a TimeStampResp or a bare token, DER. at: when the authority's certificate
 * must be valid, seconds since 1970. -EBADMSG malformed, -EKEYREJECTED not good.
 */
int tconn_stamp_verify(const uint8_t *token, size_t token_len, const void *data, size_t len,
		       struct x509_store_st *trust, uint64_t at, uint64_t *ret_time,
		       struct tconn_error *err);

#endif
