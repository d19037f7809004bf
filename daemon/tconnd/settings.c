// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/config.h"
#include "../lib/renewal.h"

#define COUNT 26

static void table(struct settings *s, struct tconn_setting ret[COUNT])
{
	const struct tconn_setting t[COUNT] = {
		{ .key = "tcti", .type = TCONN_SETTING_STRING, .value = &s->tcti },
		{ .key = "service",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->service,
		  .required = true },
		{ .key = "service_name",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->service_name,
		  .required = true },
		{ .key = "boot_policy", .type = TCONN_SETTING_STRING, .value = &s->boot_policy },
		{ .key = "identity", .type = TCONN_SETTING_STRING, .value = &s->identity },
		{ .key = "trust", .type = TCONN_SETTING_STRING, .value = &s->trust },
		{ .key = "service_reference",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->service_reference },
		{ .key = "tui", .type = TCONN_SETTING_STRING, .value = &s->tui },
		{ .key = "tui_args", .type = TCONN_SETTING_STRINGS, .value = &s->tui_args },
		{ .key = "indicator", .type = TCONN_SETTING_STRING, .value = &s->indicator },
		{ .key = "status_socket",
		  .type = TCONN_SETTING_STRING,
		  .value = &s->status_socket },
		{ .key = "items", .type = TCONN_SETTING_STRING, .value = &s->items },
		{ .key = "item_policy", .type = TCONN_SETTING_STRING, .value = &s->item_policy },
		{ .key = "outbox", .type = TCONN_SETTING_STRING, .value = &s->outbox },
		{ .key = "receipts", .type = TCONN_SETTING_STRING, .value = &s->receipts },
		{ .key = "boot_log", .type = TCONN_SETTING_STRING, .value = &s->boot_log },
		{ .key = "ima_log", .type = TCONN_SETTING_STRING, .value = &s->ima_log },
		{ .key = "tconn_log", .type = TCONN_SETTING_STRING, .value = &s->tconn_log },
		{ .key = "retry_min_ms",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->retry_min_ms,
		  .min = 10,
		  .max = 60000 },
		{ .key = "retry_max_ms",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->retry_max_ms,
		  .min = 10,
		  .max = 600000 },
		{ .key = "message_ms",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->message_ms,
		  .min = 100,
		  .max = 120000 },
		{ .key = "issuer", .type = TCONN_SETTING_STRING, .value = &s->issuer },
		{ .key = "renew_before_days",
		  .type = TCONN_SETTING_UINT,
		  .value = &s->renew_before_days,
		  .min = 1,
		  .max = 3650 },
		{ .key = "attest", .type = TCONN_SETTING_BOOL, .value = &s->attest },
		{ .key = "phrase_ask", .type = TCONN_SETTING_BOOL, .value = &s->phrase_ask },
		{ .key = "service_exempt",
		  .type = TCONN_SETTING_BOOL,
		  .value = &s->service_exempt },
	};

	memcpy(ret, t, sizeof(t));
}

static int defaults(struct settings *s)
{
	s->tcti = strdup("device:/dev/tpmrm0");
	s->identity = strdup("/var/lib/tconn");
	s->trust = strdup("/etc/tconn/ca.pem");
	s->service_reference = strdup("/etc/tconn/service-reference");
	s->tui = strdup("/usr/sbin/tconn-tui");
	s->status_socket = strdup("/run/tconn/tconnd.sock");
	s->receipts = strdup("/var/lib/tconn/receipts");
	s->module_state = strdup("/sys/kernel/security/tconn/state");
	s->attest = true;
	s->retry_min_ms = 1000;
	s->retry_max_ms = 30000;
	s->message_ms = TCONN_MESSAGE_MS;
	s->renew_before_days = TCONN_RENEWAL_BEFORE;
	return s->tcti && s->identity && s->trust && s->service_reference && s->tui &&
	       s->status_socket && s->receipts && s->module_state ? 0 : -ENOMEM;
}

void settings_free(struct settings *s)
{
	struct tconn_setting t[COUNT];

	table(s, t);
	tconn_config_free(t, COUNT);
	free(s->module_state);
	s->module_state = NULL;
}

int settings_load(const char *path, struct settings *ret, struct tconn_error *err)
{
	struct settings s = { 0 };
	struct tconn_setting t[COUNT];
	int r = defaults(&s);

	if (r < 0) {
		settings_free(&s);
		return tconn_fail(err, r, "out of memory");
	}
	table(&s, t);
	r = tconn_config_load(path, t, COUNT, err);
	if (r == 0 && s.retry_max_ms < s.retry_min_ms)
		r = tconn_fail(err, -EINVAL, "%s: \"retry_max_ms\" is below \"retry_min_ms\"",
			       path);
	if (r < 0) {
		settings_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}
