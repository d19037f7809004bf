// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/frame.h"
#include "daemon/lib/half.h"
#include "daemon/lib/record_mac.h"
#include "daemon/lib/request_proof.h"
#include "daemon/lib/sealed_pin.h"
#include "tui/protocol.h"
#include "tui/statement.h"

#define MS 1000000ull	/* ns */

/* A key pair of somebody else: Bob of RFC 7748, section 6.1. */
static const uint8_t other_private[32] = {
	0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
	0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
};
static const uint8_t other_public[32] = {
	0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2, 0xec, 0xe4, 0x35, 0x37,
	0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
};

static void sha256_of(const struct tconn_bytes *b, uint8_t ret[32])
{
	log_sha256(b->data, b->len, ret);
}

static struct tconn_record make_record(const struct tconn_message *request,
				       const struct answering *a, uint64_t session)
{
	struct tconn_record r = {
		.magic = "TCNR", .version = 2, .size = sizeof(r), .session = session,
		.outcome = a->outcome, .cause = a->cause,
		.indicator = TCONN_INDICATOR_PRESENT | TCONN_INDICATOR_LIT,
		.width = 1280, .height = 800, .presents = 3, .keys = 1,
		.confirm = { .type = TCONN_GESTURE_PRESS, .code = KEY_ENTER },
		.deny = { .type = TCONN_GESTURE_PRESS, .code = KEY_ESC },
		.grace_ms = 750, .changed_ns = 4 * MS, .gesture_ns = 754 * MS,
		.bound_ns = 1 * MS, .active_ns = 2 * MS, .lit_ns = 3 * MS, .unlit_ns = 755 * MS,
		.ended_ns = 756 * MS,
	};

	r.kind = request->statement.data[6];	/* statement.h: kind, little-endian */
	memcpy(r.boot_id, stage_boot_id, sizeof(r.boot_id));
	memcpy(r.nonce, request->nonce, sizeof(r.nonce));
	memcpy(r.verifier_key, request->verifier_key, sizeof(r.verifier_key));
	if (a->outcome != TCONN_OUTCOME_ABORTED)
		r.gesture = a->outcome == TCONN_OUTCOME_DENIED ? r.deny : r.confirm;
	memcpy(r.app_digest, stage_app_digest, 32);
	memcpy(r.policy_digest, stage_policy_digest, 32);
	sha256_of(&request->statement, r.statement_digest);
	switch (a->fault) {
	case FAULT_NONCE:
		r.nonce[0] ^= 1;
		break;
	case FAULT_STATEMENT:
		r.statement_digest[0] ^= 1;
		break;
	case FAULT_KIND:
		r.kind = TCONN_KIND_NOTICE;
		break;
	case FAULT_DARK:
		r.indicator = TCONN_INDICATOR_PRESENT;
		break;
	case FAULT_VERIFIER:
	case FAULT_VERIFIER_HIDDEN:
		memcpy(r.verifier_key, other_public, sizeof(r.verifier_key));
		break;
	case FAULT_NO_GESTURE:
		r.gesture = (struct tconn_gesture){ 0 };
		break;
	case FAULT_OTHER_KEY:
		r.gesture.code = KEY_SPACE;
		break;
	case FAULT_EARLY:
		r.gesture_ns -= 1;
		break;
	case FAULT_HELD:
	case FAULT_HELD_OLD:
		r.confirm = r.gesture = (struct tconn_gesture){ TCONN_GESTURE_HOLD, KEY_OK, 300 };
		r.gesture_ns += 300 * MS;
		r.unlit_ns += 300 * MS;
		r.ended_ns += 300 * MS;
		break;
	case FAULT_LATE:
		r.gesture_ns = r.unlit_ns + 1;
		break;
	default:
		break;
	}
	return r;
}

