/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that were revoked, asked of a list that changes while programs run
 * (certificate_status.h is for files that do not). The list hangs on a store of
 * trusted issuers: whatever is verified against that store, in the handshake of TLS
 * or later, is looked up first, each certificate of the chain.
 */
#ifndef TCONN_REVOCATION_H
#define TCONN_REVOCATION_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_SERIAL_TEXT 43	/* a certificate's number (at most 20 bytes) in hex, terminator included */

struct x509_st;
struct x509_store_st;

struct tconn_revocation_list {
	/* serial: lower-case hex, without leading zeros. 0: not on the list. 1: on it.
	 * Negative: it cannot be told, and the certificate is refused. Any thread.
	 */
	int (*look)(void *arg, const char *serial);
	void *arg;
};

/* list is borrowed and must outlive trust. What is on it fails as "certificate revoked",
 * -EKEYREVOKED where identity.h gives the code. -ENOMEM.
 */
int tconn_trust_revocation(struct x509_store_st *trust, const struct tconn_revocation_list *list,
			   struct tconn_error *err);

/* The certificate's number as the list has it; "" where it has none or too long a one. */
void tconn_serial_text(const struct x509_st *cert, char ret[TCONN_SERIAL_TEXT]);
/* The same of a certificate in DER; "" where it is none. */
void tconn_serial_of(const uint8_t *der, size_t len, char ret[TCONN_SERIAL_TEXT]);

#endif
