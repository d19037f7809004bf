/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endorsement keys: the kinds that TPMs come with, each with its template, the NV index
 * of its certificate and the handle where provisioning leaves it (TCG EK Credential
 * Profile 2.5, clauses 2.2.1.4 and 2.2.1.5, and tables in annex B). A public area that
 * differs from its kind's template in more than the unique field is none of them, so that
 * one EK has one id.
 */
#ifndef TCONN_TPM_EK_H
#define TCONN_TPM_EK_H

#include <stdbool.h>
#include <stddef.h>
#include <tss2/tss2_tpm2_types.h>

struct tconn_ek_kind {
	const char *name;		/* "RSA-2048 (L-1)" */
	TPM2_HANDLE certificate;	/* NV index */
	TPM2_HANDLE key;		/* persistent handle */
	TPMI_ALG_PUBLIC type;
	uint16_t bits;			/* of the modulus; 0: a curve */
	TPMI_ECC_CURVE curve;
	TPMI_ALG_HASH hash;		/* its nameAlg */
	uint16_t aes;			/* bits */
	bool high;			/* the template's range: used with the EK's own (empty) password */
};

/* In the order in which a TPM is asked for a certificate. RSA-2048 (L-1) comes first: ids
 * of devices enrolled before there were others stay. NULL past the end.
 */
const struct tconn_ek_kind *tconn_ek_kind(size_t i);
/* Of a public area; NULL: of none. */
const struct tconn_ek_kind *tconn_ek_kind_of(const TPMT_PUBLIC *pub);
void tconn_ek_template(const struct tconn_ek_kind *kind, TPMT_PUBLIC *ret);

/* NV indices of certificates between an EK's and its root: TCG EK Credential Profile 2.5,
 * clause 2.2.1.5.4.
 */
#define TCONN_EK_CHAIN_FIRST	0x01c00100
#define TCONN_EK_CHAIN_LAST	0x01c001ff

#endif
