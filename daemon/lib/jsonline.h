/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's sockets: Unix streams, mode 0600. One JSON object on one line
 * in, one JSON object on one line out, then close (PROTOCOL.md). A line that is
 * too long, not JSON, or cut short is answered with an error and the socket is
 * closed. Every operation has a deadline.
 */
#ifndef TCONN_JSONLINE_H
#define TCONN_JSONLINE_H

#include <stdbool.h>
#include <stddef.h>
#include "error.h"

struct json_object;

#define TCONN_JSONLINE_MAX	65536u		/* bytes of a request, newline included */
#define TCONN_JSONLINE_REPLY_MAX (16u << 20)	/* bytes of a reply */
#define TCONN_JSONLINE_MS	5000		/* to send a request or take a reply */

/* Binds and listens. A socket file nobody listens on is replaced; a live one is
 * -EADDRINUSE. Changes the umask meanwhile: call it before there are threads.
 */
int tconn_jsonline_listen(const char *path, int *ret_fd, struct tconn_error *err);

/* -EMSGSIZE line over limit, -EBADMSG not one JSON object, -ETIMEDOUT,
 * -ECONNRESET closed before the end of the line.
 */
int tconn_jsonline_receive(int fd, size_t limit, int timeout_ms, struct json_object **ret,
			   struct tconn_error *err);
int tconn_jsonline_send(int fd, struct json_object *obj, int timeout_ms, struct tconn_error *err);

/* One JSON object, nothing before or after it, nothing deeper than 8. -EBADMSG. */
int tconn_json_parse(const char *line, size_t len, struct json_object **ret,
		     struct tconn_error *err);

/* A whole conversation from the client's side; timeout_ms is for the reply. */
int tconn_jsonline_call(const char *path, struct json_object *request, int timeout_ms,
			struct json_object **ret, struct tconn_error *err);

/* {"ok":false,"error":TEXT,"code":POSITIVE ERRNO} */
struct json_object *tconn_jsonline_error(int code, const struct tconn_error *err);

/* Members of a request. Absent or of another type: false, *ret untouched. */
bool tconn_json_string(struct json_object *obj, const char *key, const char **ret, size_t *ret_len);
bool tconn_json_uint(struct json_object *obj, const char *key, unsigned long long max,
		     unsigned long long *ret);

/* Adds value under key; a NULL value (out of memory) becomes JSON's null. */
void tconn_json_add(struct json_object *obj, const char *key, struct json_object *value);
void tconn_json_add_string(struct json_object *obj, const char *key, const char *value);

struct tconn_verdict;
/* [ {"name":..., "pass":..., "reason":...}, ... ] */
struct json_object *tconn_json_checks(const struct tconn_verdict *v);

#endif
