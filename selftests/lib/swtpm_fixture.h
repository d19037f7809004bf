/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TPMs for tests: swtpm instances with EK certificates, in fresh directories
 * that go away at the end of the program. Start them in main(), before the
 * harness forks its tests; each test opens a connection of its own.
 */
#ifndef TCONN_SWTPM_FIXTURE_H
#define TCONN_SWTPM_FIXTURE_H

#include "daemon/lib/tpm.h"

#define SWTPM_PATH_MAX	96

/* A maker of TPMs: a root, an issuer, and the certificates they signed. */
struct swtpm_maker {
	char dir[SWTPM_PATH_MAX];
	char ek_trust[SWTPM_PATH_MAX + 32];	/* root and issuer, PEM; there after the first start */
};

struct swtpm {
	char tcti[SWTPM_PATH_MAX + 32];		/* for tconn_tpm_open() */
};

/* Exit the program with a KTAP bail-out where something is missing. All ends at exit. */
void swtpm_maker_start(struct swtpm_maker *maker);
void swtpm_start(const struct swtpm_maker *maker, const char *name, struct swtpm *ret);
/* Its RSA EK of rsa_bits (2048, 3072); an ECC P-384 EK is there in any case. */
void swtpm_start_with(const struct swtpm_maker *maker, const char *name, const char *rsa_bits,
		      struct swtpm *ret);

/* A fresh directory, removed at exit. */
void swtpm_temp_dir(char ret[SWTPM_PATH_MAX]);

#endif
