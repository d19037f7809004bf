// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "../../tui/protocol.h"
#include "digest.h"
#include "frame.h"
#include "half.h"
#include "words.h"

/* Walking the module's log as far as the answer's record, which the quote covers;
 * what comes before it is therefore covered too.
 */
struct search {
	const struct tconn_record *record;
	bool found;
	struct tconn_event_boot boot;
	struct tconn_event_policy policy;
	struct tconn_event_app app;	/* admitted, of the record's session */
	unsigned int apps;
	bool has_boot, has_policy;
};

static int search_event(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct search *s = arg;
	struct tconn_event_app app;

	(void)index;
	if (e->type == TCONN_EVENT_BOOT && e->data_len == sizeof(s->boot)) {
		memcpy(&s->boot, e->data, sizeof(s->boot));
		s->has_boot = true;
	} else if (e->type == TCONN_EVENT_POLICY && e->data_len == sizeof(s->policy)) {
		memcpy(&s->policy, e->data, sizeof(s->policy));
		s->has_policy = true;
	} else if (e->type == TCONN_EVENT_APP && e->data_len == sizeof(app)) {
		memcpy(&app, e->data, sizeof(app));
		if (app.admitted == 1 && app.session == s->record->session) {
			s->app = app;
			s->apps++;
		}
	} else if (e->type == TCONN_EVENT_RECORD && e->data_len == sizeof(*s->record) &&
		   memcmp(e->data, s->record, sizeof(*s->record)) == 0) {
		s->found = true;
		return 1;
	}
	return 0;
}

static void check_status(const struct tconn_message *a, struct tconn_verdict *v)
{
	const bool pass = a->status == TCONN_TUI_DECIDED || a->status == TCONN_TUI_ABORTED;

	tconn_verdict_add(v, "answer-status", pass, "%s%s%.180s", tconn_tui_status_name(a->status),
			  a->text[0] ? ": " : "", a->text);
}

static void check_signed(const struct tconn_question *q, const struct tconn_message *a,
			 struct tconn_verdict *v)
{
	const struct tconn_half half = {
		.id = q->id, .status = a->status, .nonce = q->nonce,
		.statement = { (uint8_t *)q->statement, q->statement_len },
		.record = a->record, .answer = a->answer, .signature = a->signature,
		.signer = a->signer,
	};
	struct tconn_error err = { "" };

	if (tconn_half_verify(&half, q->trust, q->device, &err))
		tconn_verdict_add(v, "answer-signed", false, "%.250s", err.text);
	else
		tconn_verdict_add(v, "answer-signed", true, "by the device's DATA key");
}

static bool check_present(const struct tconn_message *a, const struct tconn_evidence *e,
			  struct tconn_verdict *v, struct tconn_record *ret)
{
	struct tconn_error err = { "" };
	struct tconn_record last;

	if (a->record.len != sizeof(last))
		tconn_verdict_add(v, "record-present", false, "the answer has no record");
	else if (!v->trusted)
		tconn_verdict_add(v, "record-present", false,
				  "not looked at, a check before failed");
	else if (tconn_evidence_last_record(e, &last, &err) < 0)
		tconn_verdict_add(v, "record-present", false, "%.250s", err.text);
	else if (memcmp(&last, a->record.data, sizeof(last)) != 0)
		tconn_verdict_add(v, "record-present", false,
				  "the answer's record is not the last one in the quoted log");
	else {
		tconn_verdict_add(v, "record-present", true, "session %llu, last in the quoted log",
				  (unsigned long long)last.session);
		*ret = last;
		return true;
	}
	return false;
}

static bool is_for_us(const struct tconn_question *q, const struct tconn_record *r)
{
	return memcmp(q->key->public, r->verifier_key, sizeof(r->verifier_key)) == 0;
}

static void check_verifier(const struct tconn_question *q, const struct tconn_record *r,
			   struct tconn_verdict *v)
{
	const bool pass = is_for_us(q, r);

