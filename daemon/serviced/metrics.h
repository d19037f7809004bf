/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for Prometheus, in its text format (version 0.0.4): at the operator's listener
 * (http.h), or as a file that the textfile collector of its node exporter reads.
 */
#ifndef SERVICED_METRICS_H
#define SERVICED_METRICS_H

#include "server.h"

#define METRICS_S	10	/* seconds between two files */

/* *ret is malloc'ed. -ENOMEM. */
int metrics_text(struct server *s, struct tconn_bytes *ret, struct tconn_error *err);
/* The file is replaced as one, mode 0644. */
int metrics_write(struct server *s, const char *path, struct tconn_error *err);

#endif
