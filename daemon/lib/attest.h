/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation after the handshake, from both ends (PROTOCOL.md): HELLO,
 * EVIDENCE, VERDICT, EVIDENCE, VERDICT. The device appraises the service before
 * it sends anything of its own but the HELLO; a service that is not trusted gets
 * the verdict, a REFUSAL and nothing else.
 *
 * Everything here blocks, each message with a deadline. A failure is told to the
 * peer by tconn_channel_refuse(), which the caller calls once with what it got.
 */
#ifndef TCONN_ATTEST_H
#define TCONN_ATTEST_H

#include "channel.h"
#include "message.h"
#include "refset.h"

#define TCONN_VERSION_HELLO	1

/* Limits of a frame by its message, PROTOCOL.md. */
#define TCONN_FRAME_EVIDENCE	TCONN_EVIDENCE_MAX

/* What one end brings along. Nothing is owned. */
struct tconn_party {
	struct tconn_tpm *tpm;
	struct tconn_sources sources;		/* of our own evidence */
	struct x509_store_st *trust;
	const struct tconn_refset *refset;	/* for the peer's evidence */
	uint32_t message_ms;			/* deadline of each message */
	bool silent;				/* we do not attest when connecting */
	bool exempt;				/* the peer need not: it is assured otherwise */
	struct tconn_ima_state *peer_log;	/* what is held of the peer's; NULL: nothing is kept */
	/* Called with every evidence that was appraised, and what was found; or NULL. */
	void (*keep)(void *arg, const struct tconn_identity *peer, const struct tconn_bytes *encoded,
		     const struct tconn_evidence *e);
	void *keep_arg;
	/* Gathers our own evidence; NULL: of this machine, with tpm and sources. */
	int (*collect)(void *arg, const uint8_t qualifying[32], struct tconn_evidence *ret,
		       struct tconn_error *err);
	void *collect_arg;
	struct tconn_held peer_holds;		/* of ours, as the peer said last */
};

struct tconn_attestation {
	struct tconn_verdict peer;	/* what we found about the peer; count 0: not reached */
	struct tconn_verdict own;	/* what the peer found about us; count 0: not reached */
	char kernel[128];		/* the peer's, a hint */
};

/* Who is at the other end, by its TLS certificate, checked against trust. */
int tconn_peer_identity(const struct tconn_channel *c, struct x509_store_st *trust,
			enum tconn_role role, struct tconn_identity *ret, struct tconn_error *err);

/* Both fill ret as far as they get, also on failure. -EKEYREJECTED: one side does
 * not trust the other, and err says which check. -ECONNREFUSED: the peer sent a
 * REFUSAL. -EPROTO, -EBADMSG, -EMSGSIZE, -ETIMEDOUT: what the peer did wrong.
 */
int tconn_attest_device(struct tconn_channel *c, const struct tconn_party *us,
			const struct tconn_identity *service, struct tconn_attestation *ret,
			struct tconn_error *err);
int tconn_attest_service(struct tconn_channel *c, const struct tconn_party *us,
			 const struct tconn_identity *device, struct tconn_attestation *ret,
			 struct tconn_error *err);

/* Once more, on a channel where both have attested. The service asks; the device
 * answers an ATTEST that it has received. Codes as above.
 */
int tconn_reattest_service(struct tconn_channel *c, const struct tconn_party *us,
			   const struct tconn_identity *device, struct tconn_attestation *ret,
			   struct tconn_error *err);
int tconn_reattest_device(struct tconn_channel *c, const struct tconn_party *us,
			  const struct tconn_message *attest, struct tconn_attestation *ret,
			  struct tconn_error *err);

/* Our evidence for the peer, encoded; extra as in tconn_qualifying(). */
int tconn_attest_collect(struct tconn_channel *c, const struct tconn_party *us,
			 enum tconn_role role, const uint8_t nonce[32], const uint8_t extra[32],
			 struct tconn_bytes *ret, struct tconn_error *err);

/* Appraises a peer's evidence; *ret_evidence is the caller's to free in all
 * cases but a negative return other than -EKEYREJECTED.
 */
int tconn_attest_appraise(struct tconn_channel *c, const struct tconn_party *us,
			  const struct tconn_identity *peer, const uint8_t nonce[32],
			  const uint8_t extra[32], const struct tconn_bytes *encoded,
			  struct tconn_verdict *ret, struct tconn_evidence *ret_evidence,
			  struct tconn_error *err);

/* One message. receive: type must be the expected one (TCONN_MSG_ANY: the caller
 * looks); a REFUSAL is -ECONNREFUSED with the peer's reason, any other type -EPROTO.
 */
int tconn_message_send(struct tconn_channel *c, const struct tconn_message *m,
		       struct tconn_error *err);
int tconn_message_receive(struct tconn_channel *c, enum tconn_message_type type, size_t limit,
			  uint32_t timeout_ms, struct tconn_message *ret, struct tconn_error *err);

/* Ends a conversation that failed with code: tells the peer why where that is its
 * business (a failure of this machine is told as such, without the details), and
 * waits briefly so that the REFUSAL is not lost. The channel is good for
 * tconn_channel_close() only afterwards. Does nothing where the peer has gone or
 * refused first.
 */
void tconn_channel_refuse(struct tconn_channel *c, int code, const struct tconn_error *why);

#endif
