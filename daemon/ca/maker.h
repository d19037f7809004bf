/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makers of TPMs: the issuers of EK certificates this CA believes. Their
 * certificate says that an EK is in a real TPM; all the rest follows from it.
 */
#ifndef TCONN_CA_MAKER_H
#define TCONN_CA_MAKER_H

#include "../lib/bytes.h"
#include "../lib/identity.h"

/* path: a PEM file, or a directory of which every *.pem and *.crt file is one.
 * Roots must be self-signed; others serve as intermediates.
 */
int maker_load(const char *path, struct x509_store_st **ret, struct tconn_error *err);

#define MAKER_CHAIN_MAX	8	/* certificates that came along */

/* What a TPM's NV holds about its EK, DER. Makers' encodings are read as leniently as OpenSSL
 * does (BER, odd serial numbers); zeros or ff after a certificate are padding. What was signed is
 * what came, byte for byte.
 */
struct maker_papers {
	struct tconn_bytes certificate;
	struct tconn_bytes chain;	/* certificates in any order; they prove nothing by themselves */
};

/* -EBADMSG: no certificate, err says where it stops being one. -EKEYREJECTED: chain, purpose, or
 * the certificate is for another key than ek.
 */
int maker_check(struct x509_store_st *makers, const struct maker_papers *papers,
		const struct tconn_blob *ek, struct tconn_error *err);

#endif
