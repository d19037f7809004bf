// SPDX-License-Identifier: Apache-2.0
#include "health.h"

#include <errno.h>
#include <json-c/json.h>
#include <time.h>

#include "../lib/jsonline.h"
#include "server.h"

/* An id that no device has: only whether the books answer is of interest. */
#define NOBODY "0000000000000000000000000000000000000000000000000000000000000000"

static void add(struct json_object *reasons, const char *why)
{
	json_object_array_add(reasons, json_object_new_string(why));
}

static void look_at_store(struct server *s, struct json_object *reasons)
{
	struct tconn_error err = { "" };
	int r = store_find_device(s->store, NOBODY, &err);

	if (r < 0 && r != -ENOENT) {
		tconn_fail_in(&err, r, "database");
		add(reasons, err.text);
	}
}

/* Not each time: others wait for the TPM meanwhile. */
static void look_at_tpm(struct server *s, struct json_object *reasons)
{
	struct tconn_error err = { "" };
	struct tconn_pcrs pcrs;

	pthread_mutex_lock(&s->health_lock);
	if (!s->tpm_looked || server_now() >= s->tpm_looked + HEALTH_TPM_S) {
		s->tpm_failed = tconn_tpm_pcr_read(s->party.tpm, 1u, &pcrs, &err) < 0;
		s->tpm_error = err;
		s->tpm_looked = server_now();
	}
	err = s->tpm_error;
	if (s->tpm_failed) {
		tconn_fail_in(&err, 0, "TPM");
		add(reasons, err.text);
	}
	pthread_mutex_unlock(&s->health_lock);
}

static void look_at_identity(struct server *s, struct json_object *reasons)
{
	struct tconn_credentials *own = server_credentials(s);
	const int64_t now = time(NULL);

	if (now > own->end)
		add(reasons, "identity: a certificate of this service has ended");
	else if (now < own->begin)
		add(reasons, "identity: a certificate of this service is not valid yet");
	tconn_credentials_put(own);
}

static void look_at_rules(struct server *s, struct json_object *reasons)
{
	struct rules *rules = rules_get(s);
	struct tconn_refset_entry e;
	bool any = false;

	for (size_t i = 0; !any && tconn_refset_entry(rules->refset, i, &e); i++)
		any = !e.withdrawn;
	if (!any)
		add(reasons, "reference values: every version is withdrawn, no device can be trusted");
	rules_put(rules);
}

static void look_at_room(struct server *s, struct json_object *reasons)
{
	pthread_mutex_lock(&s->lock);
	if (s->stopping)
		add(reasons, "the service ends");
	if (s->pending >= s->settings->pending)
		add(reasons, "room: the bound of connections that have not attested is reached");
	if (s->connections >= s->settings->connections)
		add(reasons, "room: all connections are taken");
	pthread_mutex_unlock(&s->lock);
}

struct json_object *health_json(struct server *s, bool *ret_ready)
{
	struct json_object *obj = json_object_new_object(), *reasons = json_object_new_array();
	bool live = server_now() <= atomic_load(&s->beat) + HEALTH_BEAT_S;

	if (!live)
		add(reasons, "main loop: it hangs");
	look_at_store(s, reasons);
	look_at_tpm(s, reasons);
	look_at_identity(s, reasons);
	look_at_rules(s, reasons);
	look_at_room(s, reasons);
	*ret_ready = json_object_array_length(reasons) == 0;
	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "live", json_object_new_boolean(live));
	tconn_json_add(obj, "ready", json_object_new_boolean(*ret_ready));
	tconn_json_add(obj, "reasons", reasons);
	return obj;
}
