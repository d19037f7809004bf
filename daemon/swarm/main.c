// SPDX-License-Identifier: Apache-2.0
/* tconn-swarm - simulated devices, to load a service with; see tconn-swarm(8). */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../lib/certificate_cache.h"
#include "../lib/version.h"
#include "device.h"
#include "ek_maker.h"
#include "enrol.h"
#include "load.h"

/* Documented in tconn-swarm(8). */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SOME = 3 };

#define ENROL_WORKERS	8	/* tconn-ca takes 16 at once */
#define WORKERS		16
#define SECONDS		10
#define IMA_ENTRIES	500

static const char help[] =
	"usage: tconn-swarm init --dir DIR [--ima-entries N]\n"
	"       tconn-swarm enrol --dir DIR --devices N --ca HOST:PORT --ca-file FILE\n"
	"                   [--admin SOCKET]\n"
	"       tconn-swarm run --dir DIR --load handshake|connect|hold --devices N\n"
	"                   --service HOST:PORT --name NAME --ca-file FILE\n"
	"                   --reference PATH [--seconds N] [--rate N] [--workers N]\n"
	"                   [--pid PID]\n"
	"Loads a tconn-serviced with simulated devices. Their TPMs are software of this\n"
	"program, and vouched for by a maker of its own: for a test's issuer alone.\n"
	"\n"
	"  init    make DIR: the maker (maker.pem, for tconn-ca's --ek-trust), the logs\n"
	"          that all devices show, and reference values for them\n"
	"  enrol   make the devices that are not there yet, up to N, enrol each at the\n"
	"          issuer, and with --admin let it in at the service\n"
	"  run     have them connect; prints what it cost as one JSON object\n"
	"\n"
	"  --load handshake    mutual TLS alone, again and again\n"
	"         connect      with both attestations, again and again\n"
	"         hold         all connect, stay, and attest when the service asks\n"
	"  --ima-entries N     of the IMA log (500)\n"
	"  --reference PATH    for the service's evidence: what tconnd calls service_reference\n"
	"  --seconds N         how long (10); with hold: after the last one is in\n"
	"  --rate N            connections a second (as many as get through)\n"
	"  --workers N         at once (16)\n"
	"  --pid PID           of the service, on this machine: measure its CPU and memory\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 done, 1 failed, 2 usage, 3 measured, but some connections failed.\n";

struct options {
	struct enrol_options enrol;
	struct load_options load;
	unsigned int ima_entries;
	bool has_load;
};

static int usage(const char *what)
{
	fprintf(stderr, "tconn-swarm: %s\n\n%s", what, help);
	return EXIT_USAGE;
}

static int fail(const struct tconn_error *err)
{
	fprintf(stderr, "tconn-swarm: %s\n", err->text);
	return EXIT_FAILED;
}

static int take_number(const char *text, unsigned int max, unsigned int *ret)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || !n || n > max)
		return usage("a number is missing, zero or too large");
	*ret = (unsigned int)n;
	return 0;
}

static int take_load(const char *text, struct options *o)
{
	static const char *const names[] = { "handshake", "connect", "hold" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			o->load.kind = (enum load_kind)i;
			o->has_load = true;
			return 0;
		}
	return usage("--load is handshake, connect or hold");
}

static int take_option(struct options *o, int option, const char *value)
{
	unsigned int pid = 0;
	int r;

	switch (option) {
	case 'd':
		o->enrol.dir = value;
		return 0;
	case 'c':
		o->enrol.ca = value;
		return 0;
	case 'f':
		o->enrol.ca_file = value;
		return 0;
	case 'a':
		o->enrol.admin = value;
		return 0;
	case 's':
		o->load.address = value;
		return 0;
	case 'm':
		o->load.service = value;
		return 0;
	case 'r':
		o->load.reference = value;
		return 0;
	case 'l':
		return take_load(value, o);
	case 'n':
		return take_number(value, DEVICES_MAX, &o->enrol.devices);
	case 'i':
		return take_number(value, LOGS_IMA_MAX, &o->ima_entries);
	case 't':
		return take_number(value, 86400, &o->load.seconds);
	case 'e':
		return take_number(value, 1000000, &o->load.rate);
	case 'w':
		return take_number(value, LOAD_WORKERS_MAX, &o->load.workers);
	default:
		r = take_number(value, 1u << 30, &pid);
		o->load.pid = (pid_t)pid;
		return r;
	}
}