	tconn_verdict_add(v, "record-verifier", pass, pass ? "the key of this request"
			  : "the record is for another verifier's key");
}

/* NULL, or why the MAC says nothing. */
static const char *mac_fault(const struct tconn_question *q, const struct search *s)
{
	const struct tconn_record *r = s->record;
	struct tconn_error err = { "" };
	uint8_t mac[TCONN_MAC_SIZE];

	if (!s->has_boot)
		return "the log has no boot event with the kernel's key";
	if (!is_for_us(q, r))
		return "not looked at, it would be for another verifier";
	if (tconn_record_mac(r, s->boot.kernel_key, q->key->private, s->boot.kernel_key, mac, &err))
		return "no MAC comes of the kernel's key in the log";
	if (CRYPTO_memcmp(mac, r->mac, sizeof(mac)) != 0)
		return "the module whose key the log has did not make this record for this request";
	return NULL;
}

static void check_mac(const struct tconn_question *q, const struct search *s,
		      struct tconn_verdict *v)
{
	const char *fault = mac_fault(q, s);

	tconn_verdict_add(v, "record-mac", !fault, "%s", fault ? fault
			  : "made by the module whose key the log has, for this request");
}

static void check_nonce(const struct tconn_question *q, const struct tconn_record *r,
			struct tconn_verdict *v)
{
	const bool pass = memcmp(q->nonce, r->nonce, sizeof(q->nonce)) == 0;

	tconn_verdict_add(v, "record-nonce", pass, pass ? "the nonce of this request"
			  : "the record is for another nonce");
}

static void check_statement(const struct tconn_question *q, const struct tconn_record *r,
			    struct tconn_verdict *v)
{
	uint8_t digest[32];
	bool pass;

	tconn_sha256(q->statement, q->statement_len, digest);
	pass = memcmp(digest, r->statement_digest, sizeof(digest)) == 0;
	tconn_verdict_add(v, "record-statement", pass, pass ? "the statement of this request"
			  : "the record is for another statement");
}

static bool outcome_fits(uint32_t kind, uint32_t outcome)
{
	switch (outcome) {
	case TCONN_OUTCOME_CONFIRMED:
		return kind == TCONN_KIND_CONFIRM || kind == TCONN_KIND_NOTICE;
	case TCONN_OUTCOME_DENIED:
		return kind == TCONN_KIND_CONFIRM || kind == TCONN_KIND_PIN;
	case TCONN_OUTCOME_ENTERED:
		return kind == TCONN_KIND_PIN;
	}
	return false;
}

static bool digits_fit(const struct tconn_pin *pin, const struct tconn_statement *s)
{
	for (size_t i = 0; i < pin->len; i++)
		if (pin->digits[i] < '0' || pin->digits[i] > '9')
			return false;
	return pin->len >= s->pin_min && pin->len <= s->pin_max;
}

/* What is wrong with the PIN, or NULL. */
static const char *open_pin(const struct tconn_question *q, const struct tconn_message *a,
			    const struct tconn_record *r, const struct tconn_statement *s,
			    struct tconn_pin *ret)
{
	const struct tconn_pin_binding to = {
		.nonce = q->nonce, .statement = q->statement, .statement_len = q->statement_len,
		.record = r,
	};

	if (tconn_pin_open(a->answer.data, a->answer.len, q->key->private, q->key->public, &to, ret))
		return "what was entered is not sealed to the key, and for the record, of this request";
	return digits_fit(ret, s) ? NULL : "what was entered is not digits within the limits";
}

/* What is wrong, or NULL. */
static const char *outcome_fault(const struct tconn_question *q, const struct tconn_message *a,
				 const struct tconn_record *r, const struct tconn_statement *s,
				 struct tconn_pin *ret)
{
	if (r->kind != s->kind)
		return "the record is for another kind of dialog";
	if (a->status == TCONN_TUI_ABORTED && r->outcome != TCONN_OUTCOME_ABORTED)
		return "status says aborted, the record does not";
	if (a->status == TCONN_TUI_ABORTED)
		return a->answer.len ? "aborted, and yet digits came" : NULL;
	if (r->cause != TCONN_CAUSE_NONE)
		return "decided, and yet the record has a cause of abort";
	if (!outcome_fits(s->kind, r->outcome))
		return "this outcome does not exist for this kind of dialog";
	if (r->outcome != TCONN_OUTCOME_ENTERED)
		return a->answer.len ? "nothing was entered, and yet digits came" : NULL;
	return open_pin(q, a, r, s, ret);
}

