/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PIN for this device's TPM, from the side where it was typed: a key in the TPM whose authValue is
 * made of the PIN signs (pin_key.h), and the TPM is what says whether it was the right one. The
 * side that has the PIN has no TPM, and the side that has the TPM must not have the PIN. So this
 * side computes what a salted HMAC session needs, and the other one only carries it (TPM 2.0
 * Library, part 1; clauses of revision 1.59):
 *
 *	salt		chosen here and encrypted to the EK: TPM2_StartAuthSession with tpmKey, not
 *			bound (19.6.8, 19.6.10; annexes B.10.2 for RSA, C.6.1 for ECC, label SECRET)
 *	sessionKey	KDFa(SHA-256, salt, "ATH", nonceTPM, nonceCaller, 256)		(19.6.8)
 *	authorisation	HMAC(sessionKey || authValue, cpHash || nonceCaller || nonceTPM || attributes)
 *			with SHA-256, cpHash over command code, Name of the handle and parameters
 *			(18.7, 19.4); the answer's likewise, over rpHash, which this side checks
 *	first parameter	of TPM2_Create, with authValue in it: AES-128-CFB (21.3)
 *	wrong PINs	counted by the TPM, for the key has no noDA (19.8)
 *
 * The EK is the one thing to be sure of: who could put a key of their own in its place would have
 * the salt, and could then try all PINs against one HMAC. It is taken by its device id, which is
 * the SHA-256 of its public area: whoever calls this has that from a service whose signature they
 * checked, not from the carrier. So is the Name of the PIN's key: of a key with another Name the
 * carrier could have made copies with all authValues there are.
 *
 * The authValue is 32 bytes whatever the PIN's length:
 *	SHA-256("tconn-pin-auth-1" || device id (32) || count (1) || digits || zeros, 16 in all),
 *	its last bit set, for a TPM cuts zero bytes off an authValue's end (part 1, 19.6.5)
 *
 * Two messages each way, little-endian, what is TPM's own in its order. None of them tells the
 * PIN, its length, or, without the salt, whether some PIN is the right one:
 *	OPEN	(this side) u16 1, u16 length of secret 1..384, nonceCaller (32), secret: the buffer
 *		of a TPM2B_ENCRYPTED_SECRET
 *	OPENED	u16 2, u16 0, nonceTPM (32), the storage key's Name (34)
 *	COMMAND	(this side) u16 3, u16 length of parameters 1..512, u8 what (1 make, 2 sign),
 *		u8 session attributes, nonceCaller (32), HMAC (32), parameters
 *	RESULT	u16 4, u16 length of parameters 0..2048, u32 response code; where that is 0: u8
 *		session attributes, nonceTPM (32), HMAC (32), parameters
 * Needs libcrypto alone, no TPM library: it is linked into a static program.
 */
#ifndef TCONN_PIN_SESSION_H
#define TCONN_PIN_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pin_proof.h"
#include "sealed_pin.h"

#define TCONN_PIN_TALK_MAX	2304	/* bytes of the longest message */
#define TCONN_PIN_SECRET_MAX	384
#define TCONN_PIN_COMMAND_MAX	512	/* bytes of parameters */
#define TCONN_PIN_RESULT_MAX	2048
#define TCONN_PIN_NAME		34	/* bytes: 000b and SHA-256 */

enum tconn_pin_talk { TCONN_PIN_OPEN = 1, TCONN_PIN_OPENED, TCONN_PIN_COMMAND, TCONN_PIN_RESULT };
enum tconn_pin_what { TCONN_PIN_MAKE = 1, TCONN_PIN_SIGN };

struct tconn_pin_message {
	size_t len;
	uint8_t data[TCONN_PIN_TALK_MAX];
};

/* One message, taken apart; what its type does not have is zero. Borrows from the buffer. */
struct tconn_pin_parts {
	enum tconn_pin_talk type;
	enum tconn_pin_what what;
	uint8_t attributes;
	uint32_t rc;
	const uint8_t *nonce, *hmac, *name;
	const uint8_t *body;		/* secret, or parameters */
	size_t body_len;
};

/* -EBADMSG: not of this form. */
int tconn_pin_message_parse(const void *buf, size_t len, struct tconn_pin_parts *ret,
			    struct tconn_error *err);
/* The other way; lengths are the caller's to keep. */
void tconn_pin_message_build(const struct tconn_pin_parts *from, struct tconn_pin_message *ret);

/* Secret but for the nonces and the command: the caller wipes it. */
struct tconn_pin_session {
	uint8_t device[32];
	uint8_t salt[48];
	size_t salt_len;
	uint8_t key[32];
	uint8_t auth[32];
	uint8_t nonce_caller[32], nonce_tpm[32];
	enum tconn_pin_what what;
};

/* ek: its TPMT_PUBLIC, marshalled. -EKEYREJECTED: it is not this device's. -EBADMSG: of no kind
 * that a session can be salted to. ret: OPEN.
 */
int tconn_pin_session_open(struct tconn_pin_session *s, const uint8_t device[32], const void *ek,
			   size_t ek_len, struct tconn_pin_message *ret, struct tconn_error *err);

/* To OPENED: a new key that this PIN authorises; or a signature over digest by the key of that Name.
 * ret: COMMAND. Each session serves once.
 */
int tconn_pin_session_make(struct tconn_pin_session *s, const void *opened, size_t len,
			   const struct tconn_pin *pin, struct tconn_pin_message *ret,
			   struct tconn_error *err);
int tconn_pin_session_sign(struct tconn_pin_session *s, const void *opened, size_t len,
			   const struct tconn_pin *pin, const uint8_t name[TCONN_PIN_NAME],
			   const uint8_t digest[32], struct tconn_pin_message *ret,
			   struct tconn_error *err);

/* To RESULT. 0: the TPM did it, and nobody changed its answer; *ret is its parameters, which borrow.
 * -EACCES the PIN is wrong; -EBUSY too many were: the TPM takes none for a while; -EKEYREJECTED the
 * answer is not the TPM's; -EBADMSG; -EIO any other response code.
 */
int tconn_pin_session_result(const struct tconn_pin_session *s, const void *result, size_t len,
			     struct tconn_pin_parts *ret, struct tconn_error *err);

/* The Name of the key that was made, out of such parameters. -EBADMSG. */
int tconn_pin_session_name(const struct tconn_pin_parts *made, uint8_t ret[TCONN_PIN_NAME],
			   struct tconn_error *err);

void tconn_pin_session_wipe(struct tconn_pin_session *s);

#endif
