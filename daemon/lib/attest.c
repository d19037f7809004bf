// SPDX-License-Identifier: Apache-2.0
#include "attest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"

#define LINGER_MS	1000		/* for the peer to read a REFUSAL */
#define LINGER_BYTES	(1u << 20)	/* of what it had sent meanwhile */

static void message_cleanup(struct tconn_message *m)
{
	tconn_message_free(m);
}

static void evidence_cleanup(struct tconn_evidence *e)
{
	tconn_evidence_free(e);
}

#define _cleanup_message_ __attribute__((cleanup(message_cleanup)))
#define _cleanup_evidence_ __attribute__((cleanup(evidence_cleanup)))

/* Frames may hold a PIN. */
static void bytes_wipe(struct tconn_bytes *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->len);
	tconn_bytes_free(b);
}

#define _cleanup_wipe_ __attribute__((cleanup(bytes_wipe)))

int tconn_message_send(struct tconn_channel *c, const struct tconn_message *m,
		       struct tconn_error *err)
{
	_cleanup_wipe_ struct tconn_bytes b = { 0 };
	int r = tconn_message_encode(m, &b, err);

	return r < 0 ? r : tconn_channel_send(c, b.data, b.len, err);
}

static const char *type_name(enum tconn_message_type type)
{
	switch (type) {
	case TCONN_MSG_ENROL_REQUEST: return "ENROL_REQUEST";
	case TCONN_MSG_ENROL_CHALLENGE: return "ENROL_CHALLENGE";
	case TCONN_MSG_ENROL_PROOF: return "ENROL_PROOF";
	case TCONN_MSG_ENROL_RESULT: return "ENROL_RESULT";
	case TCONN_MSG_HELLO: return "HELLO";
	case TCONN_MSG_EVIDENCE: return "EVIDENCE";
	case TCONN_MSG_VERDICT: return "VERDICT";
	case TCONN_MSG_REQUEST: return "REQUEST";
	case TCONN_MSG_ANSWER: return "ANSWER";
	case TCONN_MSG_RECEIPT: return "RECEIPT";
	case TCONN_MSG_ATTEST: return "ATTEST";
	case TCONN_MSG_ITEM: return "ITEM";
	case TCONN_MSG_TAKEN: return "TAKEN";
	case TCONN_MSG_FETCH: return "FETCH";
	case TCONN_MSG_REFUSAL: return "REFUSAL";
	case TCONN_MSG_ANY: return "a message";
	}
	return "unknown message";
}

static int check_type(const struct tconn_message *m, enum tconn_message_type type,
		      struct tconn_error *err)
{
	if (m->type == type)
		return 0;
	if (m->type == TCONN_MSG_REFUSAL)
		return tconn_fail(err, -ECONNREFUSED, "the peer refuses: %s", m->text);
	if (type == TCONN_MSG_ANY)
		return 0;
	return tconn_fail(err, -EPROTO, "unexpected message: %s where %s is due",
			  type_name(m->type), type_name(type));
}

int tconn_message_receive(struct tconn_channel *c, enum tconn_message_type type, size_t limit,
			  uint32_t timeout_ms, struct tconn_message *ret, struct tconn_error *err)
{
	_cleanup_wipe_ struct tconn_bytes b = { 0 };
	_cleanup_message_ struct tconn_message m = { 0 };
	char where[64];
	int r;

	snprintf(where, sizeof(where), "waiting for %s", type_name(type));
	r = tconn_channel_receive(c, limit, (int)timeout_ms, &b, err);
	if (r < 0)
		return tconn_fail_in(err, r, where);
	r = tconn_message_decode(b.data, b.len, &m, err);
	if (r < 0)
		return tconn_fail_in(err, r, where);
	r = check_type(&m, type, err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct tconn_message){ 0 };
	return 0;
}

/* Is the failure about what the peer did, or about this machine? */
static bool peers_business(int code)
{
	switch (code) {
	case -EPROTO:
	case -EBADMSG:
	case -EMSGSIZE:
	case -ETIMEDOUT:
	case -EKEYREJECTED:
	case -EKEYREVOKED:
	case -EACCES:
	case -EPROTONOSUPPORT:
	case -EBUSY:
		return true;
	}
	return false;
}

/* Closing a socket with unread bytes in it resets the connection, and the reset
 * can overtake the REFUSAL. So say we are done, and let the peer finish.
 */
static void linger(int fd)
{
	char buf[4096];
	size_t seen = 0;
	int left = LINGER_MS;

	shutdown(fd, SHUT_WR);
	while (left > 0 && seen < LINGER_BYTES) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 50) <= 0) {
			left -= 50;
			continue;
		}
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return;
		seen += n > 0 ? (size_t)n : 0;
		left--;
	}
}

