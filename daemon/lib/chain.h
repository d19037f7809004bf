/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate's chain, as of a time. */
#ifndef TCONN_CHAIN_H
#define TCONN_CHAIN_H

#include <openssl/x509.h>
#include <stdint.h>
#include "error.h"

/* One certificate in DER, the whole of it; NULL where it is not. */
X509 *tconn_chain_parse(const uint8_t *der, size_t len);
/* at: seconds since 1970. others: certificates in between, may be NULL. ret_issuer, which may
 * be NULL: who signed cert, to be freed. -EKEYEXPIRED: good but for its time,
 * -EKEYREVOKED: on trust's list (revocation.h), -EKEYREJECTED.
 */
int tconn_chain_verify(X509 *cert, STACK_OF(X509) *others, X509_STORE *trust, uint64_t at,
		       X509 **ret_issuer, struct tconn_error *err);

#endif
