/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: the configuration and what it names is read again, whole, before any of it is
 * in force. What is wrong in it changes nothing. Connections go on; each is judged by the new
 * rules from the next thing it does.
 *
 * New may be: reference values, their signers, issuers, the item policy, this service's
 * certificates, and at the operators' listener the certificate and the tokens. Everything
 * else is what it was at the start, and a configuration in which it differs is refused.
 * Revocations need none of this: they are looked up each time.
 */
#ifndef SERVICED_RELOAD_H
#define SERVICED_RELOAD_H

#include "server.h"

struct http;

struct reload {
	struct server *server;
	struct settings *settings;	/* in force; the main thread alone changes them */
	const char *config;		/* path */
	const char *database;		/* in place of what it says; NULL: as it says */
	const struct tconn_revocation_list *revoked;
	struct http *http;		/* NULL: no listener */
};

/* Says in the log, and in the audit log, what came of it. */
void reload_run(const struct reload *r);

#endif
