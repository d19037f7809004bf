// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "pci.h"
#include "screen.h"

#define WIDTH	1280	/* what the screens of this kind of machine have */
#define HEIGHT	800

static int read_bar(const char *folder, struct pci_display *d)
{
	unsigned long long start = 0, end = 0, flags;
	char path[128], text[1024];

	snprintf(path, sizeof(path), "%s/resource", folder);
	if (file_read(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%llx %llx %llx", &start, &end, &flags) != 3 || !start || !(flags & 0x200))
		return -ENOENT;
	snprintf(d->path, sizeof(d->path), "%s/resource0", folder);
	d->address = start;
	d->size = (size_t)(end - start + 1);
	return 0;
}

int pci_find_display(struct pci_display *ret)
{
	struct pci_display d = { .width = WIDTH, .height = HEIGHT };
	char path[128], class[16];
	glob_t found;
	int r = -ENOENT;
	size_t i;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return -ENOENT;
	for (i = 0; r && i < found.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/class", found.gl_pathv[i]);
		if (file_read(path, class, sizeof(class)) > 0 && !strncmp(class, "0x03", 4))
			r = read_bar(found.gl_pathv[i], &d);
	}
	globfree(&found);
	if (!r)
		*ret = d;
	return r;
}

void pci_report(const void *memory, const struct pci_display *d)
{
	const size_t picture = (size_t)d->width * d->height * 4;
	size_t at;

	for (at = 0; at + picture <= d->size; at += picture)
		screen_report((const char *)memory + at, d->width * 4, d->width, d->height);
}