static void check_outcome(const struct tconn_question *q, const struct tconn_message *a,
			  const struct tconn_record *r, struct tconn_verdict *v,
			  struct tconn_pin *ret)
{
	struct tconn_statement s;
	const char *fault = "the statement is malformed";

	if (tconn_statement_parse(q->statement, q->statement_len, &s, NULL) == TCONN_STATEMENT_OK)
		fault = outcome_fault(q, a, r, &s, ret);
	if (fault)
		tconn_verdict_add(v, "record-outcome", false, "%s", fault);
	else if (r->outcome == TCONN_OUTCOME_ABORTED)
		tconn_verdict_add(v, "record-outcome", true, "aborted: %s",
				  tconn_cause_name(r->cause));
	else
		tconn_verdict_add(v, "record-outcome", true, "%s", tconn_outcome_name(r->outcome));
}

static bool is_gesture(const struct tconn_gesture *g, const struct tconn_gesture *wanted)
{
	return g->type != TCONN_GESTURE_NONE && g->type == wanted->type && g->code == wanted->code &&
	       g->ms == wanted->ms;
}

/* NULL, or what is wrong with what a decision rests on. */
static const char *gesture_fault(const struct tconn_record *r)
{
	const bool denied = r->outcome == TCONN_OUTCOME_DENIED;
	const uint64_t grace_ns = denied ? 0 : r->grace_ms * 1000000ull;

	if (!is_gesture(&r->gesture, denied ? &r->deny : &r->confirm))
		return "the kernel saw no gesture for this outcome";
	if (r->gesture_ns < r->lit_ns || r->gesture_ns > r->unlit_ns)
		return "the gesture was not within the dialog";
	if (!denied && (r->changed_ns < r->active_ns || r->gesture_ns < r->changed_ns + grace_ns))
		return "the gesture came before the picture had been there long enough";
	return NULL;
}

static void check_gesture(const struct tconn_record *r, struct tconn_verdict *v)
{
	const char *fault = r->outcome == TCONN_OUTCOME_ABORTED ? NULL : gesture_fault(r);

	if (fault)
		tconn_verdict_add(v, "record-gesture", false, "%s", fault);
	else if (r->outcome == TCONN_OUTCOME_ABORTED)
		tconn_verdict_add(v, "record-gesture", true, "nothing was decided");
	else
		tconn_verdict_add(v, "record-gesture", true,
				  "%s key %u, %llu ms after the picture's last change",
				  tconn_gesture_name(r->gesture.type), r->gesture.code,
				  (unsigned long long)(r->gesture_ns - r->changed_ns) / 1000000);
}

/* What was seen is what was asked. */
static void check_frame(const struct tconn_question *q, const struct tconn_record *r,
			struct tconn_verdict *v)
{
	struct tconn_error err = { "" };

	if (r->outcome == TCONN_OUTCOME_ABORTED)
		tconn_verdict_add(v, "record-frame", true, "nothing was decided");
	else if (tconn_frame_check(q->statement, q->statement_len, r, &err))
		tconn_verdict_add(v, "record-frame", false, "%.250s", err.text);
	else
		tconn_verdict_add(v, "record-frame", true,
				  "the statement, drawn again for %ux%u, gives the same picture",
				  r->width, r->height);
}

