/* SPDX-License-Identifier: Apache-2.0 */
/* The TPM, as root of the REE has it. */
#ifndef ATTACK_TPM_H
#define ATTACK_TPM_H

#include <stdint.h>

#define TPM_DIGEST_SIZE 32

/* Extends a PCR of the sha256 bank; 0, a negative errno, or the TPM's error code. */
int tpm_extend(unsigned int pcr, const uint8_t digest[TPM_DIGEST_SIZE]);

#endif
