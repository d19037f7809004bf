/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for a person. Library code never logs: it fills one of
 * these and returns a negative errno-like code; main() prints it.
 */
#ifndef TCONN_ERROR_H
#define TCONN_ERROR_H

#define TCONN_ERROR_MAX 512

struct tconn_error {
	char text[TCONN_ERROR_MAX];	/* what is wrong, where, what to do; never a secret */
};

/* Formats into err (which may be NULL) and returns code, so that callers write
 * `return tconn_fail(err, -EPROTO, "...")`. Prefixing: tconn_fail_in().
 */
int tconn_fail(struct tconn_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "where: " before the text that is there already; returns code. */
int tconn_fail_in(struct tconn_error *err, int code, const char *where);

#endif
