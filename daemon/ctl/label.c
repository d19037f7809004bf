// SPDX-License-Identifier: Apache-2.0
#include "label.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/digest.h"
#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "../lib/label_time.h"
#include "../lib/seal.h"

int label_load(const char *path, struct tconn_label **ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	int r = tconn_file_read(path, TCONN_LABEL_MAX, &b, err);

	return r ? r : tconn_label_decode(b.data, b.len, ret, err);
}

const char *label_time_text(uint64_t us, char ret[LABEL_TIME_TEXT])
{
	time_t at = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	if (!gmtime_r(&at, &tm))
		return "out of range";
	n = strftime(ret, LABEL_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + n, LABEL_TIME_TEXT - n, ".%06uZ", (unsigned int)(us % 1000000));
	return ret;
}

static void add_source(struct json_object *obj, const struct tconn_label_source *s)
{
	struct json_object *parameters = json_object_new_object();

	tconn_json_add_string(obj, "source", s->name);
	tconn_json_add_string(obj, "content_type", s->content_type);
	tconn_json_add_string(obj, "algorithm", s->algorithm);
	tconn_json_add_string(obj, "algorithm_version", s->algorithm_version);
	tconn_json_add_string(obj, "program", s->program);
	for (size_t i = 0; i < s->parameter_count; i++)
		tconn_json_add_string(parameters, s->parameter[i].name, s->parameter[i].value);
	tconn_json_add(obj, "parameters", parameters);
}

struct json_object *label_item_json(const struct tconn_label *l, size_t index)
{
	struct json_object *obj = json_object_new_object(), *inputs = json_object_new_array();
	char time[LABEL_TIME_TEXT], hex[65];
	struct tconn_label_item item;
	uint8_t id[32];

	if (tconn_label_item(l, index, &item, NULL)) {
		json_object_put(inputs);
		return obj;
	}
	tconn_label_id(l, index, id);
	tconn_hex(id, sizeof(id), hex);
	tconn_json_add_string(obj, "id", hex);
	add_source(obj, tconn_label_source(l, item.source));
	tconn_json_add(obj, "sequence", json_object_new_uint64(item.sequence));
	tconn_json_add_string(obj, "time", label_time_text(item.time_us, time));
	tconn_json_add(obj, "size", json_object_new_uint64(item.size));
	tconn_json_add(obj, "inside", json_object_new_boolean(item.inside));
	for (size_t i = 0; i < item.input_count; i++) {
		tconn_hex(item.input[i], 32, hex);
		json_object_array_add(inputs, json_object_new_string(hex));
	}
	tconn_json_add(obj, "inputs", inputs);
	return obj;
}

void label_print_item(const struct tconn_label *l, size_t index, int indent)
{
	const struct tconn_label_source *s;
	struct tconn_label_item item;
	char time[LABEL_TIME_TEXT], hex[65];
	uint8_t id[32];

	if (tconn_label_item(l, index, &item, NULL))
		return;
	s = tconn_label_source(l, item.source);
	tconn_label_id(l, index, id);
	tconn_hex(id, sizeof(id), hex);
	print("%*s%s #%" PRIu64 "  %s  %s, %" PRIu64 " bytes%s  id %.16s", indent, "", s->name,
	      item.sequence, label_time_text(item.time_us, time), s->content_type, item.size,
	      item.inside ? " inside" : "", hex);
	if (*s->algorithm)
		print("%*s  algorithm: %s %s", indent, "", s->algorithm, s->algorithm_version);
	if (*s->program)
		print("%*s  program: %s", indent, "", s->program);
	for (size_t i = 0; i < s->parameter_count; i++)
		print("%*s  %s: %s", indent, "", s->parameter[i].name, s->parameter[i].value);
}

int label_refused(const struct ctl *ctl, int code, const struct tconn_error *err)
{
	const char *fault = tconn_label_fault(code);
	struct json_object *obj;

	if (!strcmp(fault, "failed"))
		return failure(ctl, code, err);
	if (ctl->json) {
		obj = tconn_jsonline_error(code, err);
		tconn_json_add_string(obj, "fault", fault);
		print_json(obj);
		json_object_put(obj);
	} else {
		fprintf(stderr, "tconnctl: refused (%s): %s\n", fault, err->text);
	}
	return CTL_REFUSED;
}