void tconn_channel_refuse(struct tconn_channel *c, int code, const struct tconn_error *why)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_REFUSAL };

	if (code == -ECONNREFUSED || code == -ECONNRESET || code == -EPIPE)
		return;
	m.code = (uint32_t)(code < 0 ? -code : code);
	snprintf(m.text, sizeof(m.text), "%s", peers_business(code) ? why->text
		 : "a failure on this side; its log has the reason");
	if (tconn_message_send(c, &m, NULL) == 0)
		linger(tconn_channel_fd(c));
}

int tconn_peer_identity(const struct tconn_channel *c, struct x509_store_st *trust,
			enum tconn_role role, struct tconn_identity *ret, struct tconn_error *err)
{
	const uint8_t *der;
	size_t len;
	int r = tconn_channel_peer(c, &der, &len);

	if (r < 0)
		return tconn_fail(err, r, "the peer showed no certificate");
	return tconn_certificate_check(trust, der, len, TCONN_USE_TLS, role, ret, err);
}

static int qualifying(struct tconn_channel *c, enum tconn_role attester, const uint8_t nonce[32],
		      const uint8_t extra[32], uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_binding b = { .role = attester };
	int r = tconn_channel_binding(c, attester, &b, err);

	if (r < 0)
		return r;
	memcpy(b.nonce, nonce, sizeof(b.nonce));
	tconn_qualifying(&b, extra, ret);
	OPENSSL_cleanse(&b, sizeof(b));
	return 0;
}

static int collect(const struct tconn_party *us, const uint8_t qualifying[32],
		   struct tconn_evidence *ret, struct tconn_error *err)
{
	return us->collect ? us->collect(us->collect_arg, qualifying, ret, err) :
	       tconn_evidence_collect(us->tpm, &us->sources, qualifying, ret, err);
}

int tconn_attest_collect(struct tconn_channel *c, const struct tconn_party *us,
			 enum tconn_role role, const uint8_t nonce[32], const uint8_t extra[32],
			 struct tconn_bytes *ret, struct tconn_error *err)
{
	_cleanup_evidence_ struct tconn_evidence e = { 0 };
	uint8_t q[32];
	int r;

	r = qualifying(c, role, nonce, extra, q, err);
	if (r == 0)
		r = collect(us, q, &e, err);
	if (r == 0 && us->peer_holds.bytes)
		r = tconn_evidence_cut(&e, &us->peer_holds, err);
	if (r == 0)
		r = tconn_evidence_encode(&e, ret, err);
	return r;
}

int tconn_attest_appraise(struct tconn_channel *c, const struct tconn_party *us,
			  const struct tconn_identity *peer, const uint8_t nonce[32],
			  const uint8_t extra[32], const struct tconn_bytes *encoded,
			  struct tconn_verdict *ret, struct tconn_evidence *ret_evidence,
			  struct tconn_error *err)
{
	struct tconn_appraisal a = { .trust = us->trust, .peer = peer, .state = us->peer_log };
	struct tconn_evidence e = { 0 };
	int r;

	r = qualifying(c, peer->role, nonce, extra, a.qualifying, err);
	if (r == 0)
		r = tconn_evidence_decode(encoded->data, encoded->len, &e, err);
	if (r < 0)
		return r == -EKEYREJECTED ? -EBADMSG : r;
	a.evidence = &e;
	r = tconn_refset_appraise(us->refset, &a, ret);
	if (r < 0) {
		tconn_verdict_reason(ret, err->text, sizeof(err->text));
		r = -EKEYREJECTED;
	}
	if (us->keep)
		us->keep(us->keep_arg, peer, encoded, &e);
	*ret_evidence = e;
	return r;
}

/* A peer that does not attest: who it is, its certificate said. */
static int appraise_silence(const struct tconn_party *us, struct tconn_verdict *ret,
			    struct tconn_error *err)
{
	*ret = (struct tconn_verdict){ .trusted = true };
	if (us->exempt) {
		tconn_verdict_warn(ret, "evidence", "none; policy exempts this peer from attestation");
		return 0;
	}
	tconn_verdict_add(ret, "evidence", false, "none, and policy asks for it");
	tconn_verdict_reason(ret, err->text, sizeof(err->text));
	return -EKEYREJECTED;
}

/* What the peer may leave out of its log next time. */
static struct tconn_held holding(const struct tconn_party *us)
{
	return us->peer_log ? us->peer_log->held : (struct tconn_held){ 0 };
}

