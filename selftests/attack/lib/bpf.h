/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in the kernel, written by hand for bpf(2). */
#ifndef ATTACK_BPF_H
#define ATTACK_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* Instructions. */
#define BPF_INSN(op, dst, src, offset, value) \
	((struct bpf_insn){ .code = (op), .dst_reg = (dst), .src_reg = (src), \
			    .off = (offset), .imm = (value) })
#define BPF_SET(dst, value)		BPF_INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define BPF_COPY(dst, src)		BPF_INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define BPF_PLUS(dst, value)		BPF_INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value)
#define BPF_LOAD(size, dst, src, offset) \
	BPF_INSN(BPF_LDX | BPF_MEM | (size), dst, src, offset, 0)
#define BPF_STORE(size, dst, src, offset) \
	BPF_INSN(BPF_STX | BPF_MEM | (size), dst, src, offset, 0)
/* Jumps over that many instructions if the condition (BPF_JNE, ...) holds. */
#define BPF_SKIP32(cond, dst, value, count) \
	BPF_INSN(BPF_JMP32 | (cond) | BPF_K, dst, 0, count, value)
#define BPF_SKIP64(cond, dst, src, count) \
	BPF_INSN(BPF_JMP | (cond) | BPF_X, dst, src, count, 0)
#define BPF_HELPER(id)			BPF_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define BPF_RETURN()			BPF_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* These two take the place of two instructions each. */
#define BPF_SET64(dst, value) \
	BPF_INSN(BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)(uint32_t)(value)), \
	BPF_INSN(0, 0, 0, 0, (int32_t)(uint32_t)((uint64_t)(value) >> 32))
#define BPF_SET_MAP(dst, fd) \
	BPF_INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd), \
	BPF_INSN(0, 0, 0, 0, 0)

/* A queue that programs push to; an fd or a negative errno. */
int bpf_queue_new(uint32_t value_size);

/* 0, or -ENOENT if it is empty. */
int bpf_queue_pop(int queue, void *ret_value);

struct bpf_program {
	enum bpf_prog_type type;
	const struct bpf_insn *insns;
	size_t count;
	enum bpf_attach_type attach;	/* with TRACING */
	uint32_t btf_id;		/* of the function, with TRACING */
};

/* An fd or a negative errno; what the verifier says becomes a note. */
int bpf_load(const struct bpf_program *program);

/* A raw tracepoint, or with NULL where a TRACING program says; an fd or a negative errno. */
int bpf_attach(int program, const char *tracepoint);

/*
 * For programs on input_event() that push {u32 code, u32 value} of key presses: all
 * that follows their attachment. Prints digits until SIGTERM. For the judge keys.
 */
__attribute__((noreturn)) void bpf_log_keys(int queue);

#endif
