// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "nodes.h"
#include "report.h"

static unsigned int open_all(const char *pattern, int fds[NODES_MAX])
{
	unsigned int count = 0;
	glob_t found;
	size_t i;

	errno = ENOENT;
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc && count < NODES_MAX; i++) {
		fds[count] = open(found.gl_pathv[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fds[count] >= 0)
			count++;
	}
	globfree(&found);
	return count;
}

void nodes_watch(const char *pattern, nodes_collect *collect)
{
	struct digits digits = { 0 };
	unsigned int count, i;
	int fds[NODES_MAX];

	attack_init();
	count = open_all(pattern, fds);
	attack_ready();
	if (!count)
		attack_failed("no %s can be opened: %s", pattern, strerror(errno));
	while (!attack_wait(10))
		for (i = 0; i < count; i++)
			collect(fds[i], i, &digits);
	attack_digits(digits.text);
	attack_failed("these are all the digits it saw");
}
