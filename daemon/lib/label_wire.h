/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label socket's messages: CBOR as in PROTOCOL.md, one a packet (SOCK_SEQPACKET),
 * at most TCONN_WIRE_MAX bytes. The daemon speaks first, once it knows who connected:
 *	HELLO	 {0: 1, 1: nonce (16)}
 *	ASK	 {0: 2, 1: nonce, 2: id, 3: source name, 4: content type, 5: algorithm,
 *		  6: its version, 7: [name, value, ...], 8: size, 9: SHA-256 of the data or
 *		  10: the data, 11: [+ label of an input]}	5, 6, 7, 11 may be absent
 *	LABELLED {0: 3, 2: id, 12: label}
 *	REFUSED	 {0: 4, 2: id, 13: errno, 14: reason}	id 0: the connection
 * The nonce shows that the sender read HELLO after it was identified: a process that
 * wrote first and only then executed the program it wants to be taken for does not.
 */
#ifndef TCONN_LABEL_WIRE_H
#define TCONN_LABEL_WIRE_H

#include "label_header.h"

#define TCONN_WIRE_MAX	65536
#define TCONN_WIRE_NONCE 16

enum tconn_wire_type { TCONN_WIRE_HELLO = 1, TCONN_WIRE_ASK, TCONN_WIRE_LABELLED, TCONN_WIRE_REFUSED };

struct tconn_wire {
	enum tconn_wire_type type;
	uint8_t nonce[TCONN_WIRE_NONCE];
	uint64_t id;
	struct tconn_label_source source;	/* program and its digest are not the client's to say */
	uint64_t size;
	bool inside;
	struct tconn_label_span data;		/* inside; borrowed */
	uint8_t digest[32];			/* else */
	size_t input_count;
	struct tconn_label_span input[TCONN_LABEL_INPUTS_MAX];	/* borrowed */
	struct tconn_label_span label;		/* borrowed */
	uint64_t code;
	char reason[256];
};

int tconn_wire_encode(const struct tconn_wire *m, struct tconn_bytes *ret, struct tconn_error *err);
int tconn_wire_decode(const uint8_t *buf, size_t len, struct tconn_wire *ret,
		      struct tconn_error *err);

#endif
