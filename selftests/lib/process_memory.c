// SPDX-License-Identifier: Apache-2.0
#include "process_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool process_memory_has(pid_t pid, const void *what, size_t len)
{
	char path[64], line[512];
	unsigned long from, to;
	bool has = false;
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && mem >= 0 && !has && fgets(line, sizeof(line), maps)) {
		char *buf;
		ssize_t n;

		if (sscanf(line, "%lx-%lx r", &from, &to) != 2)
			continue;
		buf = malloc(to - from);
		n = pread(mem, buf, to - from, (off_t)from);
		has = n > 0 && memmem(buf, (size_t)n, what, len);
		free(buf);
	}
	if (maps)
		fclose(maps);
	close(mem);
	return has;
}
