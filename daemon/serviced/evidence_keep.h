/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last evidence of each device, on disk for people: DIR/ID.cbor as it came
 * (PROTOCOL.md), and DIR/ID.ima, its IMA log pieced together from the parts that were sent.
 * Kept whether it was trusted or not. tconnctl evidence reads them.
 */
#ifndef SERVICED_EVIDENCE_KEEP_H
#define SERVICED_EVIDENCE_KEEP_H

#include "../lib/evidence.h"

/* A failure is logged, nothing else. */
void evidence_keep(const char *dir, const struct tconn_identity *device,
		   const struct tconn_bytes *encoded, const struct tconn_evidence *e);

#endif