/* Each command takes some of them: its letters. */
static int parse(int argc, char **argv, const char *allowed, struct options *o)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "ca", required_argument, NULL, 'c' },
		{ "ca-file", required_argument, NULL, 'f' },
		{ "admin", required_argument, NULL, 'a' },
		{ "service", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'm' },
		{ "reference", required_argument, NULL, 'r' },
		{ "load", required_argument, NULL, 'l' },
		{ "devices", required_argument, NULL, 'n' },
		{ "ima-entries", required_argument, NULL, 'i' },
		{ "seconds", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'e' },
		{ "workers", required_argument, NULL, 'w' },
		{ "pid", required_argument, NULL, 'p' },
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
	if (optind < argc)
		return usage("there are options only");
	return o->enrol.dir ? 0 : usage("--dir is missing");
}

/* A connection is a descriptor, and the usual soft limit is 1024. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

static int command_init(int argc, char **argv)
{
	struct options o = { .ima_entries = IMA_ENTRIES };
	struct tconn_error err;
	int r = parse(argc, argv, "di", &o);

	if (r)
		return r;
	if (mkdir(o.enrol.dir, 0700) && errno != EEXIST) {
		tconn_fail(&err, -errno, "%s: %s", o.enrol.dir, strerror(errno));
		return fail(&err);
	}
	r = ek_maker_create(o.enrol.dir, &err);
	if (!r)
		r = logs_create(o.enrol.dir, o.ima_entries, &err);
	if (r)
		return fail(&err);
	printf("%s: give " EK_MAKER_CERT " to a test's tconn-ca (--ek-trust), device-reference.json to the "
	       "tconn-serviced under test (device_reference)\n", o.enrol.dir);
	return EXIT_DONE;
}

static int command_enrol(int argc, char **argv)
{
	struct options o = { .enrol.workers = ENROL_WORKERS };
	struct tconn_error err;
	unsigned int made = 0;
	int r = parse(argc, argv, "dncfa", &o);

	if (r)
		return r;
	if (!o.enrol.devices || !o.enrol.ca || !o.enrol.ca_file)
		return usage("enrol needs --devices, --ca and --ca-file");
	r = enrol_swarm(&o.enrol, &made, &err);
	printf("%u simulated devices enrolled, %u wanted in all\n", made, o.enrol.devices);
	return r ? fail(&err) : EXIT_DONE;
}

static int command_run(int argc, char **argv)
{
	struct options o = { .load.seconds = SECONDS, .load.workers = WORKERS };
	struct json_object *report = NULL, *failed;
	struct tconn_error err;
	int r = parse(argc, argv, "dnfsmrltewp", &o);

	if (r)
		return r;
	o.load.dir = o.enrol.dir;
	o.load.trust = o.enrol.ca_file;
	o.load.devices = o.enrol.devices;
	if (!o.has_load || !o.load.devices || !o.load.address || !o.load.service || !o.load.trust ||
	    !o.load.reference)
		return usage("run needs --load, --devices, --service, --name, --ca-file and --reference");
	if (o.load.workers > o.load.devices)
		o.load.workers = o.load.devices;
	raise_descriptors();
	tconn_certificate_cache_start();
	if (load_run(&o.load, &report, &err))
		return fail(&err);
	puts(json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
	json_object_object_get_ex(report, "failed", &failed);
	r = json_object_get_int64(failed) ? EXIT_SOME : EXIT_DONE;
	json_object_put(report);
	return r;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} command[] = {
		{ "init", command_init }, { "enrol", command_enrol }, { "run", command_run },
	};

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return usage("a command is missing");
	if (!strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("tconn-swarm " TCONN_VERSION);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++)
		if (!strcmp(argv[1], command[i].name))
			return command[i].run(argc - 1, argv + 1);
	return usage("unknown command");
}