/* As the TUI would have drawn it, and the module hashed it, on 1280x800. */
static void show_picture(struct tconn_record *r, const struct answering *a,
		 const struct tconn_message *request)
{
	struct tconn_bytes text = request->statement;
	uint8_t other[TCONN_STATEMENT_MAX];
	struct tconn_error err;

	r->attested = (struct tconn_rect){ 0, 104, 1280, 696 };
	if (r->kind == TCONN_KIND_PIN)
		r->live = (struct tconn_rect){ 0, 660, 1280, 140 };
	r->picture[0] = a->fault == FAULT_HELD_OLD ? 1 : 2;
	r->picture[4] = a->fault == FAULT_OTHER_BAND;	/* developer */
	memcpy(other, text.data, text.len);
	if (a->fault == FAULT_OTHER_TEXT) {
		other[text.len - 1] ^= 1;
		text.data = other;
	}
	if (a->outcome == TCONN_OUTCOME_ABORTED)
		return;
	if (tconn_frame_digest(text.data, text.len, r, r->frame_digest, &err)) {
		fprintf(stderr, "# %s\n", err.text);
		abort();
	}
	switch (a->fault) {
	case FAULT_OTHER_LOOK:
		r->picture[1] = 1;
		break;
	case FAULT_OTHER_LEGEND:
		r->deny.type = TCONN_GESTURE_DOUBLE;
		r->deny.ms = 300;
		break;
	case FAULT_OTHER_SCREEN:
		r->width = 1024;
		r->attested.width = 1024;
		break;
	case FAULT_LITTLE_ATTESTED:
		r->attested = (struct tconn_rect){ 0, 400, 1280, 400 };
		break;
	case FAULT_HIDDEN_TEXT:
		r->live = (struct tconn_rect){ 0, 104, 1280, 400 };
		break;
	default:
		break;
	}
}

/* As the module, or as somebody who has no business with it. */
static void seal(struct tconn_record *r, const struct answering *a,
		 const struct tconn_message *request)
{
	const bool other = a->fault == FAULT_OTHER_KERNEL;
	struct tconn_error err;

	if (a->fault == FAULT_NO_MAC)
		return;
	if (tconn_record_mac(r, other ? other_public : stage_kernel_key,
			     other ? other_private : stage_kernel_private, r->verifier_key, r->mac,
			     &err))
		abort();
	if (a->fault == FAULT_CHANGED) {
		r->outcome = TCONN_OUTCOME_CONFIRMED;
		r->gesture = r->confirm;
	}
	if (a->fault == FAULT_VERIFIER_HIDDEN)
		memcpy(r->verifier_key, request->verifier_key, sizeof(r->verifier_key));
}

/* As the module: admission, then the record, both measured. */
static void play_session(struct player *p, const struct answering *a, struct tconn_record *r)
{
	struct tconn_event_app app = { .session = r->session,
				       .admitted = 1,
				       .path = "/usr/sbin/tconn-tui" };

	memcpy(app.digest, stage_app_digest, 32);
	if (a->fault == FAULT_OTHER_APP)
		app.session++;
	player_measure(p, TCONN_EVENT_APP, &app, sizeof(app));
	if (a->fault != FAULT_NOT_IN_LOG)
		player_measure(p, TCONN_EVENT_RECORD, r, sizeof(*r));
	if (a->fault == FAULT_NOT_LAST) {
		struct tconn_record later = *r;

		later.session++;
		player_measure(p, TCONN_EVENT_RECORD, &later, sizeof(later));
	}
}

static void set_bytes(struct tconn_bytes *b, const void *data, size_t len)
{
	tconn_bytes_free(b);
	b->data = memcpy(malloc(len + 1), data, len);
	b->len = len;
}

/* As the TUI; whether they are digits is the service's to find out. */
static void seal_digits(const struct answering *a, const struct tconn_message *request,
			const struct tconn_record *record, struct tconn_bytes *ret)
{
	const struct tconn_pin_binding to = {
		request->nonce, request->statement.data, request->statement.len, record,
	};
	struct tconn_pin pin = { .len = (uint8_t)strlen(a->digits) };
	uint8_t sealed[TCONN_SEALED_PIN_SIZE];

	memcpy(pin.digits, a->digits, pin.len);
	if (tconn_pin_seal(&pin, a->fault == FAULT_OTHER_PIN_KEY ? other_public :
			   request->verifier_key, &to, sealed))
		abort();
	set_bytes(ret, sealed, a->fault == FAULT_PLAIN_PIN ? 4 : sizeof(sealed));
	if (a->fault == FAULT_PLAIN_PIN)
		memcpy(ret->data, a->digits, 4);
}

