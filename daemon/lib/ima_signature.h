/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File signatures as IMA measures them (template ima-sig): version 2 of the kernel's
 * signature header, which is type 3 (u8), version 2 (u8), hash algorithm (u8), key id
 * (u32 big-endian), length (u16 big-endian), signature; the signed digest is the file's.
 * RSA (PKCS#1 1.5) and ECDSA, SHA-256 only. evmctl(1) makes them.
 */
#ifndef TCONN_IMA_SIGNATURE_H
#define TCONN_IMA_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_IMA_KEYS_MAX	16

struct tconn_ima_keys;
/* pem: a public key or an X.509 certificate. *keys may be NULL at first. -EBADMSG no such
 * PEM, -ENOTSUP another kind of key, -EEXIST a key with that id is there, -E2BIG.
 */
int tconn_ima_keys_add(struct tconn_ima_keys **keys, const char *pem, size_t len,
		       struct tconn_error *err);
void tconn_ima_keys_free(struct tconn_ima_keys *keys);	/* accepts NULL */

/* 0; -EBADMSG malformed, -ENOKEY by a key that is not there (or keys is NULL),
 * -EKEYREJECTED wrong.
 */
int tconn_ima_signature_verify(const struct tconn_ima_keys *keys, const uint8_t digest[32],
			       const uint8_t *signature, size_t len, struct tconn_error *err);

#endif
