/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load: simulated devices that connect to a tconn-serviced and attest, as tconnd does; and
 * what it cost. One JSON object tells, tconn-swarm(8) lists its members.
 */
#ifndef SWARM_LOAD_H
#define SWARM_LOAD_H

#include <sys/types.h>

#include "../lib/error.h"

#define LOAD_WORKERS_MAX 512

enum load_kind {
	LOAD_HANDSHAKE,		/* mutual TLS alone, then close: what all else is compared with */
	LOAD_CONNECT,		/* handshake, both attestations, both verdicts, then close */
	LOAD_HOLD,		/* the same, but all stay, and attest again when the service asks */
};

struct load_options {
	enum load_kind kind;
	const char *dir;
	const char *address, *service;	/* HOST:PORT; its name */
	const char *trust, *reference;	/* PEM; of the service's evidence */
	unsigned int devices, workers;
	unsigned int seconds;		/* HOLD: after the last one has connected */
	unsigned int rate;		/* connections a second; 0: as many as get through */
	pid_t pid;			/* of the service, to be measured; 0: it is not here */
};

struct json_object;
/* *ret where anything was measured, also if some failed: its "failed" counts them. */
int load_run(const struct load_options *o, struct json_object **ret, struct tconn_error *err);

#endif
