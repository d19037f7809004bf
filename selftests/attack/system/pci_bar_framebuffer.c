// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the display's memory through the file that sysfs has for it (a PCI BAR).
 *
 * attack: pci_bar_framebuffer
 * class: system
 * when: session
 * judge: picture-read
 * devices: bochs-display
 * append: iomem=relaxed
 * defence: boot
 * why: resource0 in sysfs maps the framebuffer; lockdown refuses that
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "report.h"

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
	fd = open(display.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		attack_failed("%s: %s", display.path, strerror(errno));
	map = mmap(NULL, display.size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		attack_failed("mmap: %s", strerror(errno));
	while (!attack_wait(1000))
		;
	pci_report(map, &display);
	attack_succeeded("read %s", display.path);
}
