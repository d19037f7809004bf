/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk: takes items of clients, puts them into the open batch, signs it in time.
 * A batch is closed when it is full, or early enough that its first item's label is
 * there latency_ms after the item was read: what signing took before is set aside.
 */
#ifndef LABELD_DESK_H
#define LABELD_DESK_H

#include "../lib/label.h"
#include "../lib/label_policy.h"
#include "../lib/label_wire.h"
#include "certificate.h"
#include "peer.h"
#include "settings.h"

#define DESK_CLIENTS	64	/* connections */
#define DESK_SOURCES	1024	/* names per epoch */

struct x509_store_st;

struct client {
	int fd;				/* -1: free */
	uint64_t serial;		/* so that a label never goes to a successor */
	struct peer peer;
	size_t listed;			/* index in the policy */
	uint8_t nonce[TCONN_WIRE_NONCE];
};

struct waiting {
	uint64_t serial, id;
	struct tconn_bytes *inputs;
	size_t input_count;
};

struct desk {
	const struct settings *settings;
	const struct tconn_label_policy *policy;
	struct x509_store_st *trust;		/* of labels of inputs */
	struct certificate certificate;
	struct tconn_label_signer signer;	/* borrows it */
	struct tconn_label_environment environment;
	struct tconn_label_clock clock;		/* epoch, and the number of the last batch */
	struct client client[DESK_CLIENTS];
	uint64_t serials;
	struct tconn_label_batch *batch;	/* NULL: none open */
	struct waiting *waiting;		/* settings->items of them, one an item of the batch */
	int64_t opened_ms;
	int64_t signing_ms;			/* the longest of late */
	struct {
		char name[64];
		uint64_t sequence;
	} source[DESK_SOURCES];
	size_t source_count;
	struct {
		double tokens;
		int64_t at_ms;
	} bucket[TCONN_LABEL_CLIENTS_MAX];	/* one a policy's client, whatever it connects */
};

int desk_open(struct desk *d, struct tconn_error *err);
void desk_close(struct desk *d);
/* Runs until stop_fd is readable. */
void desk_run(struct desk *d, int listen_fd, int stop_fd);

#endif
