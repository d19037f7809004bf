// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/uapi/tconn.h"
#include "appraise_part.h"
#include "digest.h"
#include "ima_policy.h"
#include "pcr.h"

#define MODULE_PREFIX	"tconn-"
#define DONE		1	/* stops a walk: the quote covers nothing further */
#define REFUSED		2	/* stops a walk: the reason is given */

static bool is_named(const struct tconn_ima_event *e, const char *name)
{
	return e->path_len == strlen(name) && !memcmp(e->path, name, e->path_len);
}

static bool is_sha256(const struct tconn_ima_event *e)
{
	return e->digest_len == 32 && !strcmp(e->digest_alg, "sha256");
}

static int path_len(const struct tconn_ima_event *e)
{
	return e->path_len > 120 ? 120 : (int)e->path_len;
}

struct replay {
	const struct tconn_evidence *evidence;
	uint8_t aggregate[32];		/* of the quoted PCR 0-9 */
	struct tconn_pcrs pcrs;
	size_t entries;
	uint64_t bytes;
	bool whole;			/* the log from its beginning */
	struct tconn_reason *why;
};

static bool is_boot_aggregate(const struct tconn_ima_event *e, const uint8_t aggregate[32])
{
	return is_named(e, "boot_aggregate") && e->template != TCONN_IMA_BUF && !e->violation &&
	       is_sha256(e) && tconn_pcr_equal(e->digest, aggregate);
}

static int replay_entry(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct replay *r = arg;
	uint8_t digest[32];

	if (e->pcr != TCONN_PCR_IMA) {
		tconn_refuse(r->why, "entry %zu is for PCR %u; only PCR 10 is expected",
			     index, e->pcr);
		return REFUSED;
	}
	if (!index && r->whole && !is_boot_aggregate(e, r->aggregate)) {
		tconn_refuse(r->why, "the first entry is no boot_aggregate of the quoted PCR 0-9");
		return REFUSED;
	}
	tconn_ima_template_digest(e, digest);
	tconn_pcr_replay(&r->pcrs, TCONN_PCR_IMA, digest);
	r->entries = index + 1;
	/* An entry ends with its template data. */
	r->bytes = (uint64_t)(e->data + e->data_len - r->evidence->ima_log.data);
	if (tconn_pcr_equal(r->pcrs.digest[TCONN_PCR_IMA],
			    r->evidence->quote.pcrs.digest[TCONN_PCR_IMA]))
		return DONE;
	return 0;
}

/* Nothing was measured when the quote was made. */
static bool check_nothing(const struct tconn_appraising *a, struct tconn_reason *why)
{
	if (!a->refvals || a->refvals->ima_required)
		return tconn_refuse(why, "PCR 10 is zero: IMA measured nothing; boot with an IMA policy");
	return tconn_reserve(why, "not required, and PCR 10 is zero");
}

/* The log's end alone was shown: does it continue what is held? */
static bool check_held(const struct tconn_appraising *a, const uint8_t aggregate[32],
		       struct tconn_reason *why)
{
	const struct tconn_ima_state *s = a->in->state;

	if (!s || !s->held.bytes || s->held.bytes != a->evidence->ima_base)
		return tconn_refuse(why, "the log is shown from byte %llu on, and what is before that is not held here",
				    (unsigned long long)a->evidence->ima_base);
	if (s->held.reset_count != a->info.reset_count ||
	    s->held.restart_count != a->info.restart_count)
		return tconn_refuse(why, "the log is shown from byte %llu on, but it is of another boot than what is held",
				    (unsigned long long)a->evidence->ima_base);
	if (!tconn_pcr_equal(s->aggregate, aggregate))
		return tconn_refuse(why, "boot_aggregate is no longer that of the quoted PCR 0-9");
	return true;
}

/* After the entries that are covered; ima-reference adds the module's events. */
static void note_state(struct tconn_appraising *a, const struct replay *r)
{
	const struct tconn_ima_state *before = r->whole ? NULL : a->in->state;

	a->ima_prefix = r->entries;
	a->ima = (struct tconn_ima_state){
		.held = { a->info.reset_count, a->info.restart_count,
			  a->evidence->ima_base + r->bytes },
		.entries = (before ? before->entries : 0) + r->entries,
		.module_events = before ? before->module_events : 0,
	};
	memcpy(a->ima.pcr, r->pcrs.digest[TCONN_PCR_IMA], 32);
	memcpy(a->ima.aggregate, r->aggregate, 32);
}

