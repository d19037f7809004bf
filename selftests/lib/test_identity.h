/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities without enrolment: an issuer of this test, and identity directories
 * with certificates for the keys of a TPM. Steps that fail end the program.
 */
#ifndef TCONN_TEST_IDENTITY_H
#define TCONN_TEST_IDENTITY_H

#include "daemon/lib/identity.h"
#include "daemon/lib/issuer.h"

/* dir: where the issuer is made. */
struct tconn_issuer *test_issuer(const char *dir, const char *name);
/* Makes the TPM's keys and dir with ak.pem tls.pem data.pem ca.pem; name NULL: a
 * device's, its id from the EK.
 */
/* One certificate, PEM. */
void test_certificate(const struct tconn_issuer *issuer, const struct tconn_identity *identity,
		      struct tconn_tpm *tpm, enum tconn_key key, enum tconn_use use,
		      const char *dir, const char *file);
/* boot_policy: the keys are sealed to its states; NULL: they are not. */
void test_identity_sealed(const struct tconn_issuer *issuer, const char *issuer_dir,
			  const char *tcti, const char *boot_policy, const char *name,
			  const char *dir, struct tconn_identity *ret);
/* They are not. */
void test_identity(const struct tconn_issuer *issuer, const char *issuer_dir, const char *tcti,
		   const char *name, const char *dir, struct tconn_identity *ret);

#endif
