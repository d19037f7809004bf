/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label's headers. Protected, so signed: algorithm, certificate, and what all items
 * of a batch share. Unprotected: how this label leads to the signed root.
 */
#ifndef TCONN_LABEL_HEADER_H
#define TCONN_LABEL_HEADER_H

#include "cose.h"
#include "label.h"

/* COSE Receipts (Merkle tree proofs): header parameters and values. */
#define TCONN_COSE_VDS		395	/* verifiable data structure */
#define TCONN_COSE_VDP		396	/* its proofs */
#define TCONN_VDS_RFC9162	1	/* RFC9162_SHA256 */
#define TCONN_VDP_INCLUSION	(-1)

/* Private use (below -65536). */
#define TCONN_COSE_LABEL	(-70001)	/* protected */
#define TCONN_COSE_ENTRY	(-70002)	/* this item's entry */
#define TCONN_COSE_INPUTS	(-70003)	/* labels of its inputs */
#define TCONN_COSE_ENTRIES	(-70004)	/* all entries of the batch */

#define TCONN_LABEL_FORMAT	1
#define TCONN_LABEL_CONTENT_TYPE "application/vnd.tconn.label+cbor"

struct tconn_label_span {		/* borrowed */
	const uint8_t *data;
	size_t len;
};

struct tconn_label_header {
	struct tconn_label_span chain[TCONN_LABEL_CHAIN_MAX];	/* DER, the signer's first */
	size_t chain_count;
	bool has_thumbprint;
	uint8_t thumbprint[32];
	struct tconn_label_clock clock;
	struct tconn_label_environment environment;
	size_t source_count;
	struct tconn_label_source source[TCONN_LABEL_SOURCES_MAX];
};

struct tconn_label_unprotected {
	bool single;			/* one item with its proof; else all entries */
	uint64_t leaves, index;
	size_t path_count;
	uint8_t path[32 * 32];
	struct tconn_label_span entry;	/* single */
	struct tconn_label_span entries; /* else: entries_count byte strings, one after the other */
	size_t entries_count;
	struct tconn_label_span inputs;	/* inputs_count byte strings */
	size_t inputs_count;
};

int tconn_label_header_encode(const struct tconn_label_header *h, struct tconn_bytes *ret,
			      struct tconn_error *err);
/* -EOPNOTSUPP, -EPROTONOSUPPORT, -EBADMSG, -EMSGSIZE as in label.h. */
int tconn_label_header_decode(const uint8_t *buf, size_t len, struct tconn_label_header *ret,
			      struct tconn_error *err);
int tconn_label_unprotected_decode(const uint8_t *buf, size_t len,
				   struct tconn_label_unprotected *ret, struct tconn_error *err);

/* Text that the format can hold. -EINVAL says which field is not. */
int tconn_label_source_check(const struct tconn_label_source *source, struct tconn_error *err);

#endif
