/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c and channel.c share. */
#ifndef TCONN_TLS_H
#define TCONN_TLS_H

#include "error.h"

/* "what: OpenSSL's last reason"; empties OpenSSL's error queue; returns code. */
int tconn_tls_fail(struct tconn_error *err, int code, const char *what);

#endif
