/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makers of TPMs: the issuers of EK certificates this CA believes. Their
 * certificate says that an EK is in a real TPM; all the rest follows from it.
 */
#ifndef TCONN_CA_MAKER_H
#define TCONN_CA_MAKER_H

#include "../lib/identity.h"

/* path: a PEM file, or a directory of which every *.pem and *.crt file is one.
 * Roots must be self-signed; others serve as intermediates.
 */
int maker_load(const char *path, struct x509_store_st **ret, struct tconn_error *err);

/* -EKEYREJECTED: chain, purpose, or the certificate is for another key than ek. */
int maker_check(struct x509_store_st *makers, const uint8_t *der, size_t len,
		const struct tconn_blob *ek, struct tconn_error *err);

#endif
