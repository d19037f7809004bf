// SPDX-License-Identifier: Apache-2.0
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "../lib/label_client.h"

#define ASK_MS	120000	/* twice the longest latency_ms */

struct signing {
	const char *tcti, *boot_policy, *identity, *batch;
	const char *socket;		/* tconn-labeld's; NULL: the TPM is used here */
	struct tconn_label_source source;
	bool inside;
	const char *input_path[TCONN_LABEL_INPUTS_MAX];
	struct tconn_bytes input[TCONN_LABEL_INPUTS_MAX];
	uint8_t input_id[TCONN_LABEL_INPUTS_MAX][32];
	size_t input_count;
	char **files;
	size_t file_count;
};

static bool copy(char *to, size_t size, const char *from)
{
	return snprintf(to, size, "%s", from) < (int)size;
}

static bool add_parameter(struct tconn_label_source *s, const char *text)
{
	const char *equals = strchr(text, '=');
	struct tconn_label_parameter *p = &s->parameter[s->parameter_count];

	if (!equals || s->parameter_count == TCONN_LABEL_PARAMETERS_MAX ||
	    (size_t)(equals - text) >= sizeof(p->name) || !copy(p->value, sizeof(p->value), equals + 1))
		return false;
	memcpy(p->name, text, (size_t)(equals - text));
	s->parameter_count++;
	return true;
}

static bool take_option(struct signing *s, int o)
{
	struct tconn_label_source *source = &s->source;

	switch (o) {
	case 's':
		return copy(source->name, sizeof(source->name), optarg);
	case 'c':
		return copy(source->content_type, sizeof(source->content_type), optarg);
	case 'a':
		return copy(source->algorithm, sizeof(source->algorithm), optarg);
	case 'v':
		return copy(source->algorithm_version, sizeof(source->algorithm_version), optarg);
	case 'p':
		return add_parameter(source, optarg);
	case 'n':
		if (s->input_count == TCONN_LABEL_INPUTS_MAX)
			return false;
		s->input_path[s->input_count++] = optarg;
		return true;
	case 'i':
		s->identity = optarg;
		return true;
	case 't':
		s->tcti = optarg;
		return true;
	case 'o':
		s->boot_policy = optarg;
		return true;
	case 'b':
		s->batch = optarg;
		return true;
	case 'x':
		s->inside = true;
		return true;
	case 'k':
		s->socket = optarg;
		return true;
	}
	return false;
}

static int parse(int argc, char **argv, struct signing *s)
{
	static const struct option options[] = {
		{ "source", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 'c' },
		{ "algorithm", required_argument, NULL, 'a' },
		{ "algorithm-version", required_argument, NULL, 'v' },
		{ "parameter", required_argument, NULL, 'p' },
		{ "input", required_argument, NULL, 'n' },
		{ "identity", required_argument, NULL, 'i' },
		{ "tcti", required_argument, NULL, 't' },
		{ "boot-policy", required_argument, NULL, 'o' },
		{ "batch", required_argument, NULL, 'b' },
		{ "inside", no_argument, NULL, 'x' },
		{ "socket", required_argument, NULL, 'k' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == '?' || !take_option(s, o))
			return usage("bad option of label sign, or a value that is too long");
	s->files = argv + optind;
	s->file_count = (size_t)(argc - optind);
	if (!*s->source.name || !*s->source.content_type || !s->file_count)
		return usage("label sign --source NAME --type TYPE FILE...");
	if (s->batch && s->socket)
		return usage("tconn-labeld gives each item a label of its own: leave out --batch or --socket");
	if (s->boot_policy && s->socket)
		return usage("tconn-labeld has a boot policy of its own: leave out --boot-policy or --socket");
	if (s->batch && s->input_count)
		return usage("a batch carries no labels of inputs: leave out --batch or --input");
	return 0;
}

/* Each input's label has one item: that one it was derived from. */
static int load_inputs(struct signing *s, struct tconn_error *err)
{
	for (size_t i = 0; i < s->input_count; i++) {
		struct tconn_label *l;
		int r = tconn_file_read(s->input_path[i], TCONN_LABEL_MAX, &s->input[i], err);

		if (!r)
			r = tconn_label_decode(s->input[i].data, s->input[i].len, &l, err);
		if (r)
			return tconn_fail_in(err, r, s->input_path[i]);
		if (tconn_label_count(l) == 1)
			tconn_label_id(l, 0, s->input_id[i]);
		else
			r = tconn_fail(err, -EINVAL, "%s: an input's label is of one item, not of a batch",
				       s->input_path[i]);
		tconn_label_free(l);
		if (r)
			return r;
	}
	return 0;
}

/* Its bytes where they go into the label, else their digest. */
static int read_item(const struct signing *s, const char *file, struct tconn_bytes *ret_inside,
		     uint8_t ret_digest[32], uint64_t *ret_size, struct tconn_error *err)
{
	int fd, r;

	if (s->inside) {
		r = tconn_file_read(file, TCONN_LABEL_INLINE_MAX, ret_inside, err);
		*ret_size = ret_inside->len;
		return r;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", file, strerror(errno));
	r = tconn_label_hash_file(fd, ret_digest, ret_size, err);
	close(fd);
	return r;
}

static int add_file(const struct signing *s, struct tconn_label_batch *b, size_t index,
		    uint32_t source, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes inside = { 0 };
	struct tconn_label_clock now;
	uint8_t digest[32];
	struct tconn_label_new item = {
		.source = source, .sequence = index + 1, .inside = s->inside, .digest = digest,
		.input_count = s->input_count, .input = s->input_id,
	};
	int r = read_item(s, s->files[index], &inside, digest, &item.size, err);

	item.data = inside.data;
	tconn_label_now(&now);
	item.time_us = now.time_us;
	return r ? r : tconn_label_batch_add(b, &item, err);
}

static int write_label(const char *file, const struct tconn_bytes *label, struct tconn_error *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s.label", file) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", file);
	return tconn_file_replace(path, label, 0644, err);
}

static int write_labels(const struct signing *s, struct tconn_label_batch *b,
			struct tconn_error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < (s->batch ? 1 : s->file_count); i++) {
		struct tconn_bytes label = { 0 };

		r = s->batch ? tconn_label_batch_encode(b, &label, err) :
		    tconn_label_batch_item(b, i, s->input, s->input_count, &label, err);
		if (!r)
			r = s->batch ? tconn_file_replace(s->batch, &label, 0644, err) :
			    write_label(s->files[i], &label, err);
		tconn_bytes_free(&label);
	}
	return r;
}