static void check_indicator(const struct tconn_record *r, struct tconn_verdict *v)
{
	const bool lit = (r->indicator & TCONN_INDICATOR_LIT) && r->lit_ns;

	if (r->outcome == TCONN_OUTCOME_ABORTED)
		tconn_verdict_add(v, "record-indicator", true,
				  "nothing was decided; the lamp was %s",
				  lit ? "lit" : "not lit all the time");
	else
		tconn_verdict_add(v, "record-indicator", lit, lit ? "lit during all of the dialog"
				  : "the lamp was not lit during all of the dialog");
}

static void check_app(const struct search *s, struct tconn_verdict *v)
{
	const struct tconn_record *r = s->record;

	if (!s->has_boot || memcmp(s->boot.boot_id, r->boot_id, sizeof(r->boot_id)) != 0)
		tconn_verdict_add(v, "record-app", false,
				  "the record is of another load of the module");
	else if (s->apps != 1)
		tconn_verdict_add(v, "record-app", false,
				  "%u admissions for this session in the log", s->apps);
	else if (memcmp(s->app.digest, r->app_digest, sizeof(r->app_digest)) != 0)
		tconn_verdict_add(v, "record-app", false,
				  "the log admitted another app for this session");
	else
		tconn_verdict_add(v, "record-app", true, "the app that the log admitted, %.200s",
				  s->app.path);
}

/* Why the record does not fit the policy in the log, or NULL. */
static const char *policy_fault(const struct search *s)
{
	const struct tconn_record *r = s->record;
	const bool is_signed = s->policy.flags & TCONN_POLICY_SIGNED;

	if (!s->has_policy || memcmp(s->policy.digest, r->policy_digest, 32) != 0)
		return "the record is under another policy than the log shows";
	if (r->outcome != TCONN_OUTCOME_ABORTED && tconn_frame_says_developer(r) == is_signed)
		return is_signed ? "the screen said that the policy is not signed, but it is"
				 : "the screen did not say that the policy is not signed";
	return NULL;
}

static void check_policy(const struct search *s, struct tconn_verdict *v)
{
	const char *fault = policy_fault(s);

	tconn_verdict_add(v, "record-policy", !fault, fault ? fault :
			  "the policy that the log shows");
}

static void check_log(const struct tconn_question *q, const struct tconn_evidence *e,
		      const struct tconn_record *r, struct tconn_verdict *v)
{
	struct search s = { .record = r };
	struct tconn_error err = { "" };

	if (tconn_log_walk(e->tconn_log.data, e->tconn_log.len, search_event, &s, &err) != 1 ||
	    !s.found) {
		tconn_verdict_add(v, "record-app", false, "the record is not in the log %.200s",
				  err.text);
		return;
	}
	check_mac(q, &s, v);
	check_app(&s, v);
	check_policy(&s, v);
}

static void skip_rest(struct tconn_verdict *v)
{
	static const char *const names[] = { "record-verifier", "record-nonce", "record-statement",
					     "record-outcome", "record-frame", "record-gesture",
					     "record-indicator", "record-mac", "record-app",
					     "record-policy" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tconn_verdict_add(v, names[i], false, "no record to look at");
}

int tconn_answer_verify(const struct tconn_question *q, const struct tconn_message *answer,
			const struct tconn_evidence *evidence, struct tconn_verdict *verdict,
			struct tconn_record *ret, struct tconn_pin *ret_pin)
{
	struct tconn_pin pin = { 0 };
	struct tconn_record r;

	check_status(answer, verdict);
	check_signed(q, answer, verdict);
	if (check_present(answer, evidence, verdict, &r)) {
		check_verifier(q, &r, verdict);
		check_nonce(q, &r, verdict);
		check_statement(q, &r, verdict);
		check_outcome(q, answer, &r, verdict, &pin);
		check_frame(q, &r, verdict);
		check_gesture(&r, verdict);
		check_indicator(&r, verdict);
		check_log(q, evidence, &r, verdict);
	} else {
		skip_rest(verdict);
	}
	if (verdict->trusted) {
		*ret = r;
		*ret_pin = pin;
	}
	tconn_pin_wipe(&pin);
	return verdict->trusted ? 0 : -EKEYREJECTED;
}
