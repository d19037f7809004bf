// SPDX-License-Identifier: Apache-2.0
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/process.h"
#include "../lib/say.h"
#include "http.h"

/* All that is new, before it is in force. */
struct fresh {
	struct settings settings;
	struct rules *rules;
	struct tconn_credentials *own;
	struct http_access *access;
};

static int load_identity(const struct reload *r, struct fresh *f, struct tconn_error *err)
{
	struct server *s = r->server;
	int e = tconn_credentials_load(s->party.tpm, f->settings.identity, f->rules->trust,
				       TCONN_ROLE_SERVICE, &f->own, err);

	if (e == 0 && strcmp(f->own->self.name, s->self.name))
		e = tconn_fail(err, -EINVAL, "%s: holds the identity of %s", f->settings.identity,
			       f->own->self.name);
	return e;
}

static int load(const struct reload *r, struct fresh *f, struct tconn_error *err)
{
	int e = settings_load(r->config, &f->settings, err);

	if (e == 0 && r->database) {
		free(f->settings.database);
		f->settings.database = strdup(r->database);
	}
	if (e == 0)
		e = settings_check_change(r->settings, &f->settings, err);
	if (e == 0)
		e = rules_load(&f->settings, r->revoked, &f->rules, err);
	if (e == 0)
		e = load_identity(r, f, err);
	if (e == 0 && r->http)
		e = http_access_load(&f->settings, &f->access, err);
	return e;
}

static void enforce(const struct reload *r, struct fresh *f)
{
	rules_enforce(r->server, f->rules);
	server_change_credentials(r->server, f->own);
	if (r->http)
		http_change_access(r->http, f->access);
	settings_take_change(r->settings, &f->settings);
	settings_set_log(r->settings);
	f->rules = NULL;
	f->own = NULL;
	f->access = NULL;
}

static void drop(struct fresh *f)
{
	rules_put(f->rules);
	tconn_credentials_put(f->own);
	http_access_free(f->access);
	settings_free(&f->settings);
}

static void audit(struct server *s, const char *what, const char *detail)
{
	struct tconn_error err;

	if (store_audit(s->store, "service", what, s->self.name, detail, &err) < 0)
		tconn_say("%s", err.text);
}

/* sd_notify(3) wants the time, so that it knows which READY=1 is the answer. */
static void notify_begin(void)
{
	struct timespec ts;
	char text[96];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 ts.tv_sec * 1000000ull + (unsigned long long)ts.tv_nsec / 1000);
	tconn_process_notify(text);
}

void reload_run(const struct reload *r)
{
	struct fresh f = { .rules = NULL };
	struct tconn_error err = { "" };

	notify_begin();
	if (load(r, &f, &err) < 0) {
		event_raise(r->server, &(struct event){ .kind = EVENT_RELOAD_REFUSED, .device = "",
							.check = "" },
			    "NOT reloaded, all stays as it was: %s", err.text);
		audit(r->server, "reload-refused", err.text);
	} else {
		enforce(r, &f);
		event_raise(r->server, &(struct event){ .kind = EVENT_RELOADED, .device = "",
							.check = "" },
			    "reloaded: reference values, policies and certificates are as in %s",
			    r->config);
		audit(r->server, "reloaded", r->config);
	}
	drop(&f);
	tconn_process_notify("READY=1");
}
