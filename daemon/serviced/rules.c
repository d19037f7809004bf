// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/digest.h"
#include "../lib/file.h"
#include "server.h"
#include "settings.h"

#define FILE_MAX	(1u << 20)	/* bytes, issuers or a policy */

static int digest_file(const char *path, uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_bytes file = { 0 };
	int r = tconn_file_read(path, FILE_MAX, &file, err);

	if (r == 0)
		tconn_sha256(file.data, file.len, ret);
	tconn_bytes_free(&file);
	return r;
}

static int load_issuers(const struct settings *s, const struct tconn_revocation_list *revoked,
			struct rules *r, struct tconn_error *err)
{
	int e = tconn_trust_load(s->trust, &r->trust, err);

	if (e == 0)
		e = tconn_trust_load(s->trust, &r->archive, err);
	if (e == 0)
		e = digest_file(s->trust, r->trust_digest, err);
	if (e == 0 && revoked)
		e = tconn_trust_revocation(r->trust, revoked, err);
	return e;
}

static int load_items(const struct settings *s, struct rules *r, struct tconn_error *err)
{
	int e;

	if (!s->items)
		return 0;
	r->intake.dir = s->items;
	r->intake.trust = r->trust;
	if (!s->item_policy)
		return tconn_fail(err, -EINVAL, "\"items\" wants an \"item_policy\"");
	e = tconn_intake_policy_load(s->item_policy, &r->intake.policy, err);
	return e ? e : digest_file(s->item_policy, r->item_digest, err);
}

int rules_load(const struct settings *s, const struct tconn_revocation_list *revoked,
	       struct rules **ret, struct tconn_error *err)
{
	struct rules *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r->users = 1;
	r->number = 1;
	r->time = time(NULL);
	e = load_issuers(s, revoked, r, err);
	if (e == 0)
		e = tconn_refset_load(s->device_reference, s->reference_signers, &r->refset, err);
	if (e == 0)
		e = load_items(s, r, err);
	if (e == 0)
		*ret = r;
	else
		rules_put(r);
	return e;
}

void rules_put(struct rules *r)
{
	if (!r || atomic_fetch_sub(&r->users, 1) != 1)
		return;
	tconn_intake_free(&r->intake);
	tconn_refset_free(r->refset);
	X509_STORE_free(r->trust);
	X509_STORE_free(r->archive);
	free(r);
}

struct rules *rules_get(struct server *s)
{
	struct rules *r;

	pthread_mutex_lock(&s->lock);
	r = s->rules;
	atomic_fetch_add(&r->users, 1);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void rules_enforce(struct server *s, struct rules *fresh)
{
	struct rules *old;

	pthread_mutex_lock(&s->lock);
	old = s->rules;
	fresh->number = old ? old->number + 1 : 1;
	s->rules = fresh;
	pthread_mutex_unlock(&s->lock);
	rules_put(old);
}

void rules_refresh(struct device *d)
{
	struct rules *now = rules_get(d->server);

	if (now == d->rules) {
		rules_put(now);
		return;
	}
	if (d->rules)
		d->log = (struct tconn_ima_state){ 0 };
	rules_put(d->rules);
	d->rules = now;
	d->party.trust = now->trust;
	d->party.refset = now->refset;
}
