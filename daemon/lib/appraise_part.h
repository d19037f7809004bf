/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between appraise.c, which runs the checks in order, and appraise_*.c, which make those about
 * logs, keys and settings.
 */
#ifndef TCONN_APPRAISE_PART_H
#define TCONN_APPRAISE_PART_H

#include "appraise.h"
#include "refvals.h"

#define TCONN_PCR_IMA	10

struct tconn_appraising {
	const struct tconn_evidence *evidence;
	const struct tconn_refvals *refvals;	/* NULL: there are none */
	const struct tconn_appraisal *in;
	struct tconn_quote_info info;		/* valid once quote-signature passed */
	size_t ima_prefix;			/* entries shown that the quote covers */
	struct tconn_ima_state ima;		/* after them; ima-log and ima-reference fill it */
	size_t tconn_prefix;			/* events that the quote covers */
};

struct tconn_reason {
	char text[256];
	bool warning;		/* of a check that passes */
};

/* One check: the result, and always a reason. Preconditions hold when called. */
typedef bool (*tconn_check_fn)(struct tconn_appraising *a, struct tconn_reason *why);

bool tconn_check_key_policy(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_boot_log(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_boot_reference(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_secure_boot(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_system(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_ima_log(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_ima_reference(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_tconn_log(struct tconn_appraising *a, struct tconn_reason *why);
bool tconn_check_tconn_reference(struct tconn_appraising *a, struct tconn_reason *why);

/* What firmware says of its own doings: EV_SEPARATOR, EV_ACTION, EV_EFI_ACTION as appraise.h
 * has it, and what is extended nowhere.
 */
bool tconn_boot_is_remark(const struct tconn_boot_event *e);

/* They return their name's result, so that a check ends with `return tconn_pass(...)`. reserve
 * passes what is weaker than it could be: the verdict is then a warning.
 */
bool tconn_pass(struct tconn_reason *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool tconn_reserve(struct tconn_reason *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool tconn_refuse(struct tconn_reason *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A digest in words; by value, so that two fit in one printf. */
struct tconn_digest_text {
	char text[2 * 32 + 1];
};
struct tconn_digest_text tconn_digest_text(const uint8_t digest[32]);
/* The first 8 bytes and "..": enough to tell two values apart. */
struct tconn_digest_text tconn_digest_short(const uint8_t digest[32]);

#endif
