/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation with the service, over and over until told to stop. */
#ifndef TCONND_SERVICE_H
#define TCONND_SERVICE_H

#include "../lib/intake.h"
#include "../lib/renewal.h"
#include "keep.h"
#include "state.h"

struct phrase;

struct service {
	struct state *state;
	struct tconn_party party;
	struct tconn_credentials *credentials;	/* ours */
	struct tconn_renewal renewal;
	_Atomic(struct tconn_credentials *) fresh;	/* renewed, not yet in use; or NULL */
	int fresh_fd;			/* eventfd, readable while there are some */
	struct tconn_identity expected;	/* whom we mean to talk to */
	struct tconn_ima_state service_log;	/* what is known of its IMA log */
	struct keep keep;
	struct tconn_intake intake;	/* of the service's items; dir NULL: none is taken */
	uint64_t items_sent;
	struct phrase *phrase;
};

/* Connects, attests, serves requests; tries again with growing pauses. Returns
 * when told to stop.
 */
void service_run(struct service *s);

/* Keeps the identity from ending: what is renewed is taken into use when the device is not
 * being asked anything, on a second connection, before the first one is given up.
 */
int service_renew_start(struct service *s, struct tconn_error *err);
void service_renew_end(struct service *s);

#endif
