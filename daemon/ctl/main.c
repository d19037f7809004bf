// SPDX-License-Identifier: Apache-2.0
/* tconnctl - the operator's tool; see tconnctl(1). */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "../lib/version.h"
#include "ctl.h"

static const char help[] =
	"usage: tconnctl [--socket PATH] [--json] COMMAND ...\n"
	"\n"
	"  enrol --role device|service [--name NAME] --ca HOST:PORT --ca-file FILE\n"
	"        [--identity DIR] [--tcti TCTI] [--boot-policy FILE --boot-signer FILE]\n"
	"                       make keys in the TPM and have them certified\n"
	"  enrol --check --role device|service --ca-file FILE [--identity DIR] [--tcti TCTI]\n"
	"                       whether that was done and still holds: 4 it does not, 5 not yet\n"
	"  device add ID        let a device in at this service\n"
	"  device list\n"
	"  device show ID       last attestation, check by check\n"
	"  device attest ID     have it attest now\n"
	"  device pin-reset ID  let it be asked for PINs again after too many wrong ones\n"
	"  device rekey ID      its TPM was cleared on purpose: let it attest with a new key\n"
	"  device replace ID NEW_ID\n"
	"                       its TPM is another one now: revoke the old id, add the new\n"
	"  request confirm|pin|notice --device ID --text TEXT [--timeout SECONDS]\n"
	"        [--locale TAG] [--detail KEY=VALUE]... [--pin-min N] [--pin-max N]\n"
	"                       ask the person in front of a device; waits for the answer\n"
	"  item send --device ID LABEL FILE\n"
	"                       labelled data to a device, which checks it\n"
	"  receipt list\n"
	"  receipt show N [--out FILE]\n"
	"  receipt verify FILE --trust CA_FILE [--png FILE]\n"
	"                       needs no daemon; --png: the picture that the person saw\n"
	"  label sign --source NAME --type TYPE [--algorithm NAME]\n"
	"        [--algorithm-version V] [--parameter NAME=VALUE]... [--input LABEL]...\n"
	"        [--inside] [--batch OUT] [--identity DIR]\n"
	"        [--tcti TCTI] [--boot-policy FILE] | [--socket PATH] FILE...\n"
	"                       label files: FILE.label each, or one for all;\n"
	"                       --socket: by tconn-labeld, not with the TPM\n"
	"  label verify --trust CA_FILE [--who URN] [--certificate FILE] [--crl FILE]\n"
	"        [--ocsp FILE] [--need-status] [--timestamp FILE --tsa-trust FILE]\n"
	"        [--need-timestamp] [--state FILE [--allow-gaps]] [--at SECONDS]\n"
	"        LABEL [FILE...]    needs no daemon\n"
	"  label show [--tree] LABEL\n"
	"  label stamp LABEL|SEAL QUERY    write a request for a time-stamp (RFC 3161)\n"
	"  label seal --key FILE --certificate FILE --out SEAL FILE...\n"
	"                       seal an archive with a stronger key (P-384, P-521)\n"
	"  label verify-seal --trust CA_FILE [--timestamp FILE --tsa-trust FILE]\n"
	"        [--at SECONDS] SEAL FILE...\n"
	"  verdict show ID [--out FILE]\n"
	"                       the last one about a device, signed by the service\n"
	"  verdict verify FILE --trust CA_FILE\n"
	"                       needs no daemon\n"
	"  evidence show FILE --reference FILE\n"
	"                       which entries of a device's IMA log are not as expected\n"
	"  evidence add FILE --reference FILE --path PATH\n"
	"                       from now on expect PATH as that evidence shows it\n"
	"  evidence export FILE DIR\n"
	"                       as tpm2_checkquote, tpm2_eventlog and evmctl read it\n"
	"  phrase new|forget    the holder's personal phrase, on the device: a new one is shown on\n"
	"                       its trusted screen, and in force once confirmed there\n"
	"  revocation add device|certificate ID [--reason TEXT]\n"
	"                       out at once, and not in again; a certificate by its number\n"
	"  revocation lift device|certificate ID\n"
	"  revocation list\n"
	"  revocation import FILE --trust CA_FILE\n"
	"                       all certificates of an issuer's revocation list\n"
	"  audit export FILE    the service's audit log, with a signed end\n"
	"  audit verify FILE --trust CA_FILE [--after EARLIER]\n"
	"                       needs no daemon; --after: continues an earlier export\n"
	"  policy list          what devices are measured against, with digests\n"
	"  token NAME read|operate\n"
	"                       make a token for calls over HTTP; needs no daemon\n"
	"  status               of the daemon on this machine\n"
	"\n"
	"  --socket PATH        of tconn-serviced (" SOCKET_SERVICED ")\n"
	"                       or tconnd (" SOCKET_TCONND ")\n"
	"  --json               one JSON object on one line instead of words\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 done, confirmed, entered or acknowledged; 1 denied; 2 usage;\n"
	"3 aborted; 4 not trusted; 5 daemon, device or thing not there; 6 statement\n"
	"refused, nothing was sent; 7 anything else.\n";

