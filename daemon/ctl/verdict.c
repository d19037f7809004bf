// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "../lib/ear.h"
#include "../lib/jsonline.h"
#include "ctl.h"

static const char *const parts[TCONN_TRUST_PARTS] = {
	[TCONN_TRUST_IDENTITY] = "identity",
	[TCONN_TRUST_CONFIGURATION] = "configuration",
	[TCONN_TRUST_EXECUTABLES] = "executables",
};

static struct json_object *ear_json(const struct tconn_ear *e)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add_string(obj, "device", e->device);
	tconn_json_add_string(obj, "service", e->service);
	tconn_json_add(obj, "time", json_object_new_int64((int64_t)e->time));
	tconn_json_add_string(obj, "status", tconn_tier_name(e->status));
	for (int i = 0; i < TCONN_TRUST_PARTS; i++)
		tconn_json_add_string(obj, parts[i], tconn_tier_name(e->part[i]));
	tconn_json_add(obj, "checks", tconn_json_checks(&e->verdict));
	return obj;
}

static void print_ear(const struct tconn_ear *e)
{
	time_t when = (time_t)e->time;
	struct json_object *checks = tconn_json_checks(&e->verdict);
	char at[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S UTC", &tm);
	print("signature: good, by a key certified for service %s", e->service);
	print("device %s, at %s: %s", e->device, at, tconn_tier_name(e->status));
	for (int i = 0; i < TCONN_TRUST_PARTS; i++)
		print("%s: %s", parts[i], tconn_tier_name(e->part[i]));
	print_checks(checks);
	json_object_put(checks);
}

static int tell(const struct ctl *ctl, const struct tconn_ear *e)
{
	struct json_object *obj;

	if (ctl->json) {
		obj = json_object_new_object();
		tconn_json_add(obj, "ok", json_object_new_boolean(1));
		tconn_json_add(obj, "verdict", ear_json(e));
		print_json(obj);
		json_object_put(obj);
	} else {
		print_ear(e);
	}
	return e->status == TCONN_TIER_CONTRAINDICATED ? CTL_REFUSED : CTL_OK;
}

static int verify(const struct ctl *ctl, const char *path, const char *trust)
{
	static uint8_t buf[TCONN_EAR_MAX + 1];
	struct tconn_ear e = { 0 };
	struct tconn_error err = { "" };
	X509_STORE *store = NULL;
	size_t len = 0;
	int r = tconn_trust_load(trust, &store, &err);

	if (r == 0)
		r = read_whole(path, buf, sizeof(buf), &len, &err);
	/* Whatever is wrong with it: it is no verdict that counts. */
	if (r == 0 && tconn_ear_verify(buf, len, store, &e, &err) < 0)
		r = -EKEYREJECTED;
	X509_STORE_free(store);
	return r < 0 ? failure(ctl, r, &err) : tell(ctl, &e);
}

static int show(const struct ctl *ctl, const char *id, const char *out)
{
	struct json_object *request = json_object_new_object(), *reply;
	struct json_object *checks = NULL;
	int r;

	tconn_json_add_string(request, "do", "verdict-show");
	tconn_json_add_string(request, "id", id);
	r = call_service(ctl, request, &reply);
	if (r)
		return r;
	if (ctl->json)
		print_json(reply);
	r = reply_code(ctl, reply);
	if (r == CTL_OK && !ctl->json) {
		print("device %s: %s", id, member(reply, "status"));
		if (json_object_object_get_ex(reply, "checks", &checks))
			print_checks(checks);
	}
	if (r == CTL_OK && out)
		r = write_base64(ctl, out, member(reply, "cose"));
	json_object_put(reply);
	return r;
}

int command_verdict(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "trust", required_argument, NULL, 't' },
		{ 0 },
	};
	const char *out = NULL, *trust = NULL;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'o')
			out = optarg;
		else if (o == 't')
			trust = optarg;
		else
			return usage("bad option of verdict");
	}
	if (argc - optind == 2 && strcmp(argv[optind], "show") == 0 && !trust)
		return show(ctl, argv[optind + 1], out);
	if (argc - optind == 2 && strcmp(argv[optind], "verify") == 0 && trust && !out)
		return verify(ctl, argv[optind + 1], trust);
	return usage("verdict show ID [--out FILE], or verdict verify FILE --trust CA_FILE");
}
