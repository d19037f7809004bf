/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tconnctl's commands. Each gets its own arguments, argv[0] being its name, and
 * returns an exit code. With json, one JSON object on one line goes to standard
 * output whatever happens; without, words.
 */
#ifndef TCONNCTL_H
#define TCONNCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../lib/error.h"

struct json_object;

#define SOCKET_SERVICED	"/run/tconn/serviced.sock"
#define SOCKET_TCONND	"/run/tconn/tconnd.sock"

/* Documented in tconnctl(1). */
enum exit_code {
	CTL_OK		= 0,	/* done; confirmed, entered or acknowledged */
	CTL_DENIED	= 1,
	CTL_USAGE	= 2,
	CTL_ABORTED	= 3,	/* no decision: time-out, screen lost, ... */
	CTL_REFUSED	= 4,	/* not trusted: a check failed */
	CTL_UNREACHABLE	= 5,	/* daemon, device or thing asked for is not there */
	CTL_STATEMENT	= 6,	/* statement refused, nothing was sent */
	CTL_FAILED	= 7,	/* anything else */
};

struct ctl {
	const char *socket;	/* NULL: the standard place */
	bool json;
};

int command_enrol(const struct ctl *ctl, int argc, char **argv);
int command_device(const struct ctl *ctl, int argc, char **argv);
int command_request(const struct ctl *ctl, int argc, char **argv);
int command_receipt(const struct ctl *ctl, int argc, char **argv);
int command_item(const struct ctl *ctl, int argc, char **argv);
int command_label(const struct ctl *ctl, int argc, char **argv);
int command_policy(const struct ctl *ctl, int argc, char **argv);
int command_token(const struct ctl *ctl, int argc, char **argv);
int command_phrase(const struct ctl *ctl, int argc, char **argv);
int command_audit(const struct ctl *ctl, int argc, char **argv);
int command_revocation(const struct ctl *ctl, int argc, char **argv);
int command_status(const struct ctl *ctl, int argc, char **argv);
int command_verdict(const struct ctl *ctl, int argc, char **argv);
int command_evidence(const struct ctl *ctl, int argc, char **argv);

/* Sends request to the operator's socket; takes it over. 0, or an exit code
 * after the error was printed. *ret is the reply, "ok" or not.
 */
int call(const struct ctl *ctl, const char *path, struct json_object *request, int timeout_ms,
	 struct json_object **ret);
/* The same at tconn-serviced's socket, where the answer is not a person's. */
int call_service(const struct ctl *ctl, struct json_object *request, struct json_object **ret);
/* And the reply printed, as JSON or by show (NULL: not at all) where it is "ok". An exit code. */
int call_and_show(const struct ctl *ctl, struct json_object *request,
		  void (*show)(struct json_object *reply));
/* Exit code of a reply; prints its error where it has one and json is off. */
int reply_code(const struct ctl *ctl, struct json_object *reply);

/* file.c: what a daemon sent, decoded, into a file: an exit code. A whole file of fewer than
 * size bytes: 0 or a negative errno.
 */
int write_base64(const struct ctl *ctl, const char *path, const char *base64);
int read_whole(const char *path, uint8_t *buf, size_t size, size_t *ret_len,
	       struct tconn_error *err);

int usage(const char *what);				/* CTL_USAGE */
int failure(const struct ctl *ctl, int code, const struct tconn_error *err);
void print_json(struct json_object *obj);
/* Words for a terminal: control characters in what others said become '?'. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_checks(struct json_object *checks);
void print_receipt(struct json_object *receipt);
const char *member(struct json_object *obj, const char *key);	/* as text, "" where absent */
bool flag(struct json_object *obj, const char *key);

#endif
