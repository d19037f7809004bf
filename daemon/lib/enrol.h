/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment: EK chain -> MakeCredential over the AK's full Name ->
 * ActivateCredential -> X.509. Messages in PROTOCOL.md, over TLS where only
 * the CA has a certificate (the client has none yet); the CA is pinned by ca.pem.
 */
#ifndef TCONN_ENROL_H
#define TCONN_ENROL_H

#include <stdbool.h>

#include "identity.h"

struct tconn_enrol_options {
	const char *ca_address;		/* HOST:PORT */
	const char *ca_file;		/* PEM, the issuer and TLS anchor */
	const char *identity_dir;	/* output; made 0700 where absent, each file replaced atomically */
	enum tconn_role role;
	const char *service_name;	/* role service only */
	/* Both or none: keys are made sealed to the boot states of this file (boot_policy.h), which
	 * must be signed by this certificate's key (PEM).
	 */
	const char *boot_policy, *boot_signer;
	bool renew;	/* with the keys that are there, used as the TPM is set up already; none is made */
};
/* Makes the keys, enrols, writes ak.pem tls.pem data.pem ca.pem. */
int tconn_enrol(struct tconn_tpm *tpm, const struct tconn_enrol_options *o,
		struct tconn_identity *ret, struct tconn_error *err);

#endif
