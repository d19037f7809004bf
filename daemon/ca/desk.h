/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk: one enrolment, from the request to the certificates (PROTOCOL.md).
 * All conversations share one desk; nothing in it changes but the store.
 */
#ifndef TCONN_CA_DESK_H
#define TCONN_CA_DESK_H

#include "../lib/channel.h"
#include "../lib/issuer.h"
#include "store.h"

/* Who issues, ISO/IEC 27071 clause 5.4: what it may vouch for. */
enum profile {
	PROFILE_MANUFACTURER,		/* devices only */
	PROFILE_THIRD_PARTY,		/* devices and services */
	PROFILE_SERVICE_PROVIDER,	/* devices, and services under its own name */
};

struct desk {
	const struct tconn_issuer *issuer;
	struct x509_store_st *makers;	/* issuers of EK certificates */
	struct store *store;
	enum profile profile;
};

/* ret: who was enrolled; on failure who asked, as far as that is known (name ""
 * where it is not). The peer has been told.
 */
int desk_enrol(const struct desk *desk, struct tconn_channel *c, struct tconn_identity *ret,
	       struct tconn_error *err);

#endif
