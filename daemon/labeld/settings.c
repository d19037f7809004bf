// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <string.h>

#include "../lib/config.h"

#define COUNT 9

static void table(struct settings *s, struct tconn_setting ret[COUNT])
{
	const struct tconn_setting t[COUNT] = {
		{ .key = "tcti", .type = TCONN_SETTING_STRING, .value = &s->tcti },
		{ .key = "boot_policy", .type = TCONN_SETTING_STRING, .value = &s->boot_policy },
		{ .key = "identity", .type = TCONN_SETTING_STRING, .value = &s->identity },
		{ .key = "trust", .type = TCONN_SETTING_STRING, .value = &s->trust },
		{ .key = "socket", .type = TCONN_SETTING_STRING, .value = &s->socket },
		{ .key = "policy", .type = TCONN_SETTING_STRING, .value = &s->policy },
		{ .key = "evidence", .type = TCONN_SETTING_STRING, .value = &s->evidence },
		{ .key = "latency_ms", .type = TCONN_SETTING_UINT, .value = &s->latency_ms,
		  .min = 10, .max = 60000 },
		{ .key = "items", .type = TCONN_SETTING_UINT, .value = &s->items,
		  .min = 1, .max = 16384 },
	};

	memcpy(ret, t, sizeof(t));
}

static int defaults(struct settings *s)
{
	s->tcti = strdup("device:/dev/tpmrm0");
	s->identity = strdup("/var/lib/tconn");
	s->trust = strdup("/etc/tconn/ca.pem");
	s->socket = strdup("/run/tconn-label/socket");
	s->policy = strdup("/etc/tconn/label-policy.json");
	s->latency_ms = 500;
	s->items = 4096;
	return s->tcti && s->identity && s->trust && s->socket && s->policy ? 0 : -ENOMEM;
}

void settings_free(struct settings *s)
{
	struct tconn_setting t[COUNT];

	table(s, t);
	tconn_config_free(t, COUNT);
}

int settings_load(const char *path, struct settings *ret, struct tconn_error *err)
{
	struct tconn_setting t[COUNT];
	struct settings s = { 0 };
	int r = defaults(&s);

	table(&s, t);
	if (r < 0)
		tconn_fail(err, r, "out of memory");
	else
		r = tconn_config_load(path, t, COUNT, err);
	if (r < 0)
		settings_free(&s);
	else
		*ret = s;
	return r;
}
