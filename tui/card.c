// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <xf86drm.h>

#include "tui/card.h"

#define CARDS 64	/* minors a primary node may have */

int tui_card_path(size_t nth, char ret[static TUI_CARD_PATH_MAX])
{
	for (unsigned int minor = 0; minor < CARDS; minor++) {
		char path[TUI_CARD_PATH_MAX];

		snprintf(path, sizeof(path), "/dev/dri/card%u", minor);
		if (access(path, F_OK) == 0 && nth-- == 0) {
			snprintf(ret, TUI_CARD_PATH_MAX, "%s", path);
			return 0;
		}
	}
	return -ENOENT;
}

int tui_card_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* Fails where another program is master: then there is nothing to give up. */
	(void)drmDropMaster(fd);
	return fd;
}
