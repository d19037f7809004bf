/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with the service, over and over until told to stop. */
#ifndef TCONND_SERVICE_H
#define TCONND_SERVICE_H

#include "keep.h"
#include "state.h"

struct ssl_ctx_st;

struct service {
	struct state *state;
	struct ssl_ctx_st *tls;
	struct tconn_party party;
	struct tconn_bytes data_cert;	/* ours, DER */
	struct tconn_identity expected;	/* whom we mean to talk to */
	struct tconn_ima_state service_log;	/* what is known of its IMA log */
	struct keep keep;
};

/* Connects, attests, serves requests; tries again with growing pauses. Returns
 * when told to stop.
 */
void service_run(struct service *s);

#endif
