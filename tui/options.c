// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmod/uapi/tconn.h"
#include "tui/options.h"
#include "tui/protocol.h"
#include "tui/render.h"

enum {
	OPT_CARD = 256,
	OPT_CHECK,
	OPT_DEV,
	OPT_DEVELOPER,
	OPT_ENTERED,
	OPT_HELP,
	OPT_RENDER,
	OPT_SIZE,
	OPT_VERSION,
};

static const struct option options[] = {
	{ "card", required_argument, NULL, OPT_CARD },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "dev", no_argument, NULL, OPT_DEV },
	{ "developer", no_argument, NULL, OPT_DEVELOPER },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "pin-entered", required_argument, NULL, OPT_ENTERED },
	{ "render-png", required_argument, NULL, OPT_RENDER },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

/* Reads a number of up to most; *s is moved behind it. */
static int number(const char **s, uint32_t most, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (**s < '0' || **s > '9')
		return -1;
	errno = 0;
	value = strtoul(*s, &end, 10);
	if (errno || value > most)
		return -1;
	*s = end;
	*ret = (uint32_t)value;
	return 0;
}

static int parse_size(const char *s, struct tui_options *o)
{
	if (number(&s, TCONN_RENDER_MAX, &o->width) || *s++ != 'x' ||
	    number(&s, TCONN_RENDER_MAX, &o->height) || *s || !o->width || !o->height) {
		fprintf(stderr, "tconn-tui: --size wants WIDTHxHEIGHT, such as 1280x800\n");
		return -1;
	}
	return 0;
}

static int parse_entered(const char *s, struct tui_options *o)
{
	if (number(&s, TCONN_PIN_MAX, &o->entered) || *s) {
		fprintf(stderr, "tconn-tui: --pin-entered wants a number of digits up to %d\n",
			TCONN_PIN_MAX);
		return -1;
	}
	return 0;
}

static int apply(int option, struct tui_options *o)
{
	switch (option) {
	case OPT_CARD:
		o->card = optarg;
		return 0;
	case OPT_CHECK:
		o->mode = TUI_MODE_CHECK;
		return 0;
	case OPT_DEV:
		o->dev = true;
		return 0;
	case OPT_DEVELOPER:
		o->developer = true;
		return 0;
	case OPT_ENTERED:
		return parse_entered(optarg, o);
	case OPT_HELP:
		o->mode = TUI_MODE_HELP;
		return 0;
	case OPT_RENDER:
		o->mode = TUI_MODE_RENDER;
		o->png = optarg;
		return 0;
	case OPT_SIZE:
		return parse_size(optarg, o);
	case OPT_VERSION:
		o->mode = TUI_MODE_VERSION;
		return 0;
	default:
		fprintf(stderr, "tconn-tui: see tconn-tui --help\n");
		return -1;
	}
}

int tui_options_parse(int argc, char **argv, struct tui_options *ret)
{
	struct tui_options o = { .mode = TUI_MODE_SESSION };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (apply(option, &o))
			return -1;
	if (optind < argc) {
		fprintf(stderr, "tconn-tui: %s is not an option; the request comes on standard "
				"input\n", argv[optind]);
		return -1;
	}
	if (o.mode == TUI_MODE_RENDER && !o.width) {
		fprintf(stderr, "tconn-tui: --render-png needs --size WIDTHxHEIGHT\n");
		return -1;
	}
	*ret = o;
	return 0;
}

void tui_options_help(void)
{
	printf("usage: tconn-tui [--card PATH] [--dev]\n"
	       "       tconn-tui --check [--size WxH]\n"
	       "       tconn-tui --render-png FILE --size WxH [--pin-entered N]\n"
	       "                 [--dev | --developer]\n"
	       "\n"
	       "Reads one request on standard input, asks the person at the trusted screen that\n"
	       "tconn.ko holds, and writes one reply on standard output. tconnd starts it.\n"
	       "\n"
	       "  --card PATH         use this display device instead of looking for one\n"
	       "  --dev               without the module, on plain KMS and evdev; marked as\n"
	       "                      untrusted on the screen and in the reply, worth nothing\n"
	       "  --check             only say whether the request could be shown\n"
	       "  --render-png FILE   only draw the request, into a file\n"
	       "  --size WxH          screen size in pixels\n"
	       "  --pin-entered N     draw a PIN dialog with N digits entered\n"
	       "  --developer         draw it as where the module's policy is not signed\n"
	       "  --help, --version\n"
	       "\n"
	       "Exit status: 0 done (the reply says what happened), 2 wrong usage, 3 the request\n"
	       "was malformed or cannot be shown, 4 the reply or file could not be written.\n");
}

void tui_options_version(void)
{
	printf("tconn-tui: protocol %d, module ABI %d\n", TCONN_TUI_VERSION, TCONN_ABI);
}
