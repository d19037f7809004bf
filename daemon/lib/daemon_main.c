// SPDX-License-Identifier: Apache-2.0
#include "daemon_main.h"

#include <getopt.h>
#include <stdio.h>

#include "version.h"

static int usage(const struct tconn_daemon *d)
{
	fputs(d->help, stderr);
	return d->usage_code;
}

int tconn_daemon_main(const struct tconn_daemon *d, int argc, char **argv)
{
	const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ d->setting, required_argument, NULL, 's' },	/* the end, where there is none */
		{ 0 },
	};
	const char *config = d->config;
	bool check_only = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			check_only = true;
			break;
		case 's':
			*d->value = optarg;
			break;
		case 'h':
			fputs(d->help, stdout);
			return 0;
		case 'v':
			printf("%s " TCONN_VERSION "\n", d->name);
			return 0;
		default:
			return usage(d);
		}
	}
	return optind != argc ? usage(d) : d->run(config, check_only);
}