static int sign_files(struct signing *s, const struct tconn_label_signer *signer,
		      struct tconn_error *err)
{
	struct tconn_label_clock clock = { .batch = 1 };
	struct tconn_label_batch *b = NULL;
	uint32_t source;
	int r;

	tconn_label_now(&clock);
	r = tconn_label_read_clock(signer->tpm, &clock, err);
	if (!r)
		r = tconn_label_new_epoch(signer->tpm, &clock.epoch, err);
	if (!r)
		r = tconn_label_batch_new(&clock, NULL, &b, err);
	if (!r)
		r = tconn_label_batch_source(b, &s->source, &source, err);
	for (size_t i = 0; !r && i < s->file_count; i++)
		r = add_file(s, b, i, source, err);
	if (!r)
		r = tconn_label_batch_sign(b, signer, err);
	if (!r)
		r = write_labels(s, b, err);
	tconn_label_batch_free(b);
	return r;
}

static int ask_for(const struct signing *s, struct tconn_label_connection *c, const char *file,
		   struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes inside = { 0 }, label = { 0 };
	uint8_t digest[32];
	struct tconn_label_wanted want = {
		.source = &s->source, .digest = digest, .inside = s->inside, .inputs = s->input,
		.input_count = s->input_count,
	};
	int r = read_item(s, file, &inside, digest, &want.size, err);

	want.data = inside.data;
	if (!r)
		r = tconn_label_get(c, &want, ASK_MS, &label, err);
	if (!r)
		r = write_label(file, &label, err);
	return r ? tconn_fail_in(err, r, file) : 0;
}

/* By tconn-labeld: this program then is a sensor's, and its policy has to list it. */
static int with_daemon(struct signing *s, struct tconn_error *err)
{
	struct tconn_label_connection *c;
	int r = load_inputs(s, err);

	if (!r)
		r = tconn_label_connect(s->socket, ASK_MS, &c, err);
	if (r)
		return r;
	for (size_t i = 0; !r && i < s->file_count; i++)
		r = ask_for(s, c, s->files[i], err);
	tconn_label_disconnect(c);
	return r;
}

static int with_signer(struct signing *s, struct tconn_error *err)
{
	struct tconn_label_signer signer;
	int r = tconn_label_signer_open(s->tcti, s->identity, &signer, err);

	if (r)
		return r;
	r = tconn_label_signer_use_boot_policy(&signer, s->boot_policy, err);
	if (!r)
		r = load_inputs(s, err);
	if (!r)
		r = sign_files(s, &signer, err);
	tconn_label_signer_close(&signer);
	return r;
}

int label_sign(const struct ctl *ctl, int argc, char **argv)
{
	struct signing *s = calloc(1, sizeof(*s));
	struct tconn_error err = { "" };
	struct json_object *obj;
	int r;

	if (!s) {
		tconn_fail(&err, -ENOMEM, "out of memory");
		return failure(ctl, -ENOMEM, &err);
	}
	s->tcti = "device:/dev/tpmrm0";
	s->identity = "/var/lib/tconn/identity";
	r = parse(argc, argv, s);
	if (!r) {
		r = s->socket ? with_daemon(s, &err) : with_signer(s, &err);
		if (!r && ctl->json) {
			obj = json_object_new_object();
			tconn_json_add(obj, "ok", json_object_new_boolean(1));
			tconn_json_add(obj, "items", json_object_new_uint64(s->file_count));
			print_json(obj);
			json_object_put(obj);
		}
		r = r ? failure(ctl, r, &err) : CTL_OK;
	}
	for (size_t i = 0; i < s->input_count; i++)
		tconn_bytes_free(&s->input[i]);
	free(s);
	return r;
}
