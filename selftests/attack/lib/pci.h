/* SPDX-License-Identifier: Apache-2.0 */
/* A display whose pixels are in memory of its own, seen from the PCI bus. */
#ifndef ATTACK_PCI_H
#define ATTACK_PCI_H

#include <stddef.h>
#include <stdint.h>

struct pci_display {
	char path[128];		/* its first BAR, as sysfs has it */
	uint64_t address;	/* physical */
	size_t size;		/* bytes */
	uint32_t width, height;	/* of the mode it most likely has, pixels */
};

/* The first display device with a BAR in memory; 0 or -ENOENT. */
int pci_find_display(struct pci_display *ret);

/* Prints a grid of the pixels of every picture that the memory has room for. */
void pci_report(const void *memory, const struct pci_display *display);

#endif
