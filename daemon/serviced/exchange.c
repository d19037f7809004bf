// SPDX-License-Identifier: Apache-2.0
#include "exchange.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/cbor_util.h"
#include "../lib/digest.h"
#include "../lib/receipt.h"
#include "../lib/request_proof.h"
#include "../lib/say.h"
#include "../lib/words.h"
#include "../../tui/protocol.h"
#include "device.h"
#include "pin.h"
#include "revocation.h"

#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))
#define _cleanup_key_ __attribute__((cleanup(tconn_verifier_key_wipe)))
#define _cleanup_pin_ __attribute__((cleanup(tconn_pin_wipe)))

/* For the device's trusted screen: that this request is ours, and the key in it. */
static int prove_by(const struct server *s, const struct tconn_credentials *own,
		    struct tconn_message *m, struct tconn_error *err)
{
	const struct tconn_proof_of of = {
		.nonce = m->nonce, .verifier_key = m->verifier_key,
		.statement = m->statement.data, .statement_len = m->statement.len,
	};
	uint8_t digest[32], signature[TCONN_PROOF_SIGNATURE_MAX], proof[TCONN_PROOF_MAX];
	struct tconn_proof p = {
		.signature = signature,
		.signer = own->data_cert.data, .signer_len = own->data_cert.len,
		.issuer = own->issuer_cert.data, .issuer_len = own->issuer_cert.len,
	};
	size_t len;
	int r;

	tconn_proof_digest(&of, digest);
	r = tconn_tpm_sign(s->party.tpm, TCONN_KEY_DATA, digest, signature, &p.signature_len, err);
	if (r < 0)
		return r;
	len = tconn_proof_encode(&p, &of, proof);
	if (!len)
		return tconn_fail(err, -EMSGSIZE, "own certificates are over %d bytes",
				  TCONN_PROOF_CERTIFICATE_MAX);
	return tconn_bytes_copy(&m->proof, proof, len, err);
}

static int prove(struct server *s, struct tconn_message *m, struct tconn_error *err)
{
	struct tconn_credentials *own = server_credentials(s);
	int r = prove_by(s, own, m, err);

	tconn_credentials_put(own);
	return r;
}

/* A nonce nobody used before: the store refuses a second use. */
static int open_request(struct device *d, struct question *q, struct tconn_message *m,
			struct tconn_verifier_key *ret_key, struct tconn_error *err)
{
	int r = tconn_verifier_key_make(ret_key, err);

	if (r < 0)
		return r;

	if (RAND_bytes(m->nonce, sizeof(m->nonce)) != 1)
		return tconn_fail(err, -EIO, "no random numbers");
	r = store_add_request(d->server->store, d->identity.name, q->kind, m->nonce, q->statement,
			      q->statement_len, &q->id, err);
	if (r < 0)
		return r;
	m->statement.data = malloc(q->statement_len);
	if (!m->statement.data)
		return tconn_fail(err, -ENOMEM, "out of memory");
	memcpy(m->statement.data, q->statement, q->statement_len);
	m->statement.len = q->statement_len;
	m->id = q->id;
	m->has_nonce = true;
	m->timeout_ms = q->timeout_ms;
	m->held = d->log.held;
	memcpy(m->verifier_key, ret_key->public, sizeof(m->verifier_key));
	return prove(d->server, m, err);
}

static int take_answer(struct device *d, struct question *q, struct tconn_message *answer,
		       struct tconn_error *err)
{
	const uint32_t wait = q->timeout_ms + d->server->settings->answer_margin_ms;
	int r = tconn_message_receive(d->channel, TCONN_MSG_ANSWER, TCONN_FRAME_EVIDENCE, wait,
				      answer, err);

	if (r < 0)
		return r;
	if (answer->id != q->id)
		return tconn_fail(err, -EPROTO, "an ANSWER to request %llu where %llu is due",
				  (unsigned long long)answer->id, (unsigned long long)q->id);
	q->answered = true;
	q->status = answer->status;
	snprintf(q->message, sizeof(q->message), "%s", answer->text);
	return 0;
}