static const struct {
	const char *name;
	int (*run)(const struct ctl *ctl, int argc, char **argv);
} commands[] = {
	{ "enrol", command_enrol },
	{ "device", command_device },
	{ "request", command_request },
	{ "receipt", command_receipt },
	{ "item", command_item },
	{ "label", command_label },
	{ "phrase", command_phrase },
	{ "status", command_status },
	{ "verdict", command_verdict },
	{ "evidence", command_evidence },
	{ "revocation", command_revocation },
	{ "audit", command_audit },
	{ "policy", command_policy },
	{ "token", command_token },
};

int usage(const char *what)
{
	fprintf(stderr, "tconnctl: %s; see tconnctl --help\n", what);
	return CTL_USAGE;
}

static int code_for(int error, bool statement)
{
	if (statement)
		return CTL_STATEMENT;
	switch (error < 0 ? -error : error) {
	case EKEYREJECTED:
	case EKEYREVOKED:
	case EXDEV:
	case ESTALE:
		return CTL_REFUSED;
	case ECANCELED:
		return CTL_ABORTED;
	case ENOTCONN:
	case ENOENT:
	case EBUSY:
	case ECONNREFUSED:
	case ECONNRESET:
	case ETIMEDOUT:
		return CTL_UNREACHABLE;
	}
	return CTL_FAILED;
}

int failure(const struct ctl *ctl, int code, const struct tconn_error *err)
{
	struct json_object *obj;

	if (!ctl->json) {
		fprintf(stderr, "tconnctl: %s\n", err->text);
		return code_for(code, false);
	}
	obj = tconn_jsonline_error(code, err);
	print_json(obj);
	json_object_put(obj);
	return code_for(code, false);
}

int call(const struct ctl *ctl, const char *path, struct json_object *request, int timeout_ms,
	 struct json_object **ret)
{
	struct tconn_error err = { "" };
	int r = tconn_jsonline_call(path, request, timeout_ms, ret, &err);

	json_object_put(request);
	return r < 0 ? failure(ctl, r, &err) : 0;
}

int reply_code(const struct ctl *ctl, struct json_object *reply)
{
	struct json_object *code;

	if (flag(reply, "ok"))
		return CTL_OK;
	if (!ctl->json)
		fprintf(stderr, "tconnctl: %s\n", member(reply, "error"));
	if (!json_object_object_get_ex(reply, "code", &code))
		return CTL_FAILED;
	return code_for(json_object_get_int(code),
			json_object_object_get_ex(reply, "statement", NULL));
}

int call_service(const struct ctl *ctl, struct json_object *request, struct json_object **ret)
{
	return call(ctl, ctl->socket ? ctl->socket : SOCKET_SERVICED, request, TCONN_JSONLINE_MS,
		    ret);
}

int call_and_show(const struct ctl *ctl, struct json_object *request,
		  void (*show)(struct json_object *reply))
{
	struct json_object *reply;
	int r = call_service(ctl, request, &reply);

	if (r)
		return r;
	if (ctl->json)
		print_json(reply);
	r = reply_code(ctl, reply);
	if (r == CTL_OK && !ctl->json && show)
		show(reply);
	json_object_put(reply);
	return r;
}

static int dispatch(const struct ctl *ctl, int argc, char **argv)
{
	if (argc < 1)
		return usage("a command is missing");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(ctl, argc, argv);
	return usage("unknown command");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct ctl ctl = { 0 };
	int o;

	/* '+': options after the command are the command's. */
	while ((o = getopt_long(argc, argv, "+s:jh", options, NULL)) != -1) {
		switch (o) {
		case 's':
			ctl.socket = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return CTL_OK;
		case 'v':
			puts("tconnctl " TCONN_VERSION);
			return CTL_OK;
		default:
			return usage("bad option");
		}
	}
	argc -= optind;
	argv += optind;
	optind = 0;	/* commands parse on their own */
	return dispatch(&ctl, argc, argv);
}
