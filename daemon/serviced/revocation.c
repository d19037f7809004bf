// SPDX-License-Identifier: Apache-2.0
#include "revocation.h"

#include <errno.h>
#include <string.h>

#include "../lib/say.h"

int revocation_look(void *store, const char *serial)
{
	struct tconn_error err;
	int r = store_check_revoked(store, STORE_CERTIFICATE, serial, &err);

	if (r < 0)
		tconn_say("certificate %s is refused: %s", serial, err.text);
	return r == -EKEYREVOKED ? 1 : r;
}

int revocation_check(struct server *s, const struct device *d, struct tconn_error *err)
{
	int r = store_check_revoked(s->store, STORE_DEVICE, d->identity.name, err);

	if (r == 0 && d->tls_serial[0])
		r = store_check_revoked(s->store, STORE_CERTIFICATE, d->tls_serial, err);
	if (r == 0 && d->ak_serial[0])
		r = store_check_revoked(s->store, STORE_CERTIFICATE, d->ak_serial, err);
	return r;
}

int revocation_reason(const struct device *d, int r, struct tconn_error *err)
{
	if (r == 0 || !atomic_load(&d->called_off))
		return r;
	r = revocation_check(d->server, d, err);
	return r ? r : tconn_fail(err, -ECONNRESET, "revoked, and not any more; connect again");
}

static bool hits(const struct store_revocation *r, const struct device *d)
{
	if (strcmp(r->kind, STORE_DEVICE) == 0)
		return strcmp(r->subject, d->identity.name) == 0;
	return strcmp(r->subject, d->tls_serial) == 0 || strcmp(r->subject, d->ak_serial) == 0;
}

static void call_off(struct server *s, const struct store_revocation *one)
{
	struct device *d;

	pthread_mutex_lock(&s->lock);
	s->scan_due = 0;
	for (d = TAILQ_FIRST(&s->devices); d; d = TAILQ_NEXT(d, link))
		if (hits(one, d))
			atomic_store(&d->called_off, true);
	pthread_mutex_unlock(&s->lock);
}

/* A server that is slow to answer is not waited for under the lock. */
int revocation_sweep(struct server *s, struct tconn_error *err)
{
	struct store_revocation one;
	int r;

	while ((r = store_next_revocation(s->store, s->revocations, &one, err)) > 0) {
		s->revocations = one.number;
		call_off(s, &one);
	}
	return r;
}
