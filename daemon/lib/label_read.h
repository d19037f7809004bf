/* SPDX-License-Identifier: Apache-2.0 */
/* A label as it was decoded, between label.c and label_verify.c. */
#ifndef TCONN_LABEL_READ_H
#define TCONN_LABEL_READ_H

#include "label_header.h"
#include "merkle.h"

struct tconn_label {
	struct tconn_bytes raw;			/* everything below points into it */
	struct tconn_cose cose;			/* its payload is root */
	struct tconn_label_header header;
	struct tconn_label_unprotected un;
	struct tconn_label_span *entry;
	size_t count;
	struct tconn_label_span input[TCONN_LABEL_INPUTS_MAX];
	uint8_t root[32];
	uint8_t digest[32];			/* of the Sig_structure */
};

#endif
