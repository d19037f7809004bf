/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event by HTTPS POST. Who gets it knows that it is from this service by a signature
 * over time and body, HMAC-SHA256 with a secret both have, or by this end's certificate.
 * Redirects, proxies of the environment and anything but HTTPS are not followed.
 */
#ifndef SERVICED_WEBHOOK_H
#define SERVICED_WEBHOOK_H

#include "action.h"

struct webhook;

#define WEBHOOK_SECRET_MIN	32	/* bytes */
#define WEBHOOK_SECRET_MAX	1024

/* -EINVAL, -EPERM: a setting, or what it names. */
int webhook_open(const struct settings *s, struct webhook **ret, struct tconn_error *err);
void webhook_close(struct webhook *w);	/* accepts NULL */
/* Any 2xx is 0. From one thread at a time. Gives up within ACTION_MS, and at once where
 * *stop becomes true.
 */
int webhook_send(struct webhook *w, const struct action_event *e, const _Atomic _Bool *stop,
		 struct tconn_error *err);

#endif
