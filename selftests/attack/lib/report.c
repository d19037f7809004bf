// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "report.h"

/* Exit codes, which say the same as the last line. */
enum {
	EXIT_SUCCEEDED	= 0,
	EXIT_FAILED	= 1,
	EXIT_UNAVAILABLE = 77,
};

static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

void attack_init(void)
{
	struct sigaction action = { .sa_handler = stop };	/* no SA_RESTART */

	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void attack_ready(void)
{
	puts("ready");
}

bool attack_stopping(void)
{
	return stopping;
}

bool attack_wait(unsigned int ms)
{
	const struct timespec slice = { .tv_nsec = 10 * 1000 * 1000 };
	unsigned int waited;

	for (waited = 0; waited < ms && !stopping; waited += 10)
		nanosleep(&slice, NULL);
	return stopping;
}

void attack_digits(const char *digits)
{
	printf("digits %s\n", digits);
}

void attack_picture(void)
{
	puts("picture");
}

void attack_pixel(unsigned int x, unsigned int y, uint32_t rgb)
{
	printf("pixel %u %u %06x\n", x, y, rgb & 0xffffff);
}

static void line(const char *word, const char *format, va_list args)
{
	fputs(word, stdout);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
}

void attack_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line("note ", format, args);
	va_end(args);
}

#define LAST_LINE(name, word, code)			\
void attack_##name(const char *format, ...)		\
{							\
	va_list args;					\
							\
	va_start(args, format);				\
	line(word ": ", format, args);			\
	va_end(args);					\
	exit(code);					\
}

LAST_LINE(succeeded, "succeeded", EXIT_SUCCEEDED)
LAST_LINE(failed, "failed", EXIT_FAILED)
LAST_LINE(unavailable, "unavailable", EXIT_UNAVAILABLE)

void attack_done(void)
{
	while (!attack_wait(1000))
		;
	attack_succeeded("all was done as planned");
}
