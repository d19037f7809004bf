/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence (RATS): what one side hands to the other's verifier. CBOR map with
 * integer keys, see PROTOCOL.md. evidence.c encodes and decodes; collect.c
 * gathers it from this machine.
 */
#ifndef TCONN_EVIDENCE_H
#define TCONN_EVIDENCE_H

#include "bytes.h"
#include "identity.h"
#include "log.h"
#include "system.h"
#include "tpm.h"

#define TCONN_EVIDENCE_MAX (40u << 20)	/* bytes */
#define TCONN_PCR_MASK 0x7fffu		/* 0..14 */

/* How much of an IMA log a verifier has: bytes of the boot that these counts name. */
struct tconn_held {
	uint32_t reset_count, restart_count;	/* as quoted */
	uint64_t bytes;				/* 0: nothing */
};

struct tconn_evidence {
	struct tconn_blob ak;		/* TPMT_PUBLIC */
	struct tconn_bytes ak_cert;	/* DER */
	struct tconn_quote quote;
	struct tconn_bytes boot_log, ima_log, tconn_log;	/* empty where the machine has none */
	char kernel[128];		/* uname release; a hint */
	uint64_t ima_base;		/* bytes of the IMA log that were left out at its start */
	struct tconn_system system;	/* empty where the machine does not say */
};
void tconn_evidence_free(struct tconn_evidence *e);

int tconn_evidence_encode(const struct tconn_evidence *e, struct tconn_bytes *ret, struct tconn_error *err);
int tconn_evidence_decode(const uint8_t *buf, size_t len, struct tconn_evidence *ret, struct tconn_error *err);

/* Where the logs are read: NULL members mean the standard places
 * (/sys/kernel/security/{tpm0/binary_bios_measurements,ima/binary_runtime_measurements,tconn/log}).
 * A file that does not exist gives an empty log.
 */
struct tconn_sources {
	const char *boot_log, *ima_log, *tconn_log;
	const char *identity_dir;	/* for ak.pem */
	const char *confined;		/* where tconn-confine notes what it started; NULL: not asked */
};
/* Quote first, logs after it: the logs may be longer than the quote says, never shorter. */
int tconn_evidence_collect(struct tconn_tpm *tpm, const struct tconn_sources *src,
			   const uint8_t qualifying[32], struct tconn_evidence *ret,
			   struct tconn_error *err);

/* Leaves out of the IMA log what a verifier holds, if it holds it of this boot. */
int tconn_evidence_cut(struct tconn_evidence *e, const struct tconn_held *held,
		       struct tconn_error *err);

/*
 * qualifyingData, PROTOCOL.md: binds a quote to purpose, role, nonce, TLS
 * session and both leaf certificates (and to extra where the purpose is an answer).
 */
struct tconn_binding {
	enum tconn_role role;		/* of the attester */
	uint8_t nonce[32];		/* the verifier's */
	uint8_t exporter[32];		/* of this TLS session, role-specific label */
	uint8_t own_leaf[32];		/* SHA-256 of the attester's TLS certificate */
	uint8_t peer_leaf[32];		/* SHA-256 of the verifier's */
};
void tconn_qualifying(const struct tconn_binding *b, const uint8_t extra[32] /* or NULL */,
		      uint8_t ret[32]);

#endif
