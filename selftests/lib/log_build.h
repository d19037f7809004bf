/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurement logs made for tests, entry by entry, byte for byte as firmware,
 * IMA and tconn.ko write them, so that a test can take one away, add one or
 * change their order. Digests are computed here with EVP, not with the code
 * under test.
 */
#ifndef TCONN_LOG_BUILD_H
#define TCONN_LOG_BUILD_H

#include "daemon/lib/evidence.h"

#define LOG_ENTRIES_MAX	64
#define LOG_ENTRY_MAX	1024

struct log_entry {
	uint8_t bytes[LOG_ENTRY_MAX];
	size_t len;
	bool extended;		/* into pcr, with digest */
	uint32_t pcr;
	uint8_t digest[32];
};

struct log {
	size_t count;
	struct log_entry entry[LOG_ENTRIES_MAX];
};

void log_remove(struct log *log, size_t index);
void log_swap(struct log *log, size_t a, size_t b);
/* *ret is malloc'ed; what it held before is freed. */
void log_join(const struct log *log, struct tconn_bytes *ret);
int log_extend(const struct log *log, struct tconn_tpm *tpm, struct tconn_error *err);
void log_sha256(const void *data, size_t len, uint8_t ret[32]);

/* Firmware log: the spec id event (sha1 and sha256), then events over their data. */
void log_boot_begin(struct log *log);
void log_boot_add(struct log *log, uint32_t pcr, uint32_t type, const void *data, size_t len);

#define EV_NO_ACTION		3u
#define EV_SEPARATOR		4u
#define EV_EVENT_TAG		6u
#define EV_S_CRTM_VERSION	8u
#define EV_IPL			0xdu
#define EV_EFI_APPLICATION	0x80000003u	/* boot services application */

/* IMA: template ima-ng, ima-sig or ima-buf; content is hashed for the d-ng field. */
void log_ima_add(struct log *log, const char *template, const char *path, const void *content,
		 size_t len);
void log_ima_violation(struct log *log, const char *path);
/* The same with a digest given: boot_aggregate. */
void log_ima_add_digest(struct log *log, const char *template, const char *path,
			const char *alg, const uint8_t *digest, size_t digest_len);

void log_tconn_add(struct log *log, uint32_t pcr, uint32_t type, const void *data, size_t len);

#endif
