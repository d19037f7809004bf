// SPDX-License-Identifier: Apache-2.0
/* tconn-ca: issues identities to those who prove that their keys are in a TPM. */
#include <errno.h>
#include <getopt.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/process.h"
#include "../lib/version.h"
#include "check.h"
#include "maker.h"
#include "server.h"

#define ONCE_MAX 1000000ul

enum exit_code {
	EXIT_DONE	= 0,
	EXIT_FAILED	= 1,
	EXIT_USAGE	= 2,
};

struct options {
	const char *dir, *name, *listen, *ek_trust;
	enum profile profile;
	unsigned int once;
	const char *operand, *second;
};

static const char help[] =
	"Usage:\n"
	"  tconn-ca init --dir DIR [--name NAME]\n"
	"        make the issuer's key and certificate: DIR/ca.key, DIR/ca.pem\n"
	"  tconn-ca serve --dir DIR --listen HOST:PORT --ek-trust PATH\n"
	"           [--profile manufacturer|third-party|service-provider] [--once N]\n"
	"        enrol devices and services whose EK certificate chains to PATH,\n"
	"        a PEM file or a directory of *.pem and *.crt files;\n"
	"        --once: end after N successful enrolments\n"
	"  tconn-ca check --ek-trust PATH EK CERTIFICATE\n"
	"        look at a TPM before it enrols: whether CERTIFICATE (DER) is for EK\n"
	"        (a public area) and chains to PATH; prints the device's id\n"
	"  tconn-ca list --dir DIR\n"
	"        one line an identity\n"
	"  tconn-ca remove --dir DIR device:ID | service:NAME\n"
	"        forget an identity, so that another TPM may take it\n"
	"  tconn-ca add-node --dir DIR service:NAME\n"
	"        let one TPM more have that name: a further node of the service\n"
	"  tconn-ca --help | --version\n"
	"\n"
	"Exit codes: 0 done, 1 failed (standard error says why), 2 usage.\n";

static int usage(const char *what)
{
	fprintf(stderr, "tconn-ca: %s\n\n%s", what, help);
	return EXIT_USAGE;
}

static int failed(const struct tconn_error *err)
{
	fprintf(stderr, "tconn-ca: %s\n", err->text);
	return EXIT_FAILED;
}

static int parse_profile(const char *text, enum profile *ret)
{
	static const char *const names[] = { "manufacturer", "third-party", "service-provider" };

	for (size_t i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			*ret = (enum profile)i;
			return 0;
		}
	return usage("--profile is manufacturer, third-party or service-provider");
}

static int parse_once(const char *text, unsigned int *ret)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || !n || n > ONCE_MAX)
		return usage("--once takes a number from 1");
	*ret = (unsigned int)n;
	return 0;
}

static int take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'd':
		o->dir = value;
		return 0;
	case 'n':
		o->name = value;
		return 0;
	case 'l':
		o->listen = value;
		return 0;
	case 'e':
		o->ek_trust = value;
		return 0;
	case 'p':
		return parse_profile(value, &o->profile);
	case 'o':
		return parse_once(value, &o->once);
	default:
		return usage("unknown option");
	}
}

/* Each command takes some of them: its letters. 2: it takes two operands. */
static int parse(int argc, char **argv, const char *allowed, struct options *o)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' }, { "name", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' }, { "ek-trust", required_argument, NULL, 'e' },
		{ "profile", required_argument, NULL, 'p' }, { "once", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int option, r;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || !strchr(allowed, option))
			return usage("an option is unknown, lacks its value or is not for this command");
		r = take_option(o, option, optarg);
		if (r)
			return r;
	}
	if (!o->dir && strchr(allowed, 'd'))
		return usage("--dir is missing");
	if (optind < argc)
		o->operand = argv[optind++];
	if (optind < argc && strchr(allowed, '2'))
		o->second = argv[optind++];
	if (optind < argc)
		return usage("too many arguments");
	return 0;
}

static int command_init(int argc, char **argv)
{
	struct options o = { .name = "tconn identity issuer" };
	struct tconn_error err;
	int r = parse(argc, argv, "dn", &o);

	if (r)
		return r;
	if (o.operand)
		return usage("init takes options only");
	if (tconn_issuer_create(o.dir, o.name, &err))
		return failed(&err);
	printf("issuer \"%s\" is in %s; give %s/" TCONN_ISSUER_CERT
	       " to devices and services, keep " TCONN_ISSUER_KEY " here\n", o.name, o.dir, o.dir);
	return EXIT_DONE;
}

