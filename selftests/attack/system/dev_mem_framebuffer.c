// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the display's memory through /dev/mem.
 *
 * attack: dev_mem_framebuffer
 * class: system
 * when: session
 * judge: picture-read
 * devices: bochs-display
 * append: iomem=relaxed
 * defence: boot
 * why: /dev/mem maps the framebuffer's addresses; lockdown shuts it, and the REE has no such node
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "report.h"
#include "screen.h"

int main(void)
{
	struct pci_display display;
	void *map;
	int fd, ret;

	attack_init();
	ret = pci_find_display(&display);
	if (ret)
		attack_unavailable("no display with memory of its own: %s", strerror(-ret));
	attack_ready();
	fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		attack_failed("/dev/mem: %s", strerror(errno));
	map = mmap(NULL, display.size, PROT_READ, MAP_SHARED, fd, (off_t)display.address);
	if (map == MAP_FAILED)
		attack_failed("mmap: %s", strerror(errno));
	while (!attack_wait(1000))
		;
	pci_report(map, &display);
	attack_succeeded("read %zu bytes at %#llx", (size_t)display.size,
			 (unsigned long long)display.address);
}
