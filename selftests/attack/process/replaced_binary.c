// SPDX-License-Identifier: Apache-2.0
/*
 * Puts itself in the place of tconn-tui, so that the trusted side starts it.
 *
 * attack: replaced_binary
 * class: process
 * when: before
 * judge: picture-write
 * quick: yes
 * defence: confinement
 * why: rename() in /usr/sbin; the REE's view of it is read-only, the module admits a listed
 *      digest only, and a changed one is in the log
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "impostor.h"
#include "report.h"

#define ASIDE	IMPOSTOR_OF ".aside"
#define COPY	IMPOSTOR_OF ".copy"

static int copy_self(const char *path)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	struct stat st;
	int ret = 0;

	if (in < 0 || out < 0 || fstat(in, &st) ||
	    sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		ret = -errno;
	close(in);
	close(out);
	return ret;
}

static int replace(void)
{
	int ret = copy_self(COPY);

	if (ret)
		return ret;
	return rename(IMPOSTOR_OF, ASIDE) || rename(COPY, IMPOSTOR_OF) ? -errno : 0;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc && impostor_is_called(argv[0]))
		return impostor_run();
	attack_init();
	ret = replace();
	attack_ready();
	if (ret)
		attack_failed("it cannot be replaced: %s", strerror(-ret));
	while (!attack_wait(1000))
		;
	rename(ASIDE, IMPOSTOR_OF);
	attack_succeeded("it was replaced");
}
