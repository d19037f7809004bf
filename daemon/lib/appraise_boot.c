// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "appraise_part.h"
#include "digest.h"
#include "pcr.h"

#define PCR_FIRMWARE_MAX	9	/* 0..9: firmware, boot loader and stub alone */
#define TEXT_MAX		64	/* bytes of an action's text */
#define EV_SEPARATOR		4u
#define EV_ACTION		5u
#define EV_EFI_ACTION		0x80000007u

struct replay {
	struct tconn_pcrs pcrs;
	uint32_t logged;	/* bit n: something was extended into PCR n */
	size_t events;
	struct tconn_error err;
};

static int replay_event(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct replay *r = arg;

	r->events = index + 1;
	if (e->type != TCONN_EV_NO_ACTION)
		r->logged |= 1u << e->pcr;
	return tconn_pcr_replay_boot(&r->pcrs, e, &r->err);
}

/* PCR 0-9 must be what the log says, even where it says nothing. Of the others
 * userspace may extend 11, 12 and 14 later, so they count only where logged; 10
 * and the module's have logs of their own. Reference values can want them exact.
 */
static bool must_match(const struct replay *r, uint32_t exact, unsigned int pcr)
{
	return (exact & 1u << pcr) || pcr <= PCR_FIRMWARE_MAX || (r->logged & TCONN_PCR_MASK & 1u << pcr);
}

bool tconn_check_boot_log(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->boot_log;
	const struct tconn_pcrs *quoted = &a->evidence->quote.pcrs;
	const uint32_t exact = a->refvals ? a->refvals->pcr_exact : 0;
	struct replay r = { .events = 0 };

	tconn_pcrs_reset(&r.pcrs);
	if (tconn_boot_walk(log->data, log->len, replay_event, &r, &r.err))
		return tconn_refuse(why, "%.250s", r.err.text);
	for (unsigned int i = 0; i < TCONN_PCR_COUNT; i++) {
		if (!must_match(&r, exact, i) || tconn_pcr_equal(r.pcrs.digest[i], quoted->digest[i]))
			continue;
		return tconn_refuse(why, "PCR %u is %s in the quote, but the firmware log replays to %s",
				    i, tconn_digest_short(quoted->digest[i]).text,
				    tconn_digest_short(r.pcrs.digest[i]).text);
	}
	if (!r.events)
		return tconn_pass(why, "no firmware log, and PCR 0-9 are zero");
	return tconn_pass(why, "%zu events replay to the quoted PCRs", r.events);
}

struct listing {
	const struct tconn_refvals *refvals;
	bool seen[TCONN_REFVALS_EVENTS];
	struct tconn_reason *why;
};

/* Short and printable: no program, no ramdisk, no UTF-16. */
static bool is_text(const struct tconn_boot_event *e)
{
	for (size_t i = 0; i < e->data_len; i++) {
		if (e->data[i] < 0x20 || e->data[i] > 0x7e)
			return false;
	}
	return e->data_len <= TEXT_MAX;
}

static bool is_separator(const struct tconn_boot_event *e)
{
	return e->data_len == 4 && (!memcmp(e->data, "\0\0\0\0", 4) ||
				    !memcmp(e->data, "\xff\xff\xff\xff", 4));
}

/* The type is not measured, the data is. */
bool tconn_boot_is_remark(const struct tconn_boot_event *e)
{
	uint8_t digest[32];

	if (e->type == TCONN_EV_NO_ACTION)
		return true;
	if (e->type == EV_SEPARATOR ? !is_separator(e) : !is_text(e))
		return false;
	if (e->type != EV_SEPARATOR && e->type != EV_ACTION && e->type != EV_EFI_ACTION)
		return false;
	tconn_sha256(e->data, e->data_len, digest);
	return tconn_pcr_equal(digest, e->digest);
}

/* Linear in the list, which is short and the verifier's own. */
static bool is_listed(struct listing *l, const struct tconn_boot_event *e)
{
	for (size_t i = 0; i < l->refvals->event_count; i++) {
		const struct tconn_refvals_event *ref = &l->refvals->event[i];

		if (ref->pcr == e->pcr && ref->type == e->type &&
		    tconn_pcr_equal(ref->digest, e->digest)) {
			l->seen[i] = true;
			return true;
		}
	}
	return false;
}

static int compare_event(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct listing *l = arg;

	if (e->pcr >= TCONN_PCR_COUNT || !(l->refvals->pcr_closed & 1u << e->pcr))
		return 0;
	if (is_listed(l, e) || tconn_boot_is_remark(e))
		return 0;
	tconn_refuse(l->why, "PCR %u, event %zu: digest %s (type %#x) is not on the list", e->pcr,
		     index, tconn_digest_text(e->digest).text, e->type);
	return 1;
}

bool tconn_check_boot_reference(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->boot_log;
	const struct tconn_refvals *refvals = a->refvals;
	struct listing l = { .refvals = refvals, .why = why };
	struct tconn_error err = { "" };
	int error;

	if (refvals->kernel[0] && strcmp(refvals->kernel, a->evidence->kernel))
		return tconn_refuse(why, "kernel %.80s runs there, %.80s is expected by %.60s",
				    a->evidence->kernel, refvals->kernel, refvals->name);
	error = tconn_boot_walk(log->data, log->len, compare_event, &l, &err);
	if (error < 0)
		return tconn_refuse(why, "%.250s", err.text);
	if (error)
		return false;	/* compare_event() said why */
	for (size_t i = 0; i < refvals->event_count; i++) {
		if (!l.seen[i])
			return tconn_refuse(why, "PCR %u: %s (%s) was not measured",
					    refvals->event[i].pcr, refvals->event[i].what,
					    tconn_digest_short(refvals->event[i].digest).text);
	}
	return tconn_pass(why, "%zu listed events, as %.128s says", refvals->event_count,
			  refvals->name);
}