static bool check_replayed(struct tconn_appraising *a, struct replay *r, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->ima_log;
	const uint8_t *quoted = a->evidence->quote.pcrs.digest[TCONN_PCR_IMA];
	struct tconn_error err = { "" };
	int error = DONE;

	if (r->whole || !tconn_pcr_equal(r->pcrs.digest[TCONN_PCR_IMA], quoted))
		error = tconn_ima_walk(log->data, log->len, replay_entry, r, &err);
	if (error < 0)
		return tconn_refuse(why, "%.250s", err.text);
	if (error == REFUSED)
		return false;
	if (!error)
		return tconn_refuse(why, "no prefix of the %zu entries replays to the quoted PCR 10 (%s): one is missing, added or changed",
				    r->entries, tconn_digest_short(quoted).text);
	note_state(a, r);
	if (r->whole)
		return tconn_pass(why, "%zu entries replay to the quoted PCR 10", r->entries);
	return tconn_pass(why, "%zu entries after the %llu that are known replay to the quoted PCR 10",
			  r->entries, (unsigned long long)a->in->state->entries);
}

bool tconn_check_ima_log(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_pcrs *quoted = &a->evidence->quote.pcrs;
	struct replay r = { .evidence = a->evidence, .whole = !a->evidence->ima_base, .why = why };

	if (tconn_pcr_is_zero(quoted->digest[TCONN_PCR_IMA]))
		return check_nothing(a, why);
	/* security/integrity/ima/ima_crypto.c: over PCR 0-9 for every algorithm but SHA-1. */
	tconn_pcrs_digest(quoted, 0x3ff, r.aggregate);
	tconn_pcrs_reset(&r.pcrs);
	if (!r.whole) {
		if (!check_held(a, r.aggregate, why))
			return false;
		memcpy(r.pcrs.digest[TCONN_PCR_IMA], a->in->state->pcr, 32);
	}
	return check_replayed(a, &r, why);
}

/* The module's events, as far as the IMA log repeats them. */
struct module_event {
	uint32_t type;
	uint8_t digest[32];	/* SHA-256 of the data */
};

struct module_events {
	struct module_event *event;
	size_t count, size, next;
};

struct comparison {
	const struct tconn_appraising *a;
	bool whole;			/* entry 0 is the boot_aggregate, which ima-log has derived */
	struct module_events module;
	bool module_booted;		/* its boot record was among the entries */
	size_t bad, unseen;		/* unseen: passed by a rule for any content */
	struct tconn_reason first;	/* why the first bad entry is bad */
	tconn_ima_tell_fn tell;		/* or NULL */
	void *tell_arg;
};

static int collect_event(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct module_events *m = arg;

	if (index >= m->size) {
		size_t size = 2 * m->size + 64;
		struct module_event *event = reallocarray(m->event, size, sizeof(*event));

		if (!event)
			return REFUSED;
		m->event = event;
		m->size = size;
	}
	m->event[index].type = e->type;
	tconn_sha256(e->data, e->data_len, m->event[index].digest);
	m->count = index + 1;
	return 0;
}

static uint32_t module_type(const struct tconn_ima_event *e)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ MODULE_PREFIX "boot", TCONN_EVENT_BOOT },
		{ MODULE_PREFIX "policy", TCONN_EVENT_POLICY },
		{ MODULE_PREFIX "app", TCONN_EVENT_APP },
		{ MODULE_PREFIX "record", TCONN_EVENT_RECORD },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is_named(e, names[i].name))
			return names[i].type;
	}
	return 0;
}

/* Both logs have the module's order, so one pass over its log serves all entries. */
static bool check_module_entry(struct comparison *c, const struct tconn_ima_event *e,
			       struct tconn_reason *why)
{
	struct module_events *m = &c->module;
	const uint32_t type = module_type(e);

	while (type && m->next < m->count) {
		const struct module_event *event = &m->event[m->next++];

		if (event->type == type && tconn_pcr_equal(event->digest, e->digest)) {
			c->module_booted |= type == TCONN_EVENT_BOOT;
			return true;
		}
	}
	return tconn_refuse(why, "%.*s (%s) is not in the module's log", path_len(e), e->path,
			    tconn_digest_short(e->digest).text);
}

/* Neither the module's word nor a violation of its entries is a matter of the policy. */
static bool is_modules(const struct tconn_ima_event *e)
{
	return e->template == TCONN_IMA_BUF && !e->violation && is_sha256(e) &&
	       e->path_len >= strlen(MODULE_PREFIX) &&
	       !memcmp(e->path, MODULE_PREFIX, strlen(MODULE_PREFIX));
}

/* Were it measured after code of the REE had run, that code could have taken its place. */
static bool check_order(const struct comparison *c, const struct tconn_ima_event *e,
			struct tconn_reason *why)
{
	struct lh_table *before = c->a->refvals->ima_before_module;
	const struct tconn_digests *digests;