/* Evidence first, then whether it is evidence for this answer to this question. */
static int verify(struct device *d, struct question *q, const struct tconn_message *request,
		  const struct tconn_verifier_key *key, const struct tconn_message *answer,
		  struct tconn_pin *ret_pin, struct tconn_error *err)
{
	struct tconn_question asked = {
		.id = q->id, .statement = q->statement, .statement_len = q->statement_len,
		.key = key, .device = d->identity.name, .trust = d->party.trust,
	};
	struct tconn_evidence e = { 0 };
	uint8_t digest[32];
	int r;

	memcpy(asked.nonce, request->nonce, sizeof(asked.nonce));
	tconn_answer_digest(answer, q->statement, q->statement_len, digest);
	r = tconn_attest_appraise(d->channel, &d->party, &d->identity, request->nonce,
				  digest, &answer->evidence, &q->verdict, &e, err);
	OPENSSL_cleanse(digest, sizeof(digest));
	if (r < 0 && r != -EKEYREJECTED)
		return tconn_fail_in(err, r, "the answer's evidence");
	if (r == 0)
		r = device_check_ak(d, err);
	if (r < 0 && r != -EKEYREJECTED) {
		tconn_evidence_free(&e);
		return r;
	}
	r = tconn_answer_verify(&asked, answer, &e, &q->verdict, &q->record, ret_pin);
	tconn_evidence_free(&e);
	tconn_say_verdict("answer", &q->verdict);
	if (r == 0) {
		q->trusted = true;
		return 0;
	}
	tconn_verdict_reason(&q->verdict, err->text, sizeof(err->text));
	return tconn_fail_in(err, -EKEYREJECTED, "the answer is not trusted");
}

static void fill_receipt(struct device *d, const struct question *q,
			 const struct tconn_message *request, const struct tconn_message *answer,
			 struct tconn_receipt *r)
{
	r->id = q->id;
	r->time = (uint64_t)time(NULL);
	strcpy(r->device, d->identity.name);
	strcpy(r->service, d->server->self.name);
	r->statement = request->statement;	/* borrowed */
	r->record = q->record;
	memcpy(r->nonce, request->nonce, sizeof(r->nonce));
	tconn_sha256(answer->evidence.data, answer->evidence.len, r->evidence_digest);
	r->verdict = q->verdict;
	r->status = answer->status;
	r->answer = answer->answer;
	r->signature = answer->signature;
	r->signer = answer->signer;
}

/* Signed, then kept, then sent: the device never holds one that we do not. */
static int give_receipt(struct device *d, struct question *q, const struct tconn_message *request,
			const struct tconn_message *answer, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_RECEIPT, .id = q->id };
	struct tconn_credentials *own;
	struct server *s = d->server;
	struct tconn_receipt *receipt = calloc(1, sizeof(*receipt));
	int r;

	if (!receipt)
		return tconn_fail(err, -ENOMEM, "out of memory");
	fill_receipt(d, q, request, answer, receipt);
	own = server_credentials(s);
	r = tconn_receipt_sign(receipt, s->party.tpm, own->data_cert.data, own->data_cert.len,
			       &m.receipt, err);
	tconn_credentials_put(own);
	free(receipt);
	if (r == 0)
		r = store_add_receipt(s->store, q->id, d->identity.name,
				      tconn_outcome_name(q->record.outcome), &m.receipt,
				      &q->receipt, err);
	if (r == 0)
		r = tconn_message_send(d->channel, &m, err);
	return r;
}

/* Counted first: no crash, and no sink that fails, gives an attempt back. */
static int try_pin(struct device *d, uint64_t request, const struct tconn_pin *pin,
		   struct tconn_error *err)
{
	const struct settings *settings = d->server->settings;
	int r = 0, judgement;

	if (strcmp(settings->pin_sink, PIN_SINK_NONE))
		r = store_count_pin(d->server->store, d->identity.name, settings->pin_attempts,
				    err);
	if (r < 0)
		return r;
	judgement = pin_hand_over(settings->pin_sink, d->identity.name, request,
				  (const uint8_t *)pin->digits, pin->len, err);
	if (judgement == PIN_RIGHT)
		r = store_reset_pin(d->server->store, d->identity.name, err);
	if (r < 0)
		tconn_say("request %llu: %s", (unsigned long long)request, err->text);
	return judgement;
}

