/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maker of simulated TPMs: a self-signed root that vouches for EKs which are in no TPM. Made
 * anew in each swarm's folder, as maker.pem and maker.key; give maker.pem to the tconn-ca of a test
 * (--ek-trust), and to no other.
 */
#ifndef SWARM_EK_MAKER_H
#define SWARM_EK_MAKER_H

#include <openssl/evp.h>

#include "../lib/bytes.h"
#include "../lib/error.h"

#define EK_MAKER_CERT	"maker.pem"

struct ek_maker;

int ek_maker_create(const char *dir, struct tconn_error *err);	/* -EEXIST: there is one */
int ek_maker_load(const char *dir, struct ek_maker **ret, struct tconn_error *err);
void ek_maker_free(struct ek_maker *m);		/* accepts NULL */

/* A certificate for an EK: DER, malloc'ed. */
int ek_maker_certify(const struct ek_maker *m, EVP_PKEY *ek, struct tconn_bytes *ret,
		     struct tconn_error *err);

#endif
