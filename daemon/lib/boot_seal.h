/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few bytes sealed to this TPM and to what it booted: a sealed data object of the TPM,
 * below a primary of the owner hierarchy, whose policy is the only way in (no password). It
 * travels to and from the TPM in a session salted to that primary and encrypted.
 *
 * Where the TPM was opened for a boot policy (boot_policy.h) the TPM opens it in each boot
 * state that the owner signed (PolicyAuthorize), so that it outlives an update. Elsewhere only
 * while the PCRs below have the values of the moment when it was sealed (PolicyPCR).
 *
 * TCONN_SEAL_PCRS, of the sha256 bank: who runs, not how it is set.
 *	0 firmware, 2 option ROMs, 4 what the firmware started (boot loader; a signed image
 *	with kernel, command line and initramfs in one), 7 Secure Boot's state and keys,
 *	8 and 9 what a boot loader started (kernel, command line, initramfs), 12 what was
 *	added to a signed image's command line, 14 keys that the machine's owner added (shim)
 * Left out: 1, 3, 5 and 6, which settings, order of boot devices and partitions change
 * without another program running; 10 (IMA), 13 (tconn) and 15, which grow as the system
 * runs; and 11, which has parts of what 4 has and which systemd extends as it starts.
 *
 * The file, little-endian:
 *	0	"TCSL"
 *	4	u16 version, 1
 *	6	u16 length of the public area, P
 *	8	u16 length of the private area, Q
 *	10	u16 zero
 *	12	u32 PCRs, bit n for PCR n: TCONN_SEAL_PCRS; 0: the owner's signed boot states
 *	16	32 bytes: SHA-256 of the parent's public area, by which a TPM knows its own
 *	48	P bytes TPMT_PUBLIC, Q bytes of the TPM2B_PRIVATE's buffer
 * It is no secret. Who can write it can have another thing unsealed, or nothing; hence
 * what is sealed proves itself to a person only by being what they know.
 */
#ifndef TCONN_BOOT_SEAL_H
#define TCONN_BOOT_SEAL_H

#include <stdbool.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

#include "bytes.h"
#include "error.h"

#define TCONN_SEAL_PCRS		0x5395u
#define TCONN_SEAL_MAX		128		/* bytes of a secret, as every TPM takes */
#define TCONN_SEAL_FILE_MAX	1024

struct tconn_tpm;

/* 1..TCONN_SEAL_MAX bytes; *ret is the file. -ENODATA: the TPM has no sha256 bank; -EACCES: with
 * a boot policy, what booted is not signed, so that it could not be opened again.
 */
int tconn_seal(struct tconn_tpm *tpm, const void *secret, size_t len, struct tconn_bytes *ret,
	       struct tconn_error *err);

/* The caller wipes ret. -EBADMSG not of this form, or altered; -EXDEV sealed by another
 * TPM, or by this one before it was cleared; -EACCES what booted is not what was then, or not
 * what the owner signed.
 */
int tconn_unseal(struct tconn_tpm *tpm, const void *file, size_t len, uint8_t ret[TCONN_SEAL_MAX],
		 size_t *ret_len, struct tconn_error *err);

/* Is the file sealed to what tconn_seal() would seal to, PCRs or signed states? To be sealed anew
 * where not. False for what is no sealed file.
 */
bool tconn_seal_is_current(const struct tconn_tpm *tpm, const void *file, size_t len);

/* The form alone, for tconn_unseal() and tests. */
struct tconn_sealed {
	bool to_signed_states;
	uint8_t parent[32];
	TPM2B_PUBLIC public;
	TPM2B_PRIVATE private;
};
int tconn_sealed_parse(const void *file, size_t len, struct tconn_sealed *ret,
		       struct tconn_error *err);

#endif