static void print_head(const struct tconn_label *l)
{
	const struct tconn_label_clock *c = tconn_label_clock(l);
	const struct tconn_label_environment *e = tconn_label_environment(l);
	char time[LABEL_TIME_TEXT], hex[65];

	print("time: %s, %s, uncertain by %u us", label_time_text(c->time_us, time),
	      c->synchronised ? "synchronised" : "not synchronised", c->uncertainty_us);
	print("counter: epoch %" PRIu64 ", batch %" PRIu64 "; TPM clock %" PRIu64
	      " ms, %u resets, %u restarts%s", c->epoch, c->batch, c->tpm_clock_ms, c->reset_count,
	      c->restart_count, c->safe ? "" : ", not safe");
	if (!e->present)
		return;
	tconn_hex(e->evidence, 32, hex);
	print("environment: kernel %s, evidence %s", e->kernel, hex);
}

/* Of what an item was derived, as far as the label carries it. */
static int print_tree(const struct tconn_label *l, int depth, struct tconn_error *err)
{
	const uint8_t *buf;
	size_t len;

	for (size_t i = 0; i < tconn_label_count(l); i++)
		label_print_item(l, i, 4 * depth);
	for (size_t i = 0; i < tconn_label_input_count(l); i++) {
		struct tconn_label *input;
		int r = depth + 1 < TCONN_LABEL_DEPTH_MAX ? 0 :
			tconn_fail(err, -EMSGSIZE, "labels within labels, too deep");

		tconn_label_input(l, i, &buf, &len);
		if (!r)
			r = tconn_label_decode(buf, len, &input, err);
		if (r)
			return r;
		r = print_tree(input, depth + 1, err);
		tconn_label_free(input);
		if (r)
			return r;
	}
	return 0;
}

static void show_json(const struct tconn_label *l)
{
	const struct tconn_label_clock *c = tconn_label_clock(l);
	struct json_object *obj = json_object_new_object(), *items = json_object_new_array();

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "epoch", json_object_new_uint64(c->epoch));
	tconn_json_add(obj, "batch", json_object_new_uint64(c->batch));
	tconn_json_add(obj, "tpm_clock_ms", json_object_new_uint64(c->tpm_clock_ms));
	tconn_json_add(obj, "synchronised", json_object_new_boolean(c->synchronised));
	tconn_json_add(obj, "uncertainty_us", json_object_new_uint64(c->uncertainty_us));
	for (size_t i = 0; i < tconn_label_count(l); i++)
		json_object_array_add(items, label_item_json(l, i));
	tconn_json_add(obj, "items", items);
	print_json(obj);
	json_object_put(obj);
}

static int label_show(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = { { "tree", no_argument, NULL, 't' }, { 0 } };
	struct tconn_error err = { "" };
	struct tconn_label *l;
	bool tree = false;
	int o, r;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o != 't')
			return usage("bad option of label show");
		tree = true;
	}
	if (argc - optind != 1)
		return usage("label show [--tree] LABEL");
	r = label_load(argv[optind], &l, &err);
	if (r)
		return label_refused(ctl, r, &err);
	if (ctl->json) {
		show_json(l);
	} else {
		print("what the label says; nothing of it was verified");
		print_head(l);
		r = tree ? print_tree(l, 0, &err) : 0;
		for (size_t i = 0; !tree && i < tconn_label_count(l); i++)
			label_print_item(l, i, 0);
	}
	tconn_label_free(l);
	return r ? label_refused(ctl, r, &err) : CTL_OK;
}

/* Of a label, or of a seal. */
static int stamp_query(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	__attribute__((cleanup(tconn_seal_free))) struct tconn_seal seal = { 0 };
	struct tconn_label *l;
	int r = tconn_file_read(path, TCONN_LABEL_MAX, &b, err);

	if (r)
		return r;
	if (!tconn_seal_decode(b.data, b.len, &seal, NULL))
		return tconn_stamp_query(seal.cose.signature, seal.cose.signature_len, ret, err);
	r = tconn_label_decode(b.data, b.len, &l, err);
	if (r)
		return r;
	r = tconn_label_stamp_query(l, ret, err);
	tconn_label_free(l);
	return r;
}

static int label_stamp(const struct ctl *ctl, int argc, char **argv)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes query = { 0 };
	struct tconn_error err = { "" };
	int r;

	if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-')
		return usage("label stamp LABEL|SEAL QUERY");
	r = stamp_query(argv[1], &query, &err);
	if (r)
		return label_refused(ctl, r, &err);
	r = tconn_file_replace(argv[2], &query, 0644, &err);
	return r ? failure(ctl, r, &err) : CTL_OK;
}

int command_label(const struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct ctl *ctl, int argc, char **argv);
	} parts[] = {
		{ "sign", label_sign },
		{ "verify", label_verify },
		{ "show", label_show },
		{ "stamp", label_stamp },
		{ "seal", label_seal },
		{ "verify-seal", label_verify_seal },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strcmp(argv[1], parts[i].name))
			return parts[i].run(ctl, argc - 1, argv + 1);
	return usage("label sign, verify, show, stamp, seal or verify-seal");
}
