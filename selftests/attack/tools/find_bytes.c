// SPDX-License-Identifier: Apache-2.0
/*
 * find_bytes NEEDLES [FILE...]: where the byte strings are that the file NEEDLES has in hex,
 * a line each: in the memory of every process there is to see but this one ("PID COMM LINE"),
 * or in the files ("FILE LINE"). Last line: "looked at N", how many of them could be read.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEEDLES		32
#define NEEDLE_MAX	64
#define CHUNK		(1 << 20)

struct needle {
	uint8_t bytes[NEEDLE_MAX];
	size_t len;
};

static struct needle needles[NEEDLES];
static unsigned int count;
static uint8_t buf[CHUNK + NEEDLE_MAX];

static void read_needles(const char *path)
{
	char line[2 * NEEDLE_MAX + 2];
	FILE *file = fopen(path, "re");

	while (file && count < NEEDLES && fgets(line, sizeof(line), file)) {
		struct needle *n = &needles[count];

		for (n->len = 0; n->len < NEEDLE_MAX; n->len++)
			if (sscanf(line + 2 * n->len, "%2hhx", &n->bytes[n->len]) != 1)
				break;
		count += n->len >= 16;
	}
	if (file)
		fclose(file);
}

/* Bits of the needles that are in what can be read of fd from `at` to `end`. */
static uint32_t look(int fd, uint64_t at, uint64_t end)
{
	uint32_t found = 0;
	size_t kept = 0;

	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t got = pread(fd, buf + kept, want, (off_t)at);
		unsigned int i;

		if (got <= 0)
			break;
		at += (uint64_t)got;
		kept += (size_t)got;
		for (i = 0; i < count; i++)
			if (memmem(buf, kept, needles[i].bytes, needles[i].len))
				found |= 1u << i;
		if (kept >= NEEDLE_MAX) {
			memmove(buf, buf + kept - NEEDLE_MAX, NEEDLE_MAX);
			kept = NEEDLE_MAX;
		}
	}
	return found;
}

static void say(const char *who, uint32_t found)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (found & (1u << i))
			printf("%s %u\n", who, i + 1);
}

static int open_of(const char *pid, const char *what)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool look_at_process(const char *pid)
{
	char who[300] = "", line[512], comm[64] = "";
	int maps = open_of(pid, "maps"), mem = open_of(pid, "mem"), name = open_of(pid, "comm");
	FILE *lines = maps < 0 ? NULL : fdopen(maps, "r");
	bool can = lines && mem >= 0;
	unsigned long from, to;
	uint32_t found = 0;

	if (name >= 0 && read(name, comm, sizeof(comm) - 1) > 0)
		comm[strcspn(comm, "\n")] = '\0';
	while (can && fgets(line, sizeof(line), lines))
		if (sscanf(line, "%lx-%lx r", &from, &to) == 2)
			found |= look(mem, from, to);
	snprintf(who, sizeof(who), "%s %s", pid, comm);
	say(who, found);
	if (lines)
		fclose(lines);
	close(mem);
	close(name);
	return can;
}

static unsigned int look_at_processes(void)
{
	DIR *proc = opendir("/proc");
	unsigned int looked = 0;
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid())
			looked += look_at_process(entry->d_name);
	if (proc)
		closedir(proc);
	return looked;
}

static bool look_at_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	say(path, look(fd, 0, UINT64_MAX));
	close(fd);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int looked = 0;
	int i;

	if (argc >= 2)
		read_needles(argv[1]);
	if (!count) {
		fprintf(stderr, "find_bytes: nothing to look for\n");
		return 2;
	}
	for (i = 2; i < argc; i++)
		looked += look_at_file(argv[i]);
	if (argc == 2)
		looked = look_at_processes();
	printf("looked at %u\n", looked);
	return 0;
}
