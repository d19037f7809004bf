// SPDX-License-Identifier: Apache-2.0
#include "items.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/say.h"
#include "device.h"

#define ROUND	64		/* items at a time: others wait for this thread */
#define AUDIT_S	3600		/* between two entries about a device without room */

#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

static int answer(struct device *d, uint64_t id, int code, const struct tconn_error *why,
		  struct tconn_error *err)
{
	struct tconn_message m = { .type = TCONN_MSG_TAKEN, .id = id, .code = (uint32_t)-code };

	if (code)
		snprintf(m.text, sizeof(m.text), "%s", why->text);
	return tconn_message_send(d->channel, &m, err);
}

/* Log, numbers, and where a device reached its quota the audit log, once in a while. */
static void note(struct device *d, int taken, const struct tconn_intake_item *got,
		 const struct tconn_error *why)
{
	const enum server_item what = !taken ? SERVER_ITEM_KEPT : taken == -EDQUOT ?
				      SERVER_ITEM_NO_ROOM : SERVER_ITEM_REFUSED;

	if (taken == -EAGAIN) {
		tconn_say("device %s: is to attest again: %s", d->identity.name, why->text);
		return;
	}
	pthread_mutex_lock(&d->server->lock);
	d->server->items[what]++;
	pthread_mutex_unlock(&d->server->lock);
	if (what == SERVER_ITEM_KEPT)
		tconn_say("device %s: item %s kept in %s", d->identity.name, got->name, got->path);
	else
		tconn_say("device %s: refused (%s): %s", d->identity.name,
			  taken == -EDQUOT ? "quota" : tconn_label_fault(taken), why->text);
	if (what != SERVER_ITEM_NO_ROOM ||
	    (d->quota_audited && server_now() < d->quota_audited + AUDIT_S))
		return;
	d->quota_audited = server_now();
	device_audit(d, "items-quota", why->text);
}

static int take(struct device *d, const struct tconn_message *item, struct tconn_intake_item *got,
		struct tconn_error *why)
{
	int r;

	pthread_mutex_lock(&d->server->intake_lock);
	r = tconn_intake_take(&d->rules->intake, &d->identity, &d->appraised, &item->label,
			      &item->item, got, why);
	pthread_mutex_unlock(&d->server->intake_lock);
	return r;
}

/* 0: there was none, or no room for it; 1: there may be more. attested: for the one before. */
static int fetch_one(struct device *d, bool *attested, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message ask = { .type = TCONN_MSG_FETCH }, item = { 0 };
	struct tconn_intake_item got;
	struct tconn_error why = { "" };
	int r = tconn_message_send(d->channel, &ask, err), taken;

	if (r == 0)
		r = tconn_message_receive(d->channel, TCONN_MSG_ITEM, TCONN_FRAME_ITEM,
					  d->server->settings->message_ms, &item, err);
	if (r < 0 || !item.label.len)
		return r;
	taken = take(d, &item, &got, &why);
	/* It says more than was appraised so far: that is asked for, and then decides. */
	if (taken == -EAGAIN && *attested)
		taken = -EPERM;
	note(d, taken, &got, &why);
	r = answer(d, item.id, taken, &why, err);
	*attested = taken == -EAGAIN;
	if (r == 0 && *attested)
		r = device_attest_again(d, err);
	return r < 0 ? r : taken != -EDQUOT;
}

int items_fetch(struct device *d, struct tconn_error *err)
{
	bool attested = false;
	int r = 1;

	for (int i = 0; r > 0 && i < ROUND; i++)
		r = fetch_one(d, &attested, err);
	d->fetch_due = server_now() + (r > 0 ? 0 : d->server->settings->items_s);
	return r < 0 ? r : 0;
}

bool items_is_due(const struct device *d)
{
	return d->server->settings->items && server_now() >= d->fetch_due;
}

int items_send(struct device *d, struct question *q, struct tconn_error *err)
{
	struct tconn_message item = {
		.type = TCONN_MSG_ITEM, .id = ++d->items_sent, .label = q->label, .item = q->item,
	};		/* what it holds is q's */
	_cleanup_message_ struct tconn_message taken = { 0 };
	int r = tconn_message_send(d->channel, &item, err);

	if (r == 0)
		r = tconn_message_receive(d->channel, TCONN_MSG_TAKEN, TCONN_MESSAGE_MAX,
					  d->server->settings->message_ms, &taken, err);
	if (r == 0 && taken.id != item.id)
		r = tconn_fail(err, -EPROTO, "TAKEN about another item");
	q->code = r;
	q->error = *err;
	if (r == 0 && taken.code)
		q->code = tconn_fail(&q->error, -(int)taken.code, "the device refused: %s", taken.text);
	return r;
}
