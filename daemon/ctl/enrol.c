// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../lib/enrol.h"
#include "../lib/jsonline.h"
#include "../lib/process.h"
#include "ctl.h"

struct enrolment {
	struct tconn_enrol_options options;
	const char *tcti;
};

static int parse_role(const char *text, enum tconn_role *ret)
{
	if (strcmp(text, "device") == 0)
		*ret = TCONN_ROLE_DEVICE;
	else if (strcmp(text, "service") == 0)
		*ret = TCONN_ROLE_SERVICE;
	else
		return usage("--role is device or service");
	return 0;
}

static int parse(int argc, char **argv, struct enrolment *e)
{
	static const struct option options[] = {
		{ "role", required_argument, NULL, 'r' },
		{ "name", required_argument, NULL, 'n' },
		{ "ca", required_argument, NULL, 'c' },
		{ "ca-file", required_argument, NULL, 'f' },
		{ "identity", required_argument, NULL, 'i' },
		{ "tcti", required_argument, NULL, 't' },
		{ "boot-policy", required_argument, NULL, 'p' },
		{ "boot-signer", required_argument, NULL, 's' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'r':
			if (parse_role(optarg, &e->options.role))
				return CTL_USAGE;
			break;
		case 'n':
			e->options.service_name = optarg;
			break;
		case 'c':
			e->options.ca_address = optarg;
			break;
		case 'f':
			e->options.ca_file = optarg;
			break;
		case 'i':
			e->options.identity_dir = optarg;
			break;
		case 't':
			e->tcti = optarg;
			break;
		case 'p':
			e->options.boot_policy = optarg;
			break;
		case 's':
			e->options.boot_signer = optarg;
			break;
		default:
			return usage("bad option of enrol");
		}
	}
	if (optind != argc)
		return usage("enrol takes options only");
	if (!e->options.role || !e->options.ca_address || !e->options.ca_file)
		return usage("enrol needs --role, --ca and --ca-file");
	if (!e->options.boot_policy != !e->options.boot_signer)
		return usage("enrol takes --boot-policy and --boot-signer together");
	if ((e->options.role == TCONN_ROLE_SERVICE) != (e->options.service_name != NULL))
		return usage("a service needs --name, a device has none: its id comes from its EK");
	return 0;
}

static void tell(const struct ctl *ctl, const struct enrolment *e, const struct tconn_identity *who)
{
	const char *role = who->role == TCONN_ROLE_DEVICE ? "device" : "service";
	struct json_object *obj;

	if (!ctl->json) {
		print("enrolled urn:tconn:%s:%s", role, who->name);
		print("certificates are in %s", e->options.identity_dir);
		return;
	}
	obj = json_object_new_object();
	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "role", role);
	tconn_json_add_string(obj, "name", who->name);
	tconn_json_add_string(obj, "identity", e->options.identity_dir);
	print_json(obj);
	json_object_put(obj);
}

int command_enrol(const struct ctl *ctl, int argc, char **argv)
{
	struct enrolment e = { .tcti = "device:/dev/tpmrm0",
			       .options.identity_dir = "/var/lib/tconn" };
	struct tconn_identity who;
	struct tconn_error err = { "" };
	struct tconn_tpm *tpm = NULL;
	int r = parse(argc, argv, &e);

	if (r)
		return r;
	r = tconn_process_harden(&err);
	if (r == 0)
		r = tconn_tpm_open(e.tcti, &tpm, &err);
	if (r == 0)
		r = tconn_enrol(tpm, &e.options, &who, &err);
	tconn_tpm_close(tpm);
	if (r < 0)
		return failure(ctl, r, &err);
	tell(ctl, &e, &who);
	return CTL_OK;
}