/* Only of an answer that is trusted. The digits end here. */
static void take_pin(struct device *d, struct question *q, const struct tconn_pin *pin)
{
	static const char *const words[] = {
		[PIN_NOT_JUDGED] = "received", [PIN_RIGHT] = "right", [PIN_WRONG] = "wrong",
	};
	struct tconn_error err = { "" };
	int r;

	if (!pin->len)
		return;
	r = try_pin(d, q->id, pin, &err);
	q->pin = r < 0 ? "not handed over" : words[r];
	if (r < 0)
		tconn_say("request %llu: %s", (unsigned long long)q->id, err.text);
}

static int carry_out(struct device *d, struct question *q, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message request = { .type = TCONN_MSG_REQUEST };
	_cleanup_message_ struct tconn_message answer = { 0 };
	_cleanup_key_ struct tconn_verifier_key key = { 0 };
	_cleanup_pin_ struct tconn_pin pin = { 0 };
	int r = open_request(d, q, &request, &key, err);

	if (r < 0)
		return r;
	tconn_say("request %llu: %s, device %s", (unsigned long long)q->id,
		  tconn_kind_name(q->kind), d->identity.name);
	r = tconn_message_send(d->channel, &request, err);
	if (r == 0)
		r = take_answer(d, q, &answer, err);
	if (r == 0)
		r = verify(d, q, &request, &key, &answer, &pin, err);
	if (r == 0) {
		take_pin(d, q, &pin);
		r = give_receipt(d, q, &request, &answer, err);
	}
	return r;
}

/* The books: how the request ended, and what the last look at the device showed. */
static void note(struct device *d, const struct question *q, const char *why)
{
	struct store *store = d->server->store;
	struct tconn_error err;
	int r = 0;

	if (q->id)
		r = store_finish_request(
			store, q->id, q->answered ? tconn_tui_status_name(q->status) : "unanswered",
			q->trusted ? tconn_outcome_name(q->record.outcome) : "none", why, &err);
	if (r == 0 && q->verdict.count)
		r = store_attestation(store, d->identity.name, &q->verdict, d->kernel, why,
				      &err);
	if (r < 0)
		tconn_say("request %llu: %s", (unsigned long long)q->id, err.text);
}

/* How the request ended: the receipt's number, or why there is none. */
static void audit(struct device *d, const struct question *q, const char *why)
{
	struct tconn_error err;
	char detail[96];

	snprintf(detail, sizeof(detail), "request %llu, %s, receipt %llu", (unsigned long long)q->id,
		 tconn_outcome_name(q->record.outcome), (unsigned long long)q->receipt);
	if (store_audit(d->server->store, "service", why ? "request-refused" : "receipt",
			d->identity.name, why ? why : detail, &err) < 0)
		tconn_say("request %llu: %s", (unsigned long long)q->id, err.text);
}

int exchange(struct device *d, struct question *q, struct tconn_error *err)
{
	int r = revocation_reason(d, carry_out(d, q, err), err);

	note(d, q, r < 0 ? err->text : "");
	audit(d, q, r < 0 ? err->text : NULL);
	if (r == 0) {
		tconn_say("request %llu: %s%s%s; receipt %llu", (unsigned long long)q->id,
			  tconn_outcome_name(q->record.outcome), q->pin ? "; PIN " : "",
			  q->pin ? q->pin : "", (unsigned long long)q->receipt);
		return 0;
	}
	device_note_failed(d, &q->verdict);
	event_raise(d->server, &(struct event){ .kind = EVENT_ANSWER_REFUSED, .check = d->failed,
						.device = d->identity.name },
		    "request %llu: refused: %s", (unsigned long long)q->id, err->text);
	d->failed[0] = '\0';
	q->code = r;
	q->error = *err;
	return r;
}
