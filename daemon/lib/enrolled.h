/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a machine is what its identity directory says: read from the certificates and
 * from the TPM each time, nothing is remembered. What it finds decides whether enrolment may
 * go ahead by itself (there is nothing yet, or a part of it) or a person has to (the
 * certificates are there, and another TPM's).
 */
#ifndef TCONN_ENROLLED_H
#define TCONN_ENROLLED_H

#include "identity.h"

/*
 * 0: ak.pem, tls.pem and data.pem in dir are of one identity, chain to trust, and are for the
 * keys in this TPM; *ret is who that is. Otherwise err says in words what to do, and
 *	-ENOENT		a certificate is not there: not enrolled, or cut off on the way
 *	-EXDEV		they are another TPM's: the disk came from another machine
 *	-ESTALE		they are this TPM's, but its keys are not there any more: it was cleared
 *	-EKEYREJECTED, -EBADMSG	a certificate is not valid, not trusted, or not of the same identity
 * A service's certificates do not say which EK they go with: then it is always -EXDEV.
 */
int tconn_enrolled(struct tconn_tpm *tpm, const char *dir, struct x509_store_st *trust,
		   enum tconn_role role, struct tconn_identity *ret, struct tconn_error *err);

#endif
