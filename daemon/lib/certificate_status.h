/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a certificate was revoked, from files alone: the issuer's CRL (RFC 5280)
 * or an OCSP response (RFC 6960), DER.
 */
#ifndef TCONN_CERTIFICATE_STATUS_H
#define TCONN_CERTIFICATE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

struct x509_st;
struct x509_store_st;

struct tconn_status_source {
	const uint8_t *crl, *ocsp;	/* NULL: none */
	size_t crl_len, ocsp_len;
	struct x509_store_st *trust;	/* of OCSP responders */
};

/* when: the time the certificate was used; proven: by somebody else than its holder.
 * A revocation after a proven time does no harm. ret, of size bytes, says what was
 * found, in words. *ret_known: there was a source, and it covers that time.
 * -EKEYREVOKED, -EKEYREJECTED (the source is not the issuer's), -EBADMSG.
 */
int tconn_certificate_status(const struct tconn_status_source *s, struct x509_st *cert,
			     struct x509_st *issuer, uint64_t when, bool proven, char *ret,
			     size_t size, bool *ret_known, struct tconn_error *err);

#endif
