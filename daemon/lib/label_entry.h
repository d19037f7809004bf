/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label's entry: what is hashed into the tree for one item, a CBOR array
 *	[ source, sequence, time, kind, size, content ] or
 *	[ source, sequence, time, kind, size, content, [ + input ] ]
 * time: microseconds after the header's; kind 0: content is the data, 1: their SHA-256;
 * input: id of an item it was derived from, 32 bytes.
 *
 * Coded by hand, not through libcbor's callbacks: this runs once an item, and of
 * an item of 128 bytes they would cost more than its hash.
 */
#ifndef TCONN_LABEL_ENTRY_H
#define TCONN_LABEL_ENTRY_H

#include "label.h"
#include "merkle.h"

enum tconn_label_kind { TCONN_LABEL_INSIDE, TCONN_LABEL_SHA256 };

#define TCONN_LABEL_INPUT_SIZE	34	/* bytes of an encoded input: head and id */
#define TCONN_LABEL_ENTRY_MAX	(64 + TCONN_LABEL_INLINE_MAX + \
				 TCONN_LABEL_INPUTS_MAX * TCONN_LABEL_INPUT_SIZE)

struct tconn_label_entry {
	uint64_t source, sequence, time_us, kind, size;
	const uint8_t *content;
	size_t content_len;
	size_t input_count;
	const uint8_t *input;	/* input_count times TCONN_LABEL_INPUT_SIZE, encoded */
};

/* Bytes written to ret, which holds TCONN_LABEL_ENTRY_MAX. The limits were checked.
 * input: ids, not encoded; e->input is not looked at.
 */
size_t tconn_label_entry_encode(const struct tconn_label_entry *e, const uint8_t (*input)[32],
				uint8_t *ret);
/* The whole of buf. -EBADMSG, -EMSGSIZE. */
int tconn_label_entry_decode(const uint8_t *buf, size_t len, struct tconn_label_entry *ret,
			     struct tconn_error *err);
/* Head of a byte string; ret holds 9. */
size_t tconn_label_bytes_head(size_t len, uint8_t *ret);
/* The next byte string; false where there is none, or not in its shortest form. */
bool tconn_label_bytes_next(const uint8_t **at, const uint8_t *end, const uint8_t **ret,
			    size_t *ret_len);

/* Entries as they are in a label of many: byte strings in their shortest form, one after the
 * other. The next TCONN_MERKLE_ROW at most; how many there were.
 */
size_t tconn_label_entries_next(const uint8_t **at, const uint8_t *end,
				struct tconn_piece ret[TCONN_MERKLE_ROW]);
/* Of the tree over all of them, which is not kept. -EINVAL: none. */
int tconn_label_entries_root(const uint8_t *entries, size_t len, uint8_t ret[32],
			     struct tconn_error *err);

#endif
