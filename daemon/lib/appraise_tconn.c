// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "../../kmod/uapi/tconn.h"
#include "appraise_part.h"
#include "pcr.h"

#define PCR_DEFAULT	13
#define DONE		1	/* stops a walk: the quote covers nothing further */
#define REFUSED		2	/* stops a walk: the reason is given */

struct replay {
	uint32_t pcr;
	const uint8_t *quoted;	/* value of that PCR */
	struct tconn_pcrs pcrs;
	size_t events, prefix;
	struct tconn_reason *why;
};

static bool check_order(const struct tconn_log_event *e, size_t index, struct tconn_reason *why)
{
	if (!index && e->type != TCONN_EVENT_BOOT)
		return tconn_refuse(why, "the module's log does not begin with its boot event");
	if (index && e->type == TCONN_EVENT_BOOT)
		return tconn_refuse(why, "event %zu is a second boot event: the module was loaded twice, or somebody plays the module",
				    index);
	return true;
}

static int replay_event(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct replay *r = arg;

	if (!check_order(e, index, r->why))
		return REFUSED;
	if (e->pcr != r->pcr) {
		tconn_refuse(r->why, "event %zu is for PCR %u, not %u", index, e->pcr, r->pcr);
		return REFUSED;
	}
	tconn_pcr_replay(&r->pcrs, r->pcr, e->digest);
	r->events = index + 1;
	if (!r->prefix && tconn_pcr_equal(r->pcrs.digest[r->pcr], r->quoted))
		r->prefix = r->events;
	return 0;
}

static bool is_required(const struct tconn_appraising *a)
{
	return !a->refvals || a->refvals->tconn_required;
}

bool tconn_check_tconn_log(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->tconn_log;
	struct replay r = { .pcr = a->refvals ? a->refvals->tconn_pcr : PCR_DEFAULT, .why = why };
	struct tconn_error err = { "" };
	int error;

	if (!log->len && !is_required(a))
		return tconn_pass(why, "not required");
	if (!log->len)
		return tconn_refuse(why, "the module's log is empty: is tconn.ko loaded?");
	r.quoted = a->evidence->quote.pcrs.digest[r.pcr];
	tconn_pcrs_reset(&r.pcrs);
	error = tconn_log_walk(log->data, log->len, replay_event, &r, &err);
	if (error < 0)
		return tconn_refuse(why, "%.250s", err.text);
	if (error)
		return false;
	if (!r.prefix)
		return tconn_refuse(why, "no prefix of the %zu events replays to the quoted PCR %u (%s): one is missing, added or changed",
				    r.events, r.pcr, tconn_digest_short(r.quoted).text);
	a->tconn_prefix = r.prefix;
	return tconn_pass(why, "%zu events replay to the quoted PCR %u", r.prefix, r.pcr);
}

struct comparison {
	const struct tconn_refvals *refvals;
	size_t prefix;
	size_t policies, apps, records;
	bool developer;			/* the module takes a policy that is not signed */
	bool unsigned_policy;
	uint8_t boot_id[TCONN_ID_SIZE];
	struct tconn_reason *why;
};

static const char *refusal_name(uint32_t reason)
{
	static const char *const names[] = {
		[TCONN_REFUSAL_NONE] = "no reason given",
		[TCONN_REFUSAL_NO_POLICY] = "no policy is loaded",
		[TCONN_REFUSAL_NOT_LISTED] = "not on the policy",
		[TCONN_REFUSAL_MAPPING] = "foreign executable mapping",
		[TCONN_REFUSAL_TRACED] = "traced or dumpable",
		[TCONN_REFUSAL_NO_TPM] = "no TPM",
		[TCONN_REFUSAL_NO_INDICATOR] = "no indicator",
		[TCONN_REFUSAL_NO_INPUT] = "no input device",
		[TCONN_REFUSAL_NO_DISPLAY] = "no display",
		[TCONN_REFUSAL_MEASURE] = "its digest was not obtainable",
		[TCONN_REFUSAL_CONFINED] = "started inside the REE",
	};

	if (reason < sizeof(names) / sizeof(names[0]))
		return names[reason];
	return "unknown reason";
}

static bool check_boot(struct comparison *c, const struct tconn_log_event *e)
{
	struct tconn_event_boot boot;

	memcpy(&boot, e->data, sizeof(boot));
	memcpy(c->boot_id, boot.boot_id, sizeof(c->boot_id));
	if (boot.abi != TCONN_ABI)
		return tconn_refuse(c->why, "the module speaks ABI %u, not %u", boot.abi, TCONN_ABI);
	if (boot.flags & ~TCONN_BOOT_DEVELOPER)
		return tconn_refuse(c->why, "the module's boot event has unknown flags, %u", boot.flags);
	c->developer |= boot.flags != 0;
	if (boot.flags && !c->refvals->tconn_developer)
		return tconn_refuse(c->why, "the module was loaded in developer mode");
	return true;
}

static bool check_policy_flags(struct comparison *c, const struct tconn_event_policy *policy)
{
	if (policy->flags & ~TCONN_POLICY_SIGNED)
		return tconn_refuse(c->why, "the policy's event has unknown flags, %u",
				    policy->flags);
	if (!policy->flags && !c->refvals->tconn_developer)
		return tconn_refuse(c->why, "policy %s is not signed",
				    tconn_digest_text(policy->digest).text);
	return true;
}

