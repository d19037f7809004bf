/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel: TLS 1.3 and nothing else, framed messages, a deadline on every
 * operation. Blocking calls over non-blocking sockets.
 *
 * Frame: length u32 big-endian (1..limit), then that many bytes of one CBOR item.
 */
#ifndef TCONN_CHANNEL_H
#define TCONN_CHANNEL_H

#include <stdatomic.h>

#include "evidence.h"
#include "identity.h"

struct tconn_channel;
struct ssl_ctx_st;

#define TCONN_HANDSHAKE_MS	10000
#define TCONN_MESSAGE_MS	30000
#define TCONN_MESSAGE_MAX	65536u		/* before the peer attested */

/* For connect and accept: the codes of tconn_channel_receive(), and those of connect(2).
 *
 * TLS 1.3 only, ECDSA P-256/SHA-256, no tickets, no 0-RTT. identity_dir == NULL:
 * no own certificate (enrolment client). trust == NULL: the peer is not asked
 * for one (the CA's listener).
 */
int tconn_tls_context(struct tconn_tpm *tpm, const char *identity_dir, struct x509_store_st *trust,
		      bool server, struct ssl_ctx_st **ret, struct tconn_error *err);
/* The CA's own software key. */
int tconn_tls_context_file(const char *cert_pem, const char *key_pem, struct ssl_ctx_st **ret,
			   struct tconn_error *err);

/* address: HOST:PORT or [HOST]:PORT. Give numbers where the deadline matters: a name is
 * looked up by getaddrinfo(), which has its own.
 */
int tconn_channel_connect(struct ssl_ctx_st *ctx, const char *address, struct tconn_channel **ret,
			  struct tconn_error *err);
/* Takes fd in all cases. */
int tconn_channel_accept(struct ssl_ctx_st *ctx, int fd, struct tconn_channel **ret,
			 struct tconn_error *err);
void tconn_channel_close(struct tconn_channel *c);	/* accepts NULL */

/* -EMSGSIZE frame over limit, -EBADMSG empty frame, -ETIMEDOUT, -ECONNRESET closed (the
 * text says whether in the middle of a message), -EKEYREJECTED a certificate is not
 * accepted (in TLS 1.3 a client learns that at its first receive), -EPROTO other TLS
 * errors. *ret malloc'ed. timeout_ms is for the whole message, from now. The process
 * must ignore SIGPIPE (tconn_process_harden() does).
 */
int tconn_channel_send(struct tconn_channel *c, const void *buf, size_t len, struct tconn_error *err);
int tconn_channel_receive(struct tconn_channel *c, size_t limit, int timeout_ms,
			  struct tconn_bytes *ret, struct tconn_error *err);
/* From now on who waits for the peer gives up within 100 ms of *cancel becoming true:
 * -ECANCELED. Sending goes on. NULL: no more of that. *cancel is borrowed.
 */
void tconn_channel_cancel(struct tconn_channel *c, const atomic_bool *cancel);
int tconn_channel_fd(const struct tconn_channel *c);	/* to poll between messages */
/* Data is already decrypted and waiting: poll() would not tell. */
bool tconn_channel_pending(const struct tconn_channel *c);

/* The peer's TLS leaf, DER, borrowed. */
int tconn_channel_peer(const struct tconn_channel *c, const uint8_t **ret, size_t *ret_len);
/* Fills exporter and leaf hashes of b for an attester of b->role; which of the
 * two ends we are decides which leaf is "own". No exporter is an error.
 */
int tconn_channel_binding(const struct tconn_channel *c, enum tconn_role attester,
			  struct tconn_binding *b, struct tconn_error *err);

/* HOST:PORT -> listening socket. */
int tconn_listen(const char *address, int *ret_fd, struct tconn_error *err);

#endif
