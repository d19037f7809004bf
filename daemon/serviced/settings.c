// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/config.h"
#include "../lib/renewal.h"
#include "../lib/say.h"

#define COUNT 43

static void table(struct settings *s, struct tconn_setting ret[COUNT])
{
	const struct tconn_setting t[COUNT] = {
		{ .key = "listen",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->listen,
		  .required = true },
		{ .key = "admin_socket", .type = TCONN_SETTING_STRING, .value = &s->admin_socket },
		{ .key = "tcti", .type = TCONN_SETTING_STRING, .value = &s->tcti },
		{ .key = "name",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->name,
		  .required = true },
		{ .key = "boot_policy", .type = TCONN_SETTING_STRING, .value = &s->boot_policy },
		{ .key = "identity", .type = TCONN_SETTING_STRING, .value = &s->identity },
		{ .key = "trust", .type = TCONN_SETTING_STRING, .value = &s->trust },
		{ .key = "device_reference",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->device_reference },
		{ .key = "reference_signers",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->reference_signers },
		{ .key = "database", .type = TCONN_SETTING_STRING, .value = &s->database },
		{ .key = "evidence", .type = TCONN_SETTING_STRING, .value = &s->evidence },
		{ .key = "items", .type = TCONN_SETTING_STRING, .value = &s->items },
		{ .key = "item_policy", .type = TCONN_SETTING_STRING, .value = &s->item_policy },
		{ .key = "items_s",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->items_s,
		  .min = 1,
		  .max = 86400 },
		{ .key = "pin_sink", .type = TCONN_SETTING_STRING, .value = &s->pin_sink },
		{ .key = "pin_attempts",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->pin_attempts,
		  .max = 1000 },
		{ .key = "boot_log", .type = TCONN_SETTING_STRING, .value = &s->boot_log },
		{ .key = "ima_log", .type = TCONN_SETTING_STRING, .value = &s->ima_log },
		{ .key = "tconn_log", .type = TCONN_SETTING_STRING, .value = &s->tconn_log },
		{ .key = "connections",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->connections,
		  .min = 1,
		  .max = 65536 },
		{ .key = "active",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->active,
		  .min = 1,
		  .max = 4096 },
		{ .key = "reattest_s",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->reattest_s,
		  .max = 86400 * 365 },
		{ .key = "http_listen", .type = TCONN_SETTING_STRING, .value = &s->http_listen },
		{ .key = "http_certificate",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->http_certificate },
		{ .key = "http_key", .type = TCONN_SETTING_STRING, .value = &s->http_key },
		{ .key = "http_tokens", .type = TCONN_SETTING_STRING, .value = &s->http_tokens },
		{ .key = "log", .type = TCONN_SETTING_STRING, .value = &s->log },
		{ .key = "severities", .type = TCONN_SETTING_STRINGS, .value = &s->severities },
		{ .key = "action_severity",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->action_severity },
		{ .key = "action_command",
		  .type = TCONN_SETTING_STRINGS,
		  .value = &s->action_command },
		{ .key = "webhook_url", .type = TCONN_SETTING_STRING, .value = &s->webhook_url },
		{ .key = "webhook_ca", .type = TCONN_SETTING_STRING, .value = &s->webhook_ca },
		{ .key = "webhook_secret",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->webhook_secret },
		{ .key = "webhook_certificate",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->webhook_certificate },
		{ .key = "webhook_key", .type = TCONN_SETTING_STRING, .value = &s->webhook_key },
		{ .key = "metrics_file",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->metrics_file },
		{ .key = "issuer", .type = TCONN_SETTING_STRING, .value = &s->issuer },
		{ .key = "renew_before_days",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->renew_before_days,
		  .min = 1,
		  .max = 3650 },
		{ .key = "attest", .type = TCONN_SETTING_BOOL, .value = &s->attest },
		{ .key = "device_exempt",
		  .type = TCONN_SETTING_BOOL,
		  .value = &s->device_exempt },
		{ .key = "pending",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->pending,
		  .min = 1,
		  .max = 1024 },
		{ .key = "message_ms",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->message_ms,
		  .min = 100,
		  .max = 120000 },
		{ .key = "answer_margin_ms",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->answer_margin_ms,
		  .min = 1000,
		  .max = 300000 },
	};

	memcpy(ret, t, sizeof(t));
}

