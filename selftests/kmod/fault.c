// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fault.h"
#include "guest.h"

#define DEBUGFS	"/sys/kernel/debug"

/* All allocations, those that could wait included, and no stack traces of them. */
static const char * const settings[][2] = {
	{ DEBUGFS "/failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "/failslab/verbose", "0" },
	{ DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "/fail_page_alloc/ignore-gfp-highmem", "N" },
	{ DEBUGFS "/fail_page_alloc/min-order", "0" },
	{ DEBUGFS "/fail_page_alloc/verbose", "0" },
	{ DEBUGFS "/fail_usercopy/verbose", "0" },
};

int fault_open(struct fault *ret)
{
	size_t i;
	int fd;

	if (mount("debugfs", DEBUGFS, "debugfs", 0, NULL) && errno != EBUSY)
		return -errno;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int error = guest_write(settings[i][0], settings[i][1]);

		if (error)
			return error;
	}
	fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = (struct fault){ .fd = fd, .hit = true };
	return 0;
}

void fault_close(struct fault *fault)
{
	close(fault->fd);
}

bool fault_more(const struct fault *fault, unsigned int n)
{
	return fault->hit && n <= FAULT_MAX;
}

/* A round that failed nothing may fail this very write, once. */
static void put(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, (size_t)len, 0) != len && pwrite(fd, text, (size_t)len, 0) != len)
		abort();
}

void fault_arm(struct fault *fault, unsigned int n)
{
	put(fault->fd, n);
}

/* What is left is above 0 if the call was over before. Reading it may fail itself. */
void fault_disarm(struct fault *fault)
{
	char text[16] = "";
	ssize_t len = pread(fault->fd, text, sizeof(text) - 1, 0);

	fault->left = (unsigned int)strtoul(text, NULL, 10);
	fault->hit = len <= 0 || !fault->left;
	put(fault->fd, 0);
	fault->hits += fault->hit;
}

int fault_spare_pages(void)
{
	return guest_write(DEBUGFS "/fail_page_alloc/min-order", "1");
}

void fault_reset(struct fault *fault)
{
	fault->hit = true;
	fault->hits = 0;
}

int fault_arm_thread(int tid, unsigned int n)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	snprintf(text, sizeof(text), "%u", n);
	return guest_write(path, text);
}
