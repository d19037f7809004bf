/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line that both daemons have: --config FILE, --check, --help,
 * --version, and at most one more.
 */
#ifndef TCONN_DAEMON_MAIN_H
#define TCONN_DAEMON_MAIN_H

#include <stdbool.h>

struct tconn_daemon {
	const char *name;
	const char *help;		/* the whole text */
	const char *config;		/* where the configuration is by default */
	int usage_code;			/* exit code of a bad command line */
	const char *setting;		/* another option, --SETTING VALUE; NULL: none */
	const char **value;		/* its value, unchanged without it */
	int (*run)(const char *config, bool check_only);	/* returns the exit code */
};

int tconn_daemon_main(const struct tconn_daemon *d, int argc, char **argv);

#endif