static int appraise_message(struct tconn_channel *c, const struct tconn_party *us,
			    const struct tconn_identity *peer, const uint8_t nonce[32],
			    const struct tconn_message *m, struct tconn_attestation *ret,
			    struct tconn_error *err)
{
	_cleanup_evidence_ struct tconn_evidence e = { 0 };
	int r;

	if (!m->evidence.len)
		return appraise_silence(us, &ret->peer, err);
	r = tconn_attest_appraise(c, us, peer, nonce, NULL, &m->evidence, &ret->peer, &e, err);
	if (r == 0 || r == -EKEYREJECTED)
		memcpy(ret->kernel, e.kernel, sizeof(ret->kernel));
	return r;
}

static int send_verdict(struct tconn_channel *c, const struct tconn_verdict *v,
			struct tconn_error *err)
{
	struct tconn_message m = { .type = TCONN_MSG_VERDICT };

	m.verdict = *v;
	return tconn_message_send(c, &m, err);
}

/* The peer's word about us; trusted with a failed check does not decode. */
static int receive_verdict(struct tconn_channel *c, uint32_t timeout_ms, struct tconn_verdict *ret,
			   struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r = tconn_message_receive(c, TCONN_MSG_VERDICT, TCONN_MESSAGE_MAX, timeout_ms, &m, err);

	if (r < 0)
		return r;
	*ret = m.verdict;
	return 0;
}

static int random_nonce(uint8_t ret[32], struct tconn_error *err)
{
	if (RAND_bytes(ret, 32) != 1)
		return tconn_fail(err, -EIO, "no random numbers");
	return 0;
}

static int say_hello(struct tconn_channel *c, const struct tconn_party *us, uint8_t ret_nonce[32],
		     struct tconn_error *err)
{
	struct tconn_message m = {
		.type = TCONN_MSG_HELLO, .version = TCONN_VERSION_HELLO, .held = holding(us),
	};
	int r = random_nonce(m.nonce, err);

	if (r < 0)
		return r;
	m.has_nonce = true;
	memcpy(ret_nonce, m.nonce, 32);
	return tconn_message_send(c, &m, err);
}

static int send_evidence(struct tconn_channel *c, const struct tconn_party *us,
			 enum tconn_role role, const uint8_t peers_nonce[32],
			 const struct tconn_held *peer_holds, const uint8_t *own_nonce,
			 struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_EVIDENCE };
	struct tconn_party mine = *us;
	int r = 0;

	mine.peer_holds = *peer_holds;
	if (!us->silent)
		r = tconn_attest_collect(c, &mine, role, peers_nonce, NULL, &m.evidence, err);

	/* Whatever it was, it is this machine's affair, not the peer's. */
	if (r < 0)
		return tconn_fail_in(err, -EIO, "own evidence");
	if (own_nonce) {
		m.has_nonce = true;
		m.held = holding(us);
		memcpy(m.nonce, own_nonce, 32);
	}
	return tconn_message_send(c, &m, err);
}

/* Device: takes the service's evidence, and says what it thinks of it. */
static int judge_service(struct tconn_channel *c, const struct tconn_party *us,
			 const struct tconn_identity *service, const uint8_t nonce[32],
			 uint8_t ret_nonce[32], struct tconn_held *ret_holds,
			 struct tconn_attestation *ret, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r, sent;

	r = tconn_message_receive(c, TCONN_MSG_EVIDENCE, TCONN_FRAME_EVIDENCE, us->message_ms, &m,
				  err);
	if (r < 0)
		return r;
	if (!m.has_nonce)
		return tconn_fail(err, -EBADMSG, "the service's EVIDENCE has no nonce");
	memcpy(ret_nonce, m.nonce, 32);
	*ret_holds = m.held;
	r = appraise_message(c, us, service, nonce, &m, ret, err);
	if (r < 0 && r != -EKEYREJECTED)
		return tconn_fail_in(err, r, "the service's evidence");
	sent = send_verdict(c, &ret->peer, r < 0 ? NULL : err);
	if (r < 0)
		return tconn_fail_in(err, r, "the service is not trusted");
	return sent;
}

/* Device: its evidence, and what the service thinks of it. */
static int prove_device(struct tconn_channel *c, const struct tconn_party *us,
			const uint8_t nonce[32], const struct tconn_held *holds,
			struct tconn_attestation *ret, struct tconn_error *err)
{
	int r = send_evidence(c, us, TCONN_ROLE_DEVICE, nonce, holds, NULL, err);

