/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 with padding, RFC 4648 section 4, as JSON carries bytes. */
#ifndef TCONN_BASE64_H
#define TCONN_BASE64_H

#include "bytes.h"

/*
 * At least one byte; max: what the text may stand for, its padding counted as bytes.
 * -EINVAL: no base64; -EMSGSIZE; -ENOMEM.
 */
int tconn_base64_decode(const char *text, size_t max, struct tconn_bytes *ret);

#endif
