/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all devices of a swarm measured: three logs, in the kernel's and the firmware's formats,
 * and the PCRs that they replay to. `init` makes some, with reference values that fit; logs of a
 * real device may be put in their place, with that device's reference values at the service.
 *
 *	DIR/boot.log		firmware event log
 *	DIR/ima.log		IMA, binary_runtime_measurements
 *	DIR/tconn.log		the module's
 *	DIR/device-reference.json
 */
#ifndef SWARM_LOGS_H
#define SWARM_LOGS_H

#include "../lib/bytes.h"
#include "../lib/evidence.h"

#define LOGS_IMA_MAX	100000u		/* entries that are made */

struct logs {
	struct tconn_bytes boot, ima, tconn;
	struct tconn_pcrs pcrs;
};

int logs_create(const char *dir, unsigned int ima_entries, struct tconn_error *err);
/* -EBADMSG: not in their formats. */
int logs_load(const char *dir, struct logs *ret, struct tconn_error *err);
void logs_free(struct logs *l);

/* Copies into evidence. */
int logs_fill(const struct logs *l, struct tconn_evidence *e, struct tconn_error *err);

#endif
