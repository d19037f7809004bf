/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal: a thread that enrols a daemon's identity once more before it ends, with the
 * same keys in the same TPM, and hands over what it got. To the issuer it is an
 * enrolment like the first (enrol.h), so another TPM gets nothing.
 */
#ifndef TCONN_RENEWAL_H
#define TCONN_RENEWAL_H

#include <pthread.h>

#include "credentials.h"

#define TCONN_RENEWAL_BEFORE	30	/* days before the end, where nobody says otherwise */
#define TCONN_RENEWAL_RETRY_S	60	/* after a failure; doubled with each, up to: */
#define TCONN_RENEWAL_PAUSE_S	21600	/* also after a success, whatever the certificates say */

struct tconn_renewal {
	/* given */
	struct tconn_tpm *tpm;
	struct x509_store_st *trust;	/* or, where that changes at times: */
	struct x509_store_st *(*trusted)(void *arg);	/* a reference of its own; NULL: trust */
	const char *issuer;		/* HOST:PORT; NULL: nothing is renewed, but the end is told */
	const char *identity_dir;	/* its ca.pem is who is believed at that address */
	struct tconn_identity self;
	uint32_t before_days;
	_Atomic int64_t end;		/* of what is in use, seconds since 1970; may be changed */
	/* In the thread: what is new; it is the callee's. */
	void (*renewed)(void *arg, struct tconn_credentials *fresh);
	/* In the thread: why it was not renewed. */
	void (*failed)(void *arg, const struct tconn_error *why);
	void *arg;
	/* own */
	int stop_fd;
	pthread_t thread;
};

int tconn_renewal_start(struct tconn_renewal *r, struct tconn_error *err);
/* Ends the thread; waits for an enrolment under way. Nothing where none was started. */
void tconn_renewal_end(struct tconn_renewal *r);

#endif
