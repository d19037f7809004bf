/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot states that a device's owner allows, each signed: what keys are sealed to that must
 * outlive an update (TPM 2.0 Library, part 3: PolicyPCR, PolicyAuthorize). The keys know the
 * signer alone; a new image brings its own signed state with it.
 *
 * The file, little-endian, at most TCONN_BOOT_POLICY_MAX bytes; zeroes may follow, so that
 * it can be a partition's content:
 *	0	"TCBP"
 *	4	u16 version, 1
 *	6	u16 count of states, 1..TCONN_BOOT_STATES
 *	8	256 bytes: the modulus of the signer's RSA-2048 key, big-endian; its exponent is 65537
 *	264	count times 292 bytes, newest first:
 *		0	u32 PCRs of the sha256 bank, bit n for PCR n
 *		4	32 bytes: policyDigest after PolicyPCR of these PCRs' values
 *		36	256 bytes: RSASSA-PKCS1-v1_5 with SHA-256 over policyDigest || "tconn-boot-1"
 * RSA, because its signatures are the same each time, and so is an image that holds one. The file
 * is no secret, and needs no guard: the TPM takes from it only what the signer signed.
 */
#ifndef TCONN_BOOT_POLICY_H
#define TCONN_BOOT_POLICY_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>
#include "error.h"

#define TCONN_BOOT_STATES	8
#define TCONN_BOOT_POLICY_MAX	4096
#define TCONN_BOOT_KEY		256	/* bytes of modulus and signature */
#define TCONN_BOOT_POLICY_REF	"tconn-boot-1"

struct tconn_pcrs;

struct tconn_boot_state {
	uint32_t pcrs;
	uint8_t policy[32];
	uint8_t signature[TCONN_BOOT_KEY];
};

struct tconn_boot_policy {
	uint8_t signer[TCONN_BOOT_KEY];
	size_t count;
	struct tconn_boot_state state[TCONN_BOOT_STATES];
};

/* -EBADMSG not of this form. */
int tconn_boot_policy_parse(const uint8_t *buf, size_t len, struct tconn_boot_policy *ret,
			    struct tconn_error *err);
/* The file, or a block device that begins with it. */
int tconn_boot_policy_load(const char *path, struct tconn_boot_policy *ret,
			   struct tconn_error *err);
/* -EKEYREJECTED where its signer is not the certificate's key. path: PEM. */
int tconn_boot_policy_check_signer(const struct tconn_boot_policy *p, const char *path,
				   struct tconn_error *err);

/* policyDigest after PolicyPCR where the PCRs have these values. */
void tconn_boot_policy_pcr(const struct tconn_pcrs *pcrs, uint8_t ret[32]);
/* The public area by which a TPM takes the signer's key, and authPolicy of keys sealed to it. */
void tconn_boot_policy_public(const uint8_t signer[TCONN_BOOT_KEY], TPMT_PUBLIC *ret);
int tconn_boot_policy_authorize(const uint8_t signer[TCONN_BOOT_KEY], uint8_t ret[32], struct tconn_error *err);

#endif
