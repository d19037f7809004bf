// SPDX-License-Identifier: Apache-2.0
/*
 * tconn-tui: the one program that may hold the trusted screen.
 *
 * tconnd starts it with a request on standard input and reads a reply from its
 * standard output (protocol.h). It trusts neither: the request is checked here
 * again, and the kernel makes the record of what was shown and decided.
 *
 * The way of a request, and where to read on:
 *	harden		what the process gives up first
 *	request		the bytes from standard input
 *	statement	the text in it: a contract with service and tconnd, checked
 *			by all three (utf8, font: which characters can be shown)
 *	session		bind, look at the service's proof (request_proof of the
 *			daemons' library), draw, activate, keys, decide
 *	backend		who has screen and keyboard: module (tconn.ko) or, for
 *			development only, kms; both find their display with card
 *			and get key presses from keys
 *	dialog		what keys do, and when they are too early
 *	render		the picture (layout: where things go; text, shape, font,
 *			canvas: how they get there)
 *	reply		the bytes to standard output
 *
 * The executable is one static PIE, fonts included: the module admits it by
 * the digest of that one file, and there is no library, font, locale or
 * configuration that somebody else could change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/harden.h"
#include "tui/options.h"
#include "tui/png_file.h"
#include "tui/render.h"
#include "tui/session.h"

/* Exit codes, see protocol.h. */
enum {
	EXIT_REPLIED	= 0,
	EXIT_USAGE	= 2,
	EXIT_MALFORMED	= 3,
	EXIT_UNWRITTEN	= 4,
};

static int complain(int code, const char *what, const char *why)
{
	fprintf(stderr, "tconn-tui: %s%s%s\n", what, *what ? ": " : "", why);
	return code;
}

static int run_session(const struct tui_options *o, const struct tui_request *request)
{
	struct tui_reply reply = { 0 };
	struct tui_backend *b;
	const char *wrong = o->dev ? NULL : tui_harden_memory();
	int r;

	b = o->dev ? tui_kms_new(o->card) : tui_module_new(o->card);
	if (wrong || !b)
		tui_reply_fail(&reply, TCONN_TUI_FAILED, 0, "%s", wrong ? wrong : "no memory");
	else
		tui_session_run(b, request, STDOUT_FILENO, &reply);
	if (b)
		b->ops->close(b);
	r = tui_reply_write(&reply, STDOUT_FILENO);
	explicit_bzero(&reply, sizeof(reply));
	if (r)
		return complain(EXIT_UNWRITTEN, "the reply could not be written", strerror(-r));
	return EXIT_REPLIED;
}

/* Says at which byte, unless the header is what is wrong. */
static int complain_statement(int error, size_t at)
{
	char where[32];

	if (error == TCONN_STATEMENT_MALFORMED)
		return complain(EXIT_MALFORMED, "", tconn_statement_strerror(error));
	snprintf(where, sizeof(where), "byte %zu of the text", at);
	return complain(EXIT_MALFORMED, where, tconn_statement_strerror(error));
}

static int check_statement(const struct tui_options *o, const struct tui_request *request,
			   struct tconn_statement *ret)
{
	size_t at = 0;
	int r = tconn_statement_parse(request->statement, request->statement_len, ret, &at);

	if (!r)
		r = tconn_statement_check_renders(ret, o->width, o->height, &at);
	return r ? complain_statement(r, at) : EXIT_REPLIED;
}

static int run_check(const struct tui_options *o, const struct tui_request *request)
{
	struct tconn_statement s;
	int r = check_statement(o, request, &s);

	if (r)
		return r;
	if (o->width)
		printf("the request can be shown on %ux%u\n", o->width, o->height);
	else
		printf("the request can be shown, if the screen is large enough\n");
	return fflush(stdout) ? EXIT_UNWRITTEN : EXIT_REPLIED;
}

static const char *render(const struct tui_options *o, const struct tconn_canvas *canvas,
			  const struct tconn_render *picture)
{
	_cleanup_font_ struct tconn_font *font = NULL;

	if (tconn_font_new(&font))
		return "no memory for the font";
	if (tconn_render_draw(font, canvas, picture, NULL))
		return "the picture cannot be drawn; is --pin-entered more than the PIN's maximum?";
	return tui_png_write(canvas, o->png);
}

static int run_render(const struct tui_options *o, const struct tui_request *request)
{
	struct tconn_canvas canvas = {
		.pixels = calloc(o->height, (size_t)o->width * 4),
		.width = o->width,
		.height = o->height,
		.pitch = o->width * 4,
	};
	struct tconn_statement s;
	const char *wrong;
	int r = check_statement(o, request, &s);

	if (!r) {
		wrong = !canvas.pixels ? "no memory for the picture" :
			render(o, &canvas, &(struct tconn_render){
				.statement = &s, .entered = o->entered, .look = request->look,
				.phrase = request->phrase[0] ? request->phrase : NULL,
				.untrusted = o->dev, .developer = o->developer,
			});
		if (wrong)
			r = complain(EXIT_UNWRITTEN, o->png, wrong);
	}
	free(canvas.pixels);
	return r;
}

static int run_request(const struct tui_options *o)
{
	uint8_t buf[TUI_REQUEST_MAX];
	struct tui_request request;
	size_t len = 0;
	const char *wrong = tui_request_read(STDIN_FILENO, buf, &len);

	if (!wrong)
		wrong = tui_request_parse(buf, len, &request);
	if (wrong)
		return complain(EXIT_MALFORMED, "", wrong);
	switch (o->mode) {
	case TUI_MODE_CHECK:
		return run_check(o, &request);
	case TUI_MODE_RENDER:
		return run_render(o, &request);
	default:
		return run_session(o, &request);
	}
}

int main(int argc, char **argv)
{
	const char *wrong = tui_harden();
	struct tui_options o;

	if (wrong)
		return complain(EXIT_USAGE, "", wrong);
	if (tui_options_parse(argc, argv, &o))
		return EXIT_USAGE;
	if (o.mode == TUI_MODE_HELP)
		tui_options_help();
	else if (o.mode == TUI_MODE_VERSION)
		tui_options_version();
	else
		return run_request(&o);
	return fflush(stdout) ? EXIT_UNWRITTEN : EXIT_REPLIED;
}
