// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "ctl.h"

#define TIMEOUT_S	60
#define TIMEOUT_MAX_S	90	/* TCONN_TIMEOUT_MAX_MS */
/* Beyond the request's own time-out: what the service waits for, and more. */
#define REPLY_MARGIN_MS	360000
#define DETAILS_MAX	16	/* TCONN_DETAILS_MAX */

struct asking {
	const char *device, *text, *locale;
	const char *details[DETAILS_MAX];	/* KEY=VALUE */
	size_t n_details;
	long timeout, pin_min, pin_max;	/* seconds; digits, 0: the service's choice */
};

static int number(const char *text, long max, long *ret)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!*text || *end || n < 1 || n > max)
		return CTL_USAGE;
	*ret = n;
	return 0;
}

static int parse(int argc, char **argv, struct asking *a)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "text", required_argument, NULL, 't' },
		{ "locale", required_argument, NULL, 'l' },
		{ "detail", required_argument, NULL, 'D' },
		{ "timeout", required_argument, NULL, 's' },
		{ "pin-min", required_argument, NULL, 'm' },
		{ "pin-max", required_argument, NULL, 'M' },
		{ 0 },
	};
	int o, bad = 0;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'd':
			a->device = optarg;
			break;
		case 't':
			a->text = optarg;
			break;
		case 'l':
			a->locale = optarg;
			break;
		case 'D':
			if (a->n_details == DETAILS_MAX || !strchr(optarg, '='))
				return usage("--detail wants KEY=VALUE, at most 16 times");
			a->details[a->n_details++] = optarg;
			break;
		case 's':
			bad |= number(optarg, TIMEOUT_MAX_S, &a->timeout);
			break;
		case 'm':
			bad |= number(optarg, 12, &a->pin_min);
			break;
		case 'M':
			bad |= number(optarg, 12, &a->pin_max);
			break;
		default:
			return usage("bad option of request");
		}
	}
	if (bad)
		return usage(
			"--timeout is 1 to 90 seconds, --pin-min and --pin-max are 1 to 12 digits");
	if (optind != argc || !a->device || !a->text)
		return usage("request KIND needs --device and --text, and nothing else without --");
	return 0;
}

static struct json_object *detail(const char *arg)
{
	struct json_object *d = json_object_new_object();
	const char *equal = strchr(arg, '=');

	tconn_json_add(d, "key", json_object_new_string_len(arg, (int)(equal - arg)));
	tconn_json_add_string(d, "value", equal + 1);
	return d;
}

static void add_details(struct json_object *r, const struct asking *a)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < a->n_details; i++)
		json_object_array_add(list, detail(a->details[i]));
	tconn_json_add(r, "details", list);
}

static struct json_object *build(const char *kind, const struct asking *a)
{
	struct json_object *r = json_object_new_object();

	tconn_json_add_string(r, "do", "request");
	tconn_json_add_string(r, "id", a->device);
	tconn_json_add_string(r, "kind", kind);
	tconn_json_add_string(r, "text", a->text);
	if (a->locale)
		tconn_json_add_string(r, "locale", a->locale);
	if (a->n_details)
		add_details(r, a);
	tconn_json_add(r, "timeout_ms", json_object_new_int64(a->timeout * 1000));
	if (a->pin_min)
		tconn_json_add(r, "pin_min", json_object_new_int64(a->pin_min));
	if (a->pin_max)
		tconn_json_add(r, "pin_max", json_object_new_int64(a->pin_max));
	return r;
}

static int outcome_code(struct json_object *reply)
{
	const char *outcome = member(reply, "outcome");

	if (strcmp(outcome, "confirmed") == 0 || strcmp(outcome, "entered") == 0)
		return CTL_OK;
	if (strcmp(outcome, "denied") == 0)
		return CTL_DENIED;
	return strcmp(outcome, "aborted") == 0 ? CTL_ABORTED : CTL_FAILED;
}

static void tell(struct json_object *reply)
{
	struct json_object *checks = NULL;

	if (flag(reply, "ok")) {
		print("outcome: %s", member(reply, "outcome"));
		if (strcmp(member(reply, "outcome"), "aborted") == 0)
			print("cause: %s", member(reply, "cause"));
		if (*member(reply, "pin"))
			print("PIN: %s", member(reply, "pin"));
		print("receipt: %s", member(reply, "receipt"));
	} else if (*member(reply, "status")) {
		print("the device says: %s%s%s", member(reply, "status"),
		      *member(reply, "message") ? ": " : "", member(reply, "message"));
	}
	if (json_object_object_get_ex(reply, "checks", &checks))
		print_checks(checks);
}

static bool is_kind(const char *kind)
{
	return strcmp(kind, "confirm") == 0 || strcmp(kind, "pin") == 0 ||
	       strcmp(kind, "notice") == 0;
}

int command_request(const struct ctl *ctl, int argc, char **argv)
{
	struct asking a = { .timeout = TIMEOUT_S };
	struct json_object *reply;
	int r;

	if (argc < 2 || !is_kind(argv[1]))
		return usage("request confirm, request pin or request notice");
	r = parse(argc - 1, argv + 1, &a);
	if (r)
		return r;
	r = call(ctl, ctl->socket ? ctl->socket : SOCKET_SERVICED, build(argv[1], &a),
		 (int)a.timeout * 1000 + REPLY_MARGIN_MS, &reply);
	if (r)
		return r;
	if (ctl->json)
		print_json(reply);
	else
		tell(reply);
	r = reply_code(ctl, reply);
	if (r == CTL_OK)
		r = outcome_code(reply);
	json_object_put(reply);
	return r;
}
