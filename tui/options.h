/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of tconn-tui. */
#ifndef TCONN_TUI_OPTIONS_H
#define TCONN_TUI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum tui_mode {
	TUI_MODE_SESSION,	/* without options: ask the person */
	TUI_MODE_CHECK,
	TUI_MODE_RENDER,
	TUI_MODE_HELP,
	TUI_MODE_VERSION,
};

struct tui_options {
	enum tui_mode mode;
	bool dev, developer;
	const char *card;	/* NULL: look for one */
	const char *png;
	uint32_t width, height;	/* 0: not given */
	uint32_t entered;
};

/* 0, or -1 after saying on standard error what is wrong with the usage. */
int tui_options_parse(int argc, char **argv, struct tui_options *ret);

void tui_options_help(void);
void tui_options_version(void);

#endif
