/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c and http_access.c share. */
#ifndef SERVICED_HTTP_ACCESS_H
#define SERVICED_HTTP_ACCESS_H

#include <gnutls/abstract.h>

#include "token.h"

#define HTTP_CHAIN_MAX	8	/* certificates that are shown */

struct http_access {
	struct http_access *next;	/* older ones: a handshake may still use them */
	gnutls_pcert_st chain[HTTP_CHAIN_MAX];
	unsigned int chain_len;
	gnutls_privkey_t key;
	struct tokens tokens;
};

#endif
