/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For sensors: labels from tconn-labeld over its socket, see tconn-labeld(8). Order of
 * things: tconn_label_connect, then any number of tconn_label_ask and as many
 * tconn_label_answer; tconn_label_get is one of each. Answers come in the order of the
 * items of a batch, and after at most the daemon's latency_ms.
 *
 * The daemon knows its clients by process: connect in the process that asks. No thread is
 * started; one connection is used by one thread at a time. Functions return 0 or a
 * negative errno and fill err (which may be NULL). Out-parameters stay untouched on failure.
 */
#ifndef TCONN_LABEL_CLIENT_H
#define TCONN_LABEL_CLIENT_H

#include "label.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TCONN_LABEL_SOCKET "/run/tconn-label/socket"

struct tconn_label_connection;

struct tconn_label_wanted {		/* an item to be labelled */
	/* Its program is not the client's to say, and not looked at. */
	const struct tconn_label_source *source;
	uint64_t size;
	const uint8_t *data;		/* size bytes; NULL: digest is given */
	const uint8_t *digest;		/* SHA-256 */
	bool inside;			/* keep the data in the label: at most TCONN_LABEL_INLINE_MAX */
	const struct tconn_bytes *inputs;	/* labels of what it was derived from */
	size_t input_count;
};

/* socket: NULL for TCONN_LABEL_SOCKET. Waits for the daemon's greeting, timeout_ms at most
 * (-ETIMEDOUT). -EACCES: turned away, err says why.
 */
int tconn_label_connect(const char *socket, uint32_t timeout_ms,
			struct tconn_label_connection **ret, struct tconn_error *err);
void tconn_label_disconnect(struct tconn_label_connection *c);	/* accepts NULL */
/* To be polled for POLLIN: then there is an answer. */
int tconn_label_connection_fd(const struct tconn_label_connection *c);

/* Sends; waits for nothing. ret_id: the answer's. -EMSGSIZE: with its inputs over what fits
 * into a message; -EAGAIN: more is under way than the socket holds, take an answer first.
 */
int tconn_label_ask(struct tconn_label_connection *c, const struct tconn_label_wanted *item,
		    uint64_t *ret_id, struct tconn_error *err);
/* The next answer. ret_id is set also where the item was refused, which is the daemon's
 * errno: -EPERM not this client's source or type, -EAGAIN over its rate, a fault of label.h
 * where an input is not good. -EPIPE: the daemon has ended the connection.
 */
int tconn_label_answer(struct tconn_label_connection *c, uint32_t timeout_ms, uint64_t *ret_id,
		       struct tconn_bytes *ret_label, struct tconn_error *err);
/* Both; only while no other answer is due. */
int tconn_label_get(struct tconn_label_connection *c, const struct tconn_label_wanted *item,
		    uint32_t timeout_ms, struct tconn_bytes *ret_label, struct tconn_error *err);

#ifdef __cplusplus
}
#endif
#endif