static bool check_policy(struct comparison *c, const struct tconn_log_event *e)
{
	struct tconn_event_policy policy;

	memcpy(&policy, e->data, sizeof(policy));
	c->policies++;
	if (!check_policy_flags(c, &policy))
		return false;
	c->unsigned_policy |= !policy.flags;
	if (tconn_digests_have(c->refvals->policy, policy.digest))
		return true;
	return tconn_refuse(c->why, "policy %s is not on the list",
			    tconn_digest_text(policy.digest).text);
}

static bool check_app(struct comparison *c, const struct tconn_log_event *e)
{
	struct tconn_event_app app;
	int len;

	memcpy(&app, e->data, sizeof(app));
	len = (int)strnlen(app.path, 100);
	if (app.admitted != 1)
		return tconn_refuse(c->why, "refused app %.*s, sha256 %s: %s", len, app.path,
				    tconn_digest_text(app.digest).text, refusal_name(app.reason));
	c->apps++;
	if (tconn_digests_have(c->refvals->app, app.digest))
		return true;
	return tconn_refuse(c->why, "app %.*s, sha256 %s, is not on the list", len, app.path,
			    tconn_digest_text(app.digest).text);
}

static bool check_record(struct comparison *c, const struct tconn_log_event *e)
{
	struct tconn_record record;

	memcpy(&record, e->data, sizeof(record));
	c->records++;
	if (memcmp(record.magic, "TCNR", 4) || record.version != 2 || record.size != sizeof(record))
		return tconn_refuse(c->why, "record %zu has another magic, version or size",
				    c->records);
	if (memcmp(record.boot_id, c->boot_id, sizeof(c->boot_id)))
		return tconn_refuse(c->why, "record %zu is of another boot of the module", c->records);
	if (!tconn_digests_have(c->refvals->app, record.app_digest))
		return tconn_refuse(c->why, "record %zu is of app %s, which is not on the list",
				    c->records, tconn_digest_text(record.app_digest).text);
	if (!tconn_digests_have(c->refvals->policy, record.policy_digest))
		return tconn_refuse(c->why, "record %zu is under policy %s, which is not on the list",
				    c->records, tconn_digest_text(record.policy_digest).text);
	return true;
}

static bool check_event(struct comparison *c, const struct tconn_log_event *e)
{
	switch (e->type) {
	case TCONN_EVENT_BOOT:
		return check_boot(c, e);
	case TCONN_EVENT_POLICY:
		return check_policy(c, e);
	case TCONN_EVENT_APP:
		return check_app(c, e);
	case TCONN_EVENT_RECORD:
		return check_record(c, e);
	default:
		return tconn_refuse(c->why, "event of unknown type %u", e->type);
	}
}

static int compare_event(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct comparison *c = arg;

	if (index >= c->prefix)
		return DONE;
	return check_event(c, e) ? 0 : REFUSED;
}

bool tconn_check_tconn_reference(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->tconn_log;
	struct comparison c = { .refvals = a->refvals, .prefix = a->tconn_prefix, .why = why };
	struct tconn_error err = { "" };
	int error;

	if (!log->len)
		return tconn_pass(why, "not required");
	error = tconn_log_walk(log->data, log->len, compare_event, &c, &err);
	if (error < 0)
		return tconn_refuse(why, "%.250s", err.text);
	if (error == REFUSED)
		return false;
	if (!c.policies)
		return tconn_refuse(why, "the module has no policy: load one before tconnd starts");
	if (c.developer || c.unsigned_policy)
		return tconn_reserve(why, "DEVELOPER MODE%s: policy and %zu admissions of apps as %.100s says, %zu records",
				     c.unsigned_policy ? ", policy not signed" : "", c.apps,
				     a->refvals->name, c.records);
	return tconn_pass(why, "policy and %zu admissions of apps as %.100s says, %zu records",
			  c.apps, a->refvals->name, c.records);
}

/* For answers. The PCR is the events' own, which tconn-log has compared with the
 * reference values before.
 */
struct last_record {
	const struct tconn_pcrs *quoted;
	struct tconn_pcrs pcrs;
	bool covered, found;
	struct tconn_record pending, record;
	bool has_pending;
};

static int find_record(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct last_record *l = arg;

	(void)index;
	tconn_pcr_replay(&l->pcrs, e->pcr, e->digest);
	if (e->type == TCONN_EVENT_RECORD) {
		memcpy(&l->pending, e->data, sizeof(l->pending));
		l->has_pending = true;
	}
	if (!tconn_pcr_equal(l->pcrs.digest[e->pcr], l->quoted->digest[e->pcr]))
		return 0;
	l->covered = true;
	l->found = l->has_pending;
	l->record = l->pending;
	return DONE;
}

int tconn_evidence_last_record(const struct tconn_evidence *e, struct tconn_record *ret,
			       struct tconn_error *err)
{
	struct last_record l = { .quoted = &e->quote.pcrs };
	int error;

	tconn_pcrs_reset(&l.pcrs);
	error = tconn_log_walk(e->tconn_log.data, e->tconn_log.len, find_record, &l, err);
	if (error < 0)
		return error;
	if (!l.covered)
		return tconn_fail(err, -EBADMSG, "no prefix of the module's log is covered by the quote");
	if (!l.found)
		return tconn_fail(err, -ENOENT, "the quoted part of the module's log has no record");
	*ret = l.record;
	return 0;
}