	if (!before || !c->whole || c->module_booted || e->template == TCONN_IMA_BUF)
		return true;
	digests = tconn_refvals_find(before, e->path, e->path_len);
	if (digests && tconn_digests_have(digests, e->digest))
		return true;
	return tconn_refuse(why, "%.*s ran before the module's boot record was measured",
			    path_len(e), e->path);
}

static bool check_entry(struct comparison *c, const struct tconn_ima_event *e,
			struct tconn_reason *why)
{
	if (is_modules(e))
		return check_module_entry(c, e, why);
	return check_order(c, e, why) && tconn_ima_policy_check(c->a->refvals, e, why);
}

static int compare_entry(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct comparison *c = arg;
	struct tconn_reason why = { .text = "" };

	if (index >= c->a->ima_prefix)
		return DONE;
	if ((index || !c->whole) && !check_entry(c, e, &why)) {
		if (!c->bad++)
			c->first = why;
		if (c->tell)
			c->tell(e, why.text, c->tell_arg);
	}
	c->unseen += why.warning;
	return 0;
}

static int walk_logs(struct comparison *c, struct tconn_error *err)
{
	const struct tconn_evidence *e = c->a->evidence;
	int error = tconn_log_walk(e->tconn_log.data, e->tconn_log.len, collect_event, &c->module,
				   err);

	if (error == REFUSED)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (!error)
		error = tconn_ima_walk(e->ima_log.data, e->ima_log.len, compare_entry, c, err);
	return error < 0 ? error : 0;
}

/* The log before what was shown passed so. */
static bool is_held_reserved(const struct comparison *c)
{
	return !c->whole && c->a->in->state->reserved;
}

/* Did it learn of the module's boot, so that nobody else can play the module? */
static bool is_ima_told(const struct comparison *c)
{
	return !c->module.count || (c->whole ? c->module_booted : c->module.next > 0);
}

static bool compare(struct comparison *c, struct tconn_reason *why)
{
	struct tconn_error err = { "" };

	if (walk_logs(c, &err))
		return tconn_refuse(why, "%.250s", err.text);
	if (c->bad > 1)
		return tconn_refuse(why, "%.220s, and %zu more", c->first.text, c->bad - 1);
	if (c->bad)
		return tconn_refuse(why, "%s", c->first.text);
	if (c->a->refvals->ima_before_module && c->whole && !c->module_booted)
		return tconn_refuse(why, "the module's boot record is not among the entries");
	if (c->unseen)
		return tconn_reserve(why, "%zu entries%s, as %.128s says; %zu of them may be anything by a rule of it",
				     c->a->ima_prefix, c->whole ? "" : " more", c->a->refvals->name,
				     c->unseen);
	if (!is_ima_told(c))
		return tconn_reserve(why, "%zu entries%s, all as %.128s says; but IMA did not measure the module's boot record",
				     c->a->ima_prefix, c->whole ? "" : " more", c->a->refvals->name);
	if (is_held_reserved(c))
		return tconn_reserve(why, "%zu entries more, all as %.128s says; those before passed with a reservation",
				     c->a->ima_prefix, c->a->refvals->name);
	return tconn_pass(why, "%zu entries%s, all as %.128s says", c->a->ima_prefix,
			  c->whole ? "" : " more", c->a->refvals->name);
}

/* Without a policy the kernel writes its boot_aggregate and not one thing more. */
static bool check_no_policy(struct tconn_appraising *a, struct tconn_reason *why)
{
	a->ima.reserved = true;
	if (a->refvals->ima_required)
		return tconn_refuse(why, "IMA measured nothing but boot_aggregate: it has no policy, so nobody knows what ran; load one at boot");
	return tconn_reserve(why, "not required, and nothing was measured: IMA has no policy, so nobody knows what ran");
}

bool tconn_check_ima_reference(struct tconn_appraising *a, struct tconn_reason *why)
{
	struct comparison c = { .a = a, .whole = !a->evidence->ima_base };
	bool pass;

	if (a->ima.entries <= 1)
		return check_no_policy(a, why);
	c.module.next = a->ima.module_events;
	pass = compare(&c, why);
	a->ima.module_events = c.module.next;
	a->ima.reserved = why->warning;
	free(c.module.event);
	return pass;
}

int tconn_ima_explain(const struct tconn_evidence *e, const struct tconn_refvals *refvals,
		      tconn_ima_tell_fn tell, void *arg, size_t *ret_bad, struct tconn_error *err)
{
	struct tconn_appraising a = { .evidence = e, .refvals = refvals, .ima_prefix = SIZE_MAX };
	struct comparison c = { .a = &a, .whole = true, .tell = tell, .tell_arg = arg };
	int error = walk_logs(&c, err);

	free(c.module.event);
	*ret_bad = c.bad;
	return error;
}
