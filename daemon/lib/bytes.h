/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with an owner: malloc'ed, wiped when freed. */
#ifndef TCONN_BYTES_H
#define TCONN_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct tconn_bytes {
	uint8_t *data;		/* malloc'ed */
	size_t len;
};
void tconn_bytes_free(struct tconn_bytes *b);

#endif