static int defaults(struct settings *s)
{
	s->admin_socket = strdup("/run/tconn/serviced.sock");
	s->tcti = strdup("device:/dev/tpmrm0");
	s->identity = strdup("/var/lib/tconn");
	s->trust = strdup("/etc/tconn/ca.pem");
	s->device_reference = strdup("/etc/tconn/device-reference");
	s->database = strdup("/var/lib/tconn/serviced.db");
	s->pin_sink = strdup("none");
	s->log = strdup("text");
	s->action_severity = strdup("error");
	s->evidence = strdup("/var/lib/tconn/evidence");
	s->pin_attempts = 5;
	s->items_s = 10;
	s->connections = 1024;
	s->active = 64;
	s->attest = true;
	s->pending = 32;
	s->message_ms = TCONN_MESSAGE_MS;
	s->renew_before_days = TCONN_RENEWAL_BEFORE;
	s->answer_margin_ms = 45000;
	return s->admin_socket && s->tcti && s->identity && s->trust && s->device_reference &&
	       s->database && s->pin_sink && s->evidence && s->log &&
	       s->action_severity ? 0 : -ENOMEM;
}

void settings_free(struct settings *s)
{
	struct tconn_setting t[COUNT];

	table(s, t);
	tconn_config_free(t, COUNT);
}

int settings_load(const char *path, struct settings *ret, struct tconn_error *err)
{
	struct settings s = { 0 };
	struct tconn_setting t[COUNT];
	int r = defaults(&s);

	table(&s, t);
	if (r < 0)
		tconn_fail(err, r, "out of memory");
	else
		r = tconn_config_load(path, t, COUNT, err);
	if (r == 0 && strcmp(s.log, "text") && strcmp(s.log, "json"))
		r = tconn_fail(err, -EINVAL, "%s: \"log\" must be \"text\" or \"json\"", path);
	if (r < 0) {
		settings_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static bool may_change(const char *key)
{
	static const char *const keys[] = {
		"trust", "device_reference", "reference_signers", "item_policy", "http_certificate",
		"http_key", "http_tokens", "log",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(char **a, char **b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool same(const struct tconn_setting *a, const struct tconn_setting *b)
{
	switch (a->type) {
	case TCONN_SETTING_STRING:
		return same_text(*(char **)a->value, *(char **)b->value);
	case TCONN_SETTING_STRINGS:
		return same_texts(*(char ***)a->value, *(char ***)b->value);
	case TCONN_SETTING_UINT:
		return *(uint32_t *)a->value == *(uint32_t *)b->value;
	case TCONN_SETTING_BOOL:
		return *(bool *)a->value == *(bool *)b->value;
	}
	return false;
}

int settings_check_change(struct settings *now, struct settings *next, struct tconn_error *err)
{
	struct tconn_setting a[COUNT], b[COUNT];

	table(now, a);
	table(next, b);
	for (size_t i = 0; i < COUNT; i++)
		if (!may_change(a[i].key) && !same(&a[i], &b[i]))
			return tconn_fail(err, -EINVAL, "\"%s\" changes with a restart only",
					  a[i].key);
	return 0;
}

void settings_take_change(struct settings *now, struct settings *next)
{
	struct tconn_setting a[COUNT], b[COUNT];

	table(now, a);
	table(next, b);
	for (size_t i = 0; i < COUNT; i++) {
		char **mine = a[i].value, **other = b[i].value, *old;

		if (!may_change(a[i].key))
			continue;
		old = *mine;
		*mine = *other;
		*other = old;
	}
}

void settings_set_log(const struct settings *s)
{
	tconn_say_in(strcmp(s->log, "json") == 0 ? TCONN_SAY_JSON : TCONN_SAY_TEXT);
}
