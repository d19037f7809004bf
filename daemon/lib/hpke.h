/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HPKE (RFC 9180), base mode, one message a context: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, ChaCha20Poly1305. libcrypto has the primitives; version 3.0 has no
 * HPKE of its own.
 */
#ifndef TCONN_HPKE_H
#define TCONN_HPKE_H

#include <stddef.h>
#include <stdint.h>

#define TCONN_HPKE_KEY		32	/* bytes of a key, and of what is encapsulated */
#define TCONN_HPKE_TAG		16	/* bytes that a message grows by */
#define TCONN_HPKE_INFO_MAX	128	/* bytes */
#define TCONN_HPKE_TEXT_MAX	256	/* bytes of plaintext */

struct tconn_hpke_bytes {
	const uint8_t *data;
	size_t len;
};

/*
 * To the holder of the private half. ret_sealed gets what is encapsulated, then
 * the ciphertext: TCONN_HPKE_KEY + text.len + TCONN_HPKE_TAG bytes.
 * -EKEYREJECTED: public is a point of low order; -EINVAL: over a limit; -EIO:
 * libcrypto fails.
 */
int tconn_hpke_seal(const uint8_t public[TCONN_HPKE_KEY], struct tconn_hpke_bytes info,
		    struct tconn_hpke_bytes aad, struct tconn_hpke_bytes text, uint8_t *ret_sealed);

/*
 * ret_text gets sealed.len - TCONN_HPKE_KEY - TCONN_HPKE_TAG bytes, and nothing
 * where it fails. -EBADMSG: too short or too long; -EKEYREJECTED: not sealed to
 * this key with this info and aad, or changed since.
 */
int tconn_hpke_open(const uint8_t private[TCONN_HPKE_KEY], const uint8_t public[TCONN_HPKE_KEY],
		    struct tconn_hpke_bytes info, struct tconn_hpke_bytes aad,
		    struct tconn_hpke_bytes sealed, uint8_t *ret_text);

#endif
