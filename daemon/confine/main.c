// SPDX-License-Identifier: Apache-2.0
/* tconn-confine - starts the REE so that its root has no teeth; see tconn-confine(8). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/say.h"
#include "../lib/version.h"
#include "check.h"
#include "launch.h"

static const char help[] =
	"usage: tconn-confine [--policy FILE] [--init] [--] PROGRAM [ARGUMENT...]\n"
	"       tconn-confine --check[=PID]\n"
	"\n"
	"Starts PROGRAM and all it starts without the capabilities, system calls, devices,\n"
	"files and processes that the trusted side must be safe from, whoever is root.\n"
	"\n"
	"  --policy FILE        what the REE may have (" POLICY_DEFAULT ")\n"
	"  --init               PROGRAM is process 1 of the REE itself\n"
	"  --check[=PID]        what holds for the REEs that run, or for one process\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: PROGRAM's, or 128 + the signal that ended it; 125 nothing was\n"
	"started; 126 PROGRAM cannot be executed; 127 there is none. --check: 0 confined,\n"
	"1 not. 2 usage.\n";

enum { USAGE = 2 };

static int usage(const char *what)
{
	tconn_say("tconn-confine: %s; see tconn-confine --help", what);
	return USAGE;
}

static int check_argument(const char *text)
{
	char *end = NULL;
	long pid = text ? strtol(text, &end, 10) : 0;

	if (text && (*end || pid <= 0 || pid > INT32_MAX))
		return usage("--check=PID wants a process id");
	return check((int32_t)pid);
}

static int start(const struct launch *given)
{
	struct launch l = *given;
	struct policy policy;
	struct tconn_error err;
	int status;

	if (policy_load(l.policy_path, &policy, &err) < 0) {
		tconn_say("tconn-confine: nothing was started: policy %s", err.text);
		return LAUNCH_FAILED;
	}
	l.policy = &policy;
	status = launch(&l);
	policy_free(&policy);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' }, { "init", no_argument, NULL, 'i' },
		{ "check", optional_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
	};
	struct launch l = { .policy_path = POLICY_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			l.policy_path = optarg;
			break;
		case 'i':
			l.init = true;
			break;
		case 'c':
			return optind < argc ? usage("--check takes nothing else") :
					       check_argument(optarg);
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'v':
			printf("tconn-confine %s\n", TCONN_VERSION);
			return 0;
		default:
			return USAGE;
		}
	}
	if (optind == argc)
		return usage("give the program to start");
	l.argv = argv + optind;
	return start(&l);
}
