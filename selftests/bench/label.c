// SPDX-License-Identifier: Apache-2.0
/*
 * label_sign_share_* and label_verify_share_*: labelling items in batches, one
 * signature of a software TPM a batch, and verifying such a batch item by item, each
 * against SHA-256 over the same bytes in one go. One thread, turn by turn, CPU time.
 *
 *	label ROUNDS ITEM-BYTES ITEMS
 *
 * Prints one JSON object: the times of every round in nanoseconds, and the bytes of a
 * batch's label and of one item's that stands alone.
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/lib/digest.h"
#include "../../daemon/lib/label.h"
#include "../lib/swtpm_fixture.h"
#include "../lib/test_identity.h"
#include "times.h"

/* What a core works; the TPM's time is another's. Other processes do not disturb it. */
static uint64_t cpu_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct bench {
	size_t size, items;
	uint8_t *data;
	struct tconn_label_signer signer;
	struct tconn_label_check check;
	struct tconn_bytes label, single;
};

static uint64_t raw_round(const struct bench *b)
{
	uint64_t start = cpu_now_ns();
	uint8_t digest[32];

	tconn_sha256(b->data, b->size * b->items, digest);
	return cpu_now_ns() - start;
}

static int sign(struct bench *b, struct tconn_label_batch **ret, struct tconn_error *err)
{
	const struct tconn_label_source source = { .name = "bench", .content_type = "application/octet-stream" };
	struct tconn_label_new item = { .size = b->size };
	struct tconn_label_clock clock = { .epoch = 1, .batch = 1 };
	struct tconn_label_batch *batch;
	int r;

	tconn_label_now(&clock);
	item.time_us = clock.time_us;
	r = tconn_label_batch_new(&clock, NULL, &batch, err);
	if (r)
		return r;
	r = tconn_label_batch_source(batch, &source, &item.source, err);
	for (size_t i = 0; !r && i < b->items; i++) {
		item.sequence = i + 1;
		item.time_us += 10;
		item.data = b->data + i * b->size;
		r = tconn_label_batch_add(batch, &item, err);
	}
	if (!r)
		r = tconn_label_batch_sign(batch, &b->signer, err);
	*ret = batch;
	return r;
}

static int sign_round(struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	struct tconn_label_batch *batch = NULL;
	uint64_t start = cpu_now_ns();
	int r;

	tconn_bytes_free(&b->label);
	tconn_bytes_free(&b->single);
	start = cpu_now_ns();
	r = sign(b, &batch, err);
	if (!r)
		r = tconn_label_batch_encode(batch, &b->label, err);
	*ret_ns = cpu_now_ns() - start;
	if (!r)
		r = tconn_label_batch_item(batch, b->items / 2, NULL, 0, &b->single, err);
	tconn_label_batch_free(batch);
	return r;
}

static int verify_round(const struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	struct tconn_label_report report;
	struct tconn_label_item item;
	struct tconn_label *l = NULL;
	uint64_t start = cpu_now_ns();
	int r = tconn_label_decode(b->label.data, b->label.len, &l, err);

	if (!r)
		r = tconn_label_verify(l, &b->check, &report, err);
	for (size_t i = 0; !r && i < b->items; i++) {
		r = tconn_label_item(l, i, &item, err);
		if (!r)
			r = tconn_label_check_data(&item, b->data + i * b->size, b->size, err);
	}
	tconn_label_free(l);
	*ret_ns = cpu_now_ns() - start;
	return r;
}

static int setup(struct bench *b, struct tconn_error *err)
{
	static struct swtpm_maker maker;
	static char issuer_dir[SWTPM_PATH_MAX], dir[SWTPM_PATH_MAX], path[SWTPM_PATH_MAX + 16];
	static struct swtpm swtpm;
	struct tconn_identity id;
	struct tconn_issuer *issuer;
	uint8_t *cert;
	int r;

	swtpm_maker_start(&maker);
	swtpm_start(&maker, "bench", &swtpm);
	swtpm_temp_dir(issuer_dir);
	swtpm_temp_dir(dir);
	issuer = test_issuer(issuer_dir, "bench issuer");
	test_identity(issuer, issuer_dir, swtpm.tcti, NULL, dir, &id);
	tconn_issuer_free(issuer);
	snprintf(path, sizeof(path), "%s/data.pem", dir);
	r = tconn_certificate_load(path, &cert, &b->signer.certificate_len, err);
	b->signer.certificate = cert;
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	if (!r)
		r = tconn_trust_load(path, &b->check.trust, err);
	return r ? r : tconn_tpm_open(swtpm.tcti, &b->signer.tpm, err);
}

static int fill(struct bench *b, struct tconn_error *err)
{
	b->data = malloc(b->size * b->items);
	if (!b->data)
		return tconn_fail(err, -1, "out of memory");
	for (size_t i = 0; i < b->size * b->items; i++)
		b->data[i] = (uint8_t)(i * 2654435761u >> 24);
	return 0;
}

int main(int argc, char **argv)
{
	static uint64_t raw[ROUNDS_MAX], signing[ROUNDS_MAX], verifying[ROUNDS_MAX];
	unsigned int rounds = argc == 4 ? (unsigned int)atoi(argv[1]) : 0;
	struct tconn_error err = { .text = "" };
	struct bench b = { 0 };
	uint64_t warm_up;

	if (argc == 4) {
		b.size = strtoul(argv[2], NULL, 10);
		b.items = strtoul(argv[3], NULL, 10);
	}
	if (!rounds || rounds > ROUNDS_MAX || !b.size || !b.items || b.items > TCONN_LABEL_ITEMS_MAX) {
		fprintf(stderr, "usage: label ROUNDS(1..%d) ITEM-BYTES ITEMS(1..%d)\n", ROUNDS_MAX,
			TCONN_LABEL_ITEMS_MAX);
		return 2;
	}
	if (setup(&b, &err) || fill(&b, &err) || sign_round(&b, &warm_up, &err))
		goto failed;
	for (unsigned int i = 0; i < rounds; i++) {
		raw[i] = raw_round(&b);
		if (sign_round(&b, &signing[i], &err) || verify_round(&b, &verifying[i], &err))
			goto failed;
	}
	printf("{");
	bench_print_times("raw_ns", raw, rounds, ", ");
	bench_print_times("sign_ns", signing, rounds, ", ");
	bench_print_times("verify_ns", verifying, rounds, ", ");
	printf("\"batch_bytes\": %zu, \"single_bytes\": %zu}\n", b.label.len, b.single.len);
	return 0;
failed:
	fprintf(stderr, "label: %s\n", err.text);
	return 1;
}
