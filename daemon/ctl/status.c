// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/system.h"
#include "ctl.h"

static struct json_object *child(struct json_object *obj, const char *key)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(obj, key, &v);
	return v;
}

/* Dropped capabilities are many, and the same on most devices: --json lists them. */
static void print_confinement(struct json_object *list)
{
	size_t count = list ? json_object_array_length(list) : 0;

	if (count == 0)
		print("confinement: NONE, tconn-confine has started no REE that still runs");
	for (size_t i = 0; i < count; i++) {
		struct json_object *ree = json_object_array_get_idx(list, i);

		print("confinement of REE process %s: %s%s", member(ree, "pid"),
		      flag(ree, "holds") ? "holds" : "DOES NOT HOLD: ", member(ree, "flaw"));
		print("  policy %s sha256:%s, %zu capabilities dropped, seccomp %s",
		      member(ree, "policy"), member(ree, "policy_digest"),
		      json_object_array_length(child(ree, "dropped")), member(ree, "seccomp"));
	}
}

/* Each with what the integrator's page asks for, where it is something else. */
static void print_system(struct json_object *system)
{
	for (enum tconn_fact f = 0; system && f < TCONN_FACT_COUNT; f++) {
		const char *is = member(system, tconn_fact_name(f));
		bool good = strcmp(is, tconn_fact_wanted(f)) == 0;

		print("  %s  %-20s %s%s%s", good ? "good" : "WEAK", tconn_fact_name(f),
		      *is ? is : "not known", good ? "" : "; better: ",
		      good ? "" : tconn_fact_wanted(f));
	}
}

static void print_tconnd(struct json_object *s)
{
	struct json_object *service = child(s, "service"), *device = child(s, "device");
	struct json_object *module = child(s, "module"), *leds = child(s, "indicator");

	print("tconnd: device %s, up %s s", member(s, "name"), member(s, "uptime"));
	if (*member(s, "out_of_service"))
		print("OUT OF SERVICE: %s", member(s, "out_of_service"));
	print("service %s at %s: %s, %s", member(service, "name"), member(service, "address"),
	      flag(s, "connected") ? "connected" : "not connected",
	      flag(s, "trusted") ? "trusted in both directions" : "NOT trusted");
	if (*member(s, "last_error"))
		print("last connection ended: %s", member(s, "last_error"));
	print("phrase: %s%s%s", member(s, "phrase"), *member(s, "phrase_hidden") ? "; not shown: " : "",
	      member(s, "phrase_hidden"));
	print("this device about the service:");
	print_checks(child(service, "checks"));
	print("the service about this device:");
	print_checks(child(device, "checks"));
	print_confinement(child(s, "confinement"));
	if (strcmp(member(module, "developer"), "yes") == 0)
		print("module: DEVELOPER MODE, the policy is %s",
		      strcmp(member(module, "signed"), "yes") ? "not signed" : "signed");
	print("this system:");
	print_system(child(s, "system"));
	print("module: %s", json_object_to_json_string_ext(module, JSON_C_TO_STRING_PLAIN));
	for (size_t i = 0; leds && i < json_object_array_length(leds); i++) {
		struct json_object *led = json_object_array_get_idx(leds, i);

		print("indicator %s: %s", member(led, "led"), member(led, "state"));
	}
}

static void print_serviced(struct json_object *s)
{
	struct json_object *list = child(s, "connections");

	print("tconn-serviced: service %s, up %s s", member(s, "name"), member(s, "uptime"));
	print("connections: %zu; not attested yet: %s; turned away: %s",
	      list ? json_object_array_length(list) : 0, member(s, "pending"),
	      member(s, "turned_away"));
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		print("device %s from %s: %s", member(d, "id"), member(d, "address"),
		      flag(d, "trusted") ? "trusted" : "NOT trusted");
		print_checks(child(d, "checks"));
	}
}

/* The daemon that runs here: a machine is usually one of the two. */
static const char *find_socket(const struct ctl *ctl)
{
	if (ctl->socket)
		return ctl->socket;
	return access(SOCKET_SERVICED, F_OK) == 0 ? SOCKET_SERVICED : SOCKET_TCONND;
}

int command_status(const struct ctl *ctl, int argc, char **argv)
{
	struct json_object *request = json_object_new_object(), *reply;
	int r;

	(void)argv;
	if (argc != 1) {
		json_object_put(request);
		return usage("status takes no arguments");
	}
	tconn_json_add_string(request, "do", "status");
	r = call(ctl, find_socket(ctl), request, TCONN_JSONLINE_MS, &reply);
	if (r)
		return r;
	r = reply_code(ctl, reply);
	if (ctl->json)
		print_json(reply);
	else if (r == CTL_OK && strcmp(member(reply, "program"), "tconnd") == 0)
		print_tconnd(reply);
	else if (r == CTL_OK)
		print_serviced(reply);
	json_object_put(reply);
	return r;
}
