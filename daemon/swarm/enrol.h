/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment of simulated devices at a tconn-ca, by the very messages of PROTOCOL.md, and at a
 * tconn-serviced by its operator's socket. Devices that are there already stay as they are.
 */
#ifndef SWARM_ENROL_H
#define SWARM_ENROL_H

#include "../lib/error.h"

struct enrol_options {
	const char *dir;
	const char *ca, *ca_file;	/* HOST:PORT; PEM */
	const char *admin;		/* socket of tconn-serviced; NULL: it is not told */
	unsigned int devices, workers;
};

/* *ret_made counts those that were not there. Stops at the first that fails. */
int enrol_swarm(const struct enrol_options *o, unsigned int *ret_made, struct tconn_error *err);

#endif
