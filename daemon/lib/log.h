/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurement logs, parsed and replayed. All are foreign bytes: every length is
 * checked before it is used, limits below, nothing is skipped silently. No
 * allocation proportional to anything but the input.
 *
 * log_ima.c	IMA binary_runtime_measurements (little-endian; pcr u32, template
 *		digest 20 bytes SHA-1, name len u32, name, data len u32, data).
 *		Templates ima-ng, ima-sig, ima-buf. The sha256 template digest is
 *		recomputed from the template data; a zero SHA-1 digest marks a
 *		violation (ToMToU, open-writers) and replays as 0xff..ff.
 * log_tconn.c	the module's log, <uapi/tconn.h>.
 * log_boot.c	TCG PC Client event log, crypto-agile (spec id event first).
 */
#ifndef TCONN_LOG_H
#define TCONN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "tpm.h"

#define TCONN_LOG_MAX		(16u << 20)	/* bytes, each log */
#define TCONN_LOG_EVENTS_MAX	200000u

/* Replayed PCRs start at zero; PCR 17-22 at ones; startup locality sets PCR 0. */
void tconn_pcrs_reset(struct tconn_pcrs *p);
void tconn_pcr_replay(struct tconn_pcrs *p, unsigned int pcr, const uint8_t digest[32]);

enum tconn_ima_template {
	TCONN_IMA_NG,
	TCONN_IMA_SIG,
	TCONN_IMA_BUF,
};
struct tconn_ima_event {
	uint32_t pcr;
	bool violation;
	enum tconn_ima_template template;
	const uint8_t *data;		/* template data, borrowed */
	size_t data_len;
	const uint8_t *digest;		/* of file or buffer; sha256 only, else digest_len tells */
	size_t digest_len;
	char digest_alg[16];
	const char *path;		/* path or event name, borrowed, not terminated */
	size_t path_len;
	const uint8_t *buf;		/* ima-buf: the data; ima-sig: the signature; else NULL */
	size_t buf_len;
};
struct tconn_boot_event {
	uint32_t pcr, type;
	uint8_t digest[32];		/* sha256 */
	const uint8_t *data;
	size_t data_len;
};
struct tconn_log_event {		/* of the module's log */
	uint32_t pcr, type;
	uint8_t digest[32];		/* already checked against type, len and data */
	const uint8_t *data;
	size_t data_len;
};

/* Called per event, in order; index from 0. Non-zero stops the walk and is returned. */
typedef int (*tconn_ima_fn)(const struct tconn_ima_event *e, size_t index, void *arg);
typedef int (*tconn_boot_fn)(const struct tconn_boot_event *e, size_t index, void *arg);
typedef int (*tconn_log_fn)(const struct tconn_log_event *e, size_t index, void *arg);

/* What was extended: SHA-256 of the template data, or 0xff.. for a violation. Not done by the
 * walk, because it is most of the work and not every walk wants it.
 */
void tconn_ima_template_digest(const struct tconn_ima_event *e, uint8_t ret[32]);

/* -EBADMSG with offset and reason in err, or fn's value, or 0. */
int tconn_ima_walk(const uint8_t *log, size_t len, tconn_ima_fn fn, void *arg, struct tconn_error *err);
int tconn_boot_walk(const uint8_t *log, size_t len, tconn_boot_fn fn, void *arg, struct tconn_error *err);
int tconn_log_walk(const uint8_t *log, size_t len, tconn_log_fn fn, void *arg, struct tconn_error *err);

#endif
