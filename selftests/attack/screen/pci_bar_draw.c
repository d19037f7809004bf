// SPDX-License-Identifier: Apache-2.0
/*
 * Draws in the display's memory through the files that sysfs has for it (PCI BARs).
 *
 * attack: pci_bar_draw
 * class: screen
 * when: session
 * judge: picture-write
 * devices: bochs-display
 * append: iomem=relaxed
 * defence: boot
 * why: resource0 in sysfs maps the framebuffer; lockdown refuses that, and the REE's /sys is read-only
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "pci.h"
#include "report.h"
#include "screen.h"
#include "vram.h"

static void *map(const char *path, int protection)
{
	int fd = open(path, (protection & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct stat st;
	void *address;

	if (fd < 0 || fstat(fd, &st))
		attack_failed("%s: %s", path, strerror(errno));
	address = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		attack_failed("mmap of %s: %s", path, strerror(errno));
	return address;
}

int main(void)
{
	struct pci_display display;
	void *memory, *registers;
	int ret;

	attack_init();
	ret = pci_find_display(&display);
	if (ret)
		attack_unavailable("no display with memory of its own: %s", strerror(-ret));
	attack_ready();
	memory = map(display.path, PROT_READ | PROT_WRITE);
	display.path[strlen(display.path) - 1] = '2';
	registers = map(display.path, PROT_READ);
	do
		vram_paint(memory, registers, SCREEN_MAGENTA);
	while (!attack_wait(100));
	attack_succeeded("drew in the device's memory");
}