/* The device's half of the receipt. */
static void sign_half(struct player *p, const struct answering *a,
		      const struct tconn_message *request, struct tconn_message *answer)
{
	const struct tconn_half half = {
		.id = answer->id + (a->fault == FAULT_SIGNED_OTHER), .status = answer->status,
		.nonce = request->nonce, .statement = request->statement,
		.record = answer->record, .answer = answer->answer,
	};
	char path[SWTPM_PATH_MAX + 128];

	if (a->fault == FAULT_NOT_SIGNED)
		return;
	snprintf(path, sizeof(path), "%s/data.pem", p->machine->dir);
	if (tconn_half_sign(&half, p->party.tpm, &answer->signature, &p->err) ||
	    tconn_certificate_load(path, &answer->signer.data, &answer->signer.len, &p->err)) {
		fprintf(stderr, "# %s\n", p->err.text);
		abort();
	}
}

int play_answer(struct player *p, const struct answering *a, struct tconn_message *request,
		       struct tconn_message *answer)
{
	static struct tconn_record last;
	static uint64_t session;
	struct tconn_record record;
	uint8_t digest[32], nonce[32];
	int r;

	r = tconn_message_receive(p->channel, TCONN_MSG_REQUEST, TCONN_MESSAGE_MAX, 5000, request,
				  &p->err);
	if (r < 0)
		return r;
	/* Sessions count up over all tests: the log lives as long as the TPM. */
	session = session ? session + 2 : (uint64_t)getpid() * 1000;
	*answer = (struct tconn_message){ .type = TCONN_MSG_ANSWER,
					  .id = request->id,
					  .status = a->status };
	record = make_record(request, a, session);
	show_picture(&record, a, request);
	seal(&record, a, request);
	/* A session that nobody confirmed, and the record of one that somebody did. */
	if (a->fault == FAULT_REPLAYED)
		record = last;
	last = record;
	play_session(p, a, &record);
	if (a->fault != FAULT_NO_RECORD)
		set_bytes(&answer->record, &record, sizeof(record));
	if (a->digits)
		seal_digits(a, request, &record, &answer->answer);
	sign_half(p, a, request, answer);
	tconn_answer_digest(answer, request->statement.data, request->statement.len, digest);
	memcpy(nonce, request->nonce, 32);
	nonce[5] ^= a->fault == FAULT_OLD_EVIDENCE;
	r = tconn_attest_collect(p->channel, &p->party, TCONN_ROLE_DEVICE, nonce, digest,
				 &answer->evidence, &p->err);
	if (r < 0)
		return r;
	if (a->fault == FAULT_DIGITS_CHANGED)
		answer->answer.data[0] = '9';
	if (a->fault == FAULT_STATUS_CHANGED)
		answer->status = TCONN_TUI_DECIDED;
	answer->id += a->fault == FAULT_ID;
	return tconn_message_send(p->channel, answer, &p->err);
}

int take_receipt(struct player *p, const struct tconn_message *request,
			struct tconn_receipt *ret)
{
	struct tconn_message m = { 0 };
	int r = tconn_message_receive(p->channel, TCONN_MSG_RECEIPT, TCONN_MESSAGE_MAX, 10000, &m,
				      &p->err);

	if (r == 0)
		r = tconn_receipt_verify(m.receipt.data, m.receipt.len, p->party.trust, ret,
					 &p->err);
	if (r == 0)
		stage_write(stage_path(p->stage, "receipt.cose"), m.receipt.data, m.receipt.len);
	if (r == 0 && m.id != request->id)
		r = -EPROTO;
	tconn_message_free(&m);
	return r;
}
