// SPDX-License-Identifier: Apache-2.0
#include "event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../lib/say.h"
#include "action.h"
#include "server.h"

static const struct {
	const char *name;
	enum severity severity;
} kinds[EVENT_KINDS] = {
	[EVENT_DEVICE_IN] = { "device-in", SEVERITY_INFO },
	[EVENT_DEVICE_OUT] = { "device-out", SEVERITY_NOTICE },
	[EVENT_DEVICE_REFUSED] = { "device-refused", SEVERITY_WARNING },
	[EVENT_ATTESTATION_FAILED] = { "attestation-failed", SEVERITY_ERROR },
	[EVENT_ANSWER_REFUSED] = { "answer-refused", SEVERITY_ERROR },
	[EVENT_REVOKED] = { "revoked", SEVERITY_WARNING },
	[EVENT_IDENTITY_RENEWED] = { "identity-renewed", SEVERITY_INFO },
	[EVENT_IDENTITY_NOT_RENEWED] = { "identity-not-renewed", SEVERITY_ERROR },
	[EVENT_RELOADED] = { "reloaded", SEVERITY_NOTICE },
	[EVENT_RELOAD_REFUSED] = { "reload-refused", SEVERITY_ERROR },
};

static const char *const severities[] = { "info", "notice", "warning", "error", "critical" };

const char *event_name(enum event_kind kind)
{
	return kinds[kind].name;
}

const char *severity_name(enum severity s)
{
	return severities[s];
}

int severity_parse(const char *name, enum severity *ret, struct tconn_error *err)
{
	for (unsigned int i = 0; i < sizeof(severities) / sizeof(severities[0]); i++) {
		if (strcmp(name, severities[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return tconn_fail(err, -EINVAL, "\"%s\" is not info, notice, warning, error or critical",
			  name);
}

int event_rules_parse(char *const *texts, struct event_rules *ret, struct tconn_error *err)
{
	struct event_rules rules = { 0 };
	int r = 0;

	for (; r == 0 && texts && *texts; texts++) {
		const char *equals = strchr(*texts, '=');
		size_t len = equals ? (size_t)(equals - *texts) : 0;

		if (!len || len >= sizeof(rules.rule[0].name) || rules.count == EVENT_RULES)
			return tconn_fail(err, -EINVAL, "\"severities\": \"%s\" is not NAME=SEVERITY, "
					  "or one too many", *texts);
		memcpy(rules.rule[rules.count].name, *texts, len);
		r = severity_parse(equals + 1, &rules.rule[rules.count++].severity, err);
	}
	if (r == 0)
		*ret = rules;
	return r < 0 ? tconn_fail_in(err, r, "\"severities\"") : 0;
}

static bool find(const struct event_rules *rules, const char *name, enum severity *ret)
{
	for (unsigned int i = 0; *name && i < rules->count; i++) {
		if (strcmp(rules->rule[i].name, name) == 0) {
			*ret = rules->rule[i].severity;
			return true;
		}
	}
	return false;
}

enum severity event_severity(const struct event_rules *rules, const struct event *e)
{
	enum severity s = kinds[e->kind].severity;

	if (!find(rules, e->check, &s))
		find(rules, kinds[e->kind].name, &s);
	return s;
}

void event_raise(struct server *s, const struct event *e, const char *fmt, ...)
{
	const enum severity severity = event_severity(&s->event_rules, e);
	struct tconn_say_fields fields = {
		.level = severity_name(severity), .event = event_name(e->kind), .device = e->device,
		.check = e->check,
	};
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tconn_say_fields(&fields, text);
	if (s->actions && !e->quiet)
		actions_submit(s->actions, e, severity, text);
}