	if (r == 0)
		r = receive_verdict(c, us->message_ms, &ret->own, err);
	if (r < 0 || ret->own.trusted)
		return r;
	tconn_verdict_reason(&ret->own, err->text, sizeof(err->text));
	/* Not our refusal to send: the service says REFUSAL next and closes. */
	return tconn_fail_in(err, -ECONNREFUSED, "the service does not trust this device");
}

int tconn_attest_device(struct tconn_channel *c, const struct tconn_party *us,
			const struct tconn_identity *service, struct tconn_attestation *ret,
			struct tconn_error *err)
{
	uint8_t mine[32], theirs[32];
	struct tconn_held holds;
	int r;

	*ret = (struct tconn_attestation){ 0 };
	r = say_hello(c, us, mine, err);
	if (r == 0)
		r = judge_service(c, us, service, mine, theirs, &holds, ret, err);
	return r < 0 ? r : prove_device(c, us, theirs, &holds, ret, err);
}

int tconn_reattest_device(struct tconn_channel *c, const struct tconn_party *us,
			  const struct tconn_message *attest, struct tconn_attestation *ret,
			  struct tconn_error *err)
{
	struct tconn_party mine = *us;

	mine.silent = false;
	return prove_device(c, &mine, attest->nonce, &attest->held, ret, err);
}

static int take_hello(struct tconn_channel *c, uint32_t timeout_ms, uint8_t ret_nonce[32],
		      struct tconn_held *ret_holds, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r = tconn_message_receive(c, TCONN_MSG_HELLO, TCONN_MESSAGE_MAX, timeout_ms, &m, err);

	if (r < 0)
		return r;
	memcpy(ret_nonce, m.nonce, 32);
	*ret_holds = m.held;
	return 0;
}

static int hear_verdict(struct tconn_channel *c, const struct tconn_party *us,
			struct tconn_attestation *ret, struct tconn_error *err)
{
	int r = receive_verdict(c, us->message_ms, &ret->own, err);

	if (r < 0 || ret->own.trusted)
		return r;
	tconn_verdict_reason(&ret->own, err->text, sizeof(err->text));
	return tconn_fail_in(err, -ECONNREFUSED, "the device does not trust this service");
}

/* Service: takes the device's evidence, and says what it thinks of it. */
static int judge_device(struct tconn_channel *c, const struct tconn_party *us,
			const struct tconn_identity *device, const uint8_t nonce[32],
			struct tconn_attestation *ret, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r, sent;

	r = tconn_message_receive(c, TCONN_MSG_EVIDENCE, TCONN_FRAME_EVIDENCE, us->message_ms, &m,
				  err);
	if (r < 0)
		return r;
	if (m.has_nonce)
		return tconn_fail(err, -EBADMSG, "a device's EVIDENCE has no nonce");
	r = appraise_message(c, us, device, nonce, &m, ret, err);
	if (r < 0 && r != -EKEYREJECTED)
		return tconn_fail_in(err, r, "the device's evidence");
	sent = send_verdict(c, &ret->peer, r < 0 ? NULL : err);
	if (r < 0)
		return tconn_fail_in(err, r, "the device is not trusted");
	return sent;
}

int tconn_attest_service(struct tconn_channel *c, const struct tconn_party *us,
			 const struct tconn_identity *device, struct tconn_attestation *ret,
			 struct tconn_error *err)
{
	uint8_t mine[32], theirs[32];
	struct tconn_held holds = { 0 };
	int r;

	*ret = (struct tconn_attestation){ 0 };
	r = take_hello(c, us->message_ms, theirs, &holds, err);
	if (r == 0)
		r = random_nonce(mine, err);
	if (r == 0)
		r = send_evidence(c, us, TCONN_ROLE_SERVICE, theirs, &holds, mine, err);
	if (r == 0)
		r = hear_verdict(c, us, ret, err);
	if (r == 0)
		r = judge_device(c, us, device, mine, ret, err);
	return r;
}

int tconn_reattest_service(struct tconn_channel *c, const struct tconn_party *us,
			   const struct tconn_identity *device, struct tconn_attestation *ret,
			   struct tconn_error *err)
{
	struct tconn_message m = {
		.type = TCONN_MSG_ATTEST, .has_nonce = true, .held = holding(us),
	};
	struct tconn_party mine = *us;
	int r = random_nonce(m.nonce, err);

	/* Asked for on purpose: silence is no answer. */
	mine.exempt = false;
	if (r == 0)
		r = tconn_message_send(c, &m, err);
	return r < 0 ? r : judge_device(c, &mine, device, m.nonce, ret, err);
}