static int serve(const struct options *o, struct tconn_error *err)
{
	struct desk desk = { .profile = o->profile };
	struct tconn_issuer *issuer = NULL;
	int r = tconn_process_harden(err);

	if (!r)
		r = tconn_issuer_load(o->dir, &issuer, err);
	desk.issuer = issuer;
	if (!r)
		r = maker_load(o->ek_trust, &desk.makers, err);
	if (!r)
		r = store_open(o->dir, true, &desk.store, err);
	if (!r)
		r = server_run(&desk, o->dir, o->listen, o->once, err);
	store_close(desk.store);
	X509_STORE_free(desk.makers);
	tconn_issuer_free(issuer);
	return r;
}

static int command_serve(int argc, char **argv)
{
	struct options o = { .profile = PROFILE_THIRD_PARTY };
	struct tconn_error err;
	int r = parse(argc, argv, "dlepo", &o);

	if (r)
		return r;
	if (!o.listen || !o.ek_trust || o.operand)
		return usage("serve needs --dir, --listen and --ek-trust, and takes options only");
	return serve(&o, &err) ? failed(&err) : EXIT_DONE;
}

static int command_check(int argc, char **argv)
{
	struct options o = { 0 };
	struct tconn_error err;
	char id[65];
	int r = parse(argc, argv, "e2", &o);

	if (r)
		return r;
	if (!o.ek_trust || !o.second)
		return usage("check needs --ek-trust, the EK and its certificate");
	if (check_papers(o.ek_trust, o.operand, o.second, id, &err))
		return failed(&err);
	puts(id);
	return EXIT_DONE;
}

static void format_time(int64_t seconds, char ret[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(ret, 32, "?");
}

static void print_identity(const struct listed *l, void *arg)
{
	char first[32], last[32];

	(void)arg;
	format_time(l->first, first);
	format_time(l->last, last);
	printf("%s:%s first=%s last=%s certificates=%d ek=%s ak=%s\n",
	       l->role == TCONN_ROLE_DEVICE ? "device" : "service", l->name, first, last,
	       l->certificates, l->ek, l->ak);
}

static int command_list(int argc, char **argv)
{
	struct store *store = NULL;
	struct options o = { 0 };
	struct tconn_error err;
	int r = parse(argc, argv, "d", &o);

	if (r)
		return r;
	if (o.operand)
		return usage("list takes options only");
	r = store_open(o.dir, false, &store, &err);
	if (!r)
		r = store_list(store, print_identity, NULL, &err);
	store_close(store);
	return r ? failed(&err) : EXIT_DONE;
}

static int parse_identity(const char *text, struct tconn_identity *ret, struct tconn_error *err)
{
	const char *name = strchr(text, ':');

	if (!strncmp(text, "device:", 7))
		ret->role = TCONN_ROLE_DEVICE;
	else if (!strncmp(text, "service:", 8))
		ret->role = TCONN_ROLE_SERVICE;
	else
		return tconn_fail(err, -EINVAL, "%s: an identity is device:ID or service:NAME", text);
	if (tconn_identity_name_check(ret->role, name + 1, err))
		return -EINVAL;
	snprintf(ret->name, sizeof(ret->name), "%s", name + 1);
	return 0;
}

static int run_on_identity(int argc, char **argv, const char *wants,
			   int (*run)(struct store *s, const struct tconn_identity *id,
				      struct tconn_error *err))
{
	struct tconn_identity identity;
	struct store *store = NULL;
	struct options o = { 0 };
	struct tconn_error err;
	int r = parse(argc, argv, "d", &o);

	if (r)
		return r;
	if (!o.operand)
		return usage(wants);
	r = parse_identity(o.operand, &identity, &err);
	if (!r)
		r = store_open(o.dir, false, &store, &err);
	if (!r)
		r = run(store, &identity, &err);
	store_close(store);
	return r ? failed(&err) : EXIT_DONE;
}

static int command_remove(int argc, char **argv)
{
	return run_on_identity(argc, argv, "remove needs an identity: device:ID or service:NAME",
			       store_remove);
}

static int add_node(struct store *s, const struct tconn_identity *id, struct tconn_error *err)
{
	return id->role == TCONN_ROLE_SERVICE ? store_add_node(s, id->name, err) :
	       tconn_fail(err, -EINVAL, "a device has one TPM; nodes are a service's");
}

static int command_add_node(int argc, char **argv)
{
	return run_on_identity(argc, argv, "add-node needs a service: service:NAME", add_node);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} command[] = {
		{ "init", command_init }, { "serve", command_serve }, { "check", command_check },
		{ "list", command_list }, { "add-node", command_add_node },
		{ "remove", command_remove },
	};

	if (argc < 2)
		return usage("a command is missing");
	if (!strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("tconn-ca " TCONN_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++)
		if (!strcmp(argv[1], command[i].name))
			return command[i].run(argc - 1, argv + 1);
	return usage("unknown command");
}
