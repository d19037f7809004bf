/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer of identities: a P-256 key in software and its self-signed
 * certificate, in a directory as ca.key (0600) and ca.pem. What it issues is
 * described in identity.h; who gets it is decided elsewhere (daemon/ca).
 */
#ifndef TCONN_ISSUER_H
#define TCONN_ISSUER_H

#include "identity.h"

#define TCONN_ISSUER_CERT	"ca.pem"
#define TCONN_ISSUER_KEY	"ca.key"
#define TCONN_SERIAL_BYTES	16

struct tconn_issuer;

/* Makes dir (0700) if it is absent, then both files; -EEXIST if one is there already. */
int tconn_issuer_create(const char *dir, const char *name, struct tconn_error *err);
int tconn_issuer_load(const char *dir, struct tconn_issuer **ret, struct tconn_error *err);
void tconn_issuer_free(struct tconn_issuer *issuer);	/* accepts NULL */

/* The issuer's own CN, borrowed. */
const char *tconn_issuer_name(const struct tconn_issuer *issuer);

/* One certificate of an identity, valid from an hour ago (clocks differ) for a
 * year. *ret is malloc'ed DER.
 */
int tconn_issuer_issue(const struct tconn_issuer *issuer, const struct tconn_identity *identity,
		       enum tconn_use use, const struct tconn_blob *pub, uint8_t **ret,
		       size_t *ret_len, uint8_t ret_serial[TCONN_SERIAL_BYTES],
		       struct tconn_error *err);

#endif
