// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <openssl/x509.h>

#include "../lib/enrol.h"
#include "../lib/enrolled.h"
#include "../lib/jsonline.h"
#include "../lib/process.h"
#include "ctl.h"

struct enrolment {
	struct tconn_enrol_options options;
	const char *tcti;
	bool check;		/* look, and change nothing */
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

static int check_options(const struct enrolment *e, bool operands)
{
	const struct tconn_enrol_options *o = &e->options;

	if (operands)
		return usage("enrol takes options only");
	if (e->check && (!o->role || !o->ca_file || o->ca_address || o->service_name))
		return usage("enrol --check needs --role and --ca-file, and takes no --ca or --name");
	if (e->check)
		return 0;
	if (!o->role || !o->ca_address || !o->ca_file)
		return usage("enrol needs --role, --ca and --ca-file");
	if (!o->boot_policy != !o->boot_signer)
		return usage("enrol takes --boot-policy and --boot-signer together");
	if ((o->role == TCONN_ROLE_SERVICE) != (o->service_name != NULL))
		return usage("a service needs --name, a device has none: its id comes from its EK");
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
		{ "check", no_argument, NULL, 'k' },
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
		case 'k':
			e->check = true;
			break;
		default:
			return usage("bad option of enrol");
		}
	}
	return check_options(e, optind != argc);
}

static void tell(const struct ctl *ctl, const struct enrolment *e, const struct tconn_identity *who)
{
	const char *role = who->role == TCONN_ROLE_DEVICE ? "device" : "service";
	struct json_object *obj;

	if (!ctl->json && e->check) {
		print("enrolled as urn:tconn:%s:%s, with the keys in this TPM", role, who->name);
		return;
	}
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

static int check_enrolled(struct tconn_tpm *tpm, const struct enrolment *e,
			  struct tconn_identity *ret, struct tconn_error *err)
{
	X509_STORE *trust = NULL;
	int r = tconn_trust_load(e->options.ca_file, &trust, err);

	if (r == 0)
		r = tconn_enrolled(tpm, e->options.identity_dir, trust, e->options.role, ret, err);
	X509_STORE_free(trust);
	return r;
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
		r = e.check ? check_enrolled(tpm, &e, &who, &err) :
			      tconn_enrol(tpm, &e.options, &who, &err);
	tconn_tpm_close(tpm);
	if (r < 0)
		return failure(ctl, r, &err);
	tell(ctl, &e, &who);
	return CTL_OK;
}
