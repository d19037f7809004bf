// SPDX-License-Identifier: Apache-2.0
/* tconn-notice: tells the person before the screen why this device does not start. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/version.h"
#include "picture.h"
#include "screen.h"
#include "tui/render.h"

#define WAIT_MS		10000	/* for a screen to be found */
#define STEP_MS		200
#define SECONDS_MAX	86400u

enum exit_code {
	EXIT_SHOWN	= 0,
	EXIT_NOT_SHOWN	= 1,
	EXIT_USAGE	= 2,
};

struct options {
	unsigned int seconds, width, height;
	const char *ppm, *why;
};

static const char help[] =
	"Usage:\n"
	"  tconn-notice [--seconds N] WHY\n"
	"        show on every screen that this device does not start and WHY, for N seconds (300)\n"
	"  tconn-notice --ppm FILE [--size WIDTHxHEIGHT] WHY\n"
	"        write that picture to a file instead\n"
	"  tconn-notice --help | --version\n"
	"\n"
	"Exit codes: 0 shown, 1 not shown (standard error says why), 2 usage.\n";

static int usage(const char *what)
{
	fprintf(stderr, "tconn-notice: %s\n\n%s", what, help);
	return EXIT_USAGE;
}

static int failed(const char *what, int error)
{
	fprintf(stderr, "tconn-notice: %s: %s\n", what, strerror(error));
	return EXIT_NOT_SHOWN;
}

static bool parse_number(const char *text, char end, unsigned int max, unsigned int *ret,
			 const char **ret_end)
{
	unsigned long n;
	char *stop;

	errno = 0;
	n = strtoul(text, &stop, 10);
	if (errno || text[0] < '0' || text[0] > '9' || *stop != end || !n || n > max)
		return false;
	*ret = (unsigned int)n;
	if (ret_end)
		*ret_end = stop + 1;
	return true;
}

static int take_option(struct options *o, int option, const char *value)
{
	const char *height;

	switch (option) {
	case 'n':
		return parse_number(value, '\0', SECONDS_MAX, &o->seconds, NULL) ? 0 :
		       usage("--seconds takes a number from 1 to 86400");
	case 'p':
		o->ppm = value;
		return 0;
	case 's':
		return parse_number(value, 'x', TCONN_RENDER_MAX, &o->width, &height) &&
		       parse_number(height, '\0', TCONN_RENDER_MAX, &o->height, NULL) ? 0 :
		       usage("--size takes WIDTHxHEIGHT in pixels");
	default:
		return usage("an option is unknown or lacks its value");
	}
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 'n' }, { "ppm", required_argument, NULL, 'p' },
		{ "size", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 },
	};
	int option, r;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		r = take_option(o, option, optarg);
		if (r)
			return r;
	}
	if (optind + 1 != argc)
		return usage("WHY is one argument, and has to be there");
	o->why = argv[optind];
	return 0;
}

static int write_ppm(const struct tconn_canvas *canvas, const char *path)
{
	FILE *f = fopen(path, "we");
	bool good;

	if (!f)
		return -errno;
	fprintf(f, "P6\n%u %u\n255\n", canvas->width, canvas->height);
	for (uint32_t y = 0; y < canvas->height; y++)
		for (uint32_t x = 0; x < canvas->width; x++) {
			const uint32_t *row = canvas->pixels;
			uint32_t c = row[(size_t)y * canvas->width + x];

			putc((int)(c >> 16 & 0xff), f);
			putc((int)(c >> 8 & 0xff), f);
			putc((int)(c & 0xff), f);
		}
	good = !ferror(f);
	return fclose(f) == 0 && good ? 0 : -EIO;
}

static int draw_file(struct tconn_font *font, const struct options *o)
{
	struct tconn_canvas canvas = { NULL, o->width, o->height, o->width * 4 };
	int r;

	canvas.pixels = calloc(o->height, canvas.pitch);
	if (!canvas.pixels)
		return failed("picture", ENOMEM);
	r = picture_draw(font, &canvas, o->why);
	if (!r)
		r = write_ppm(&canvas, o->ppm);
	free(canvas.pixels);
	return r ? failed(o->ppm, -r) : EXIT_SHOWN;
}

/* Drivers find their screens some time after they were loaded. */
static int show(struct tconn_font *font, const struct options *o)
{
	for (int waited = 0; !screen_show(font, o->why); waited += STEP_MS) {
		if (waited >= WAIT_MS)
			return failed("no screen", ENODEV);
		usleep(STEP_MS * 1000);
	}
	sleep(o->seconds);
	return EXIT_SHOWN;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 300, .width = 1280, .height = 800 };
	_cleanup_font_ struct tconn_font *font = NULL;
	int r;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return EXIT_SHOWN;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("tconn-notice " TCONN_VERSION);
		return EXIT_SHOWN;
	}
	r = parse(argc, argv, &o);
	if (r)
		return r;
	r = tconn_font_new(&font);
	if (r)
		return failed("fonts", -r);
	return o.ppm ? draw_file(font, &o) : show(font, &o);
}
