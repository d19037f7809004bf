// SPDX-License-Identifier: Apache-2.0
/*
 * usage: ima ENTRIES ROUNDS DIR
 *
 * Makes an IMA log of so many entries (ima-sig without signatures, as Debian's kernels
 * write), reference values that list every file, and times the checks ima-log and
 * ima-reference on them: parse, replay, comparison. Leaves DIR/log and DIR/pcrs (as evmctl
 * reads them) for others to replay. Prints JSON: CPU times a round,
 * replay_ns (ima-log alone) and policy_ns (both).
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/appraise_part.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/pcr.h"
#include "times.h"

struct made {
	uint8_t *log;
	size_t len;
	char *json;
	struct tconn_pcrs pcrs;
};

/* CPU time: the figure is about a core, whoever else wants it. */
static uint64_t cpu_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put_u32(struct made *m, size_t value)
{
	const uint8_t le[4] = { value, value >> 8, value >> 16, value >> 24 };

	memcpy(m->log + m->len, le, 4);
	m->len += 4;
}

static void put(struct made *m, const void *data, size_t len)
{
	memcpy(m->log + m->len, data, len);
	m->len += len;
}

static void add_entry(struct made *m, const char *path, const uint8_t digest[32])
{
	const size_t path_len = strlen(path) + 1, data_len = 4 + 8 + 32 + 4 + path_len + 4;
	uint8_t template_digest[32], sha1[20] = { 0 };
	const size_t sha1_at = m->len + 4;
	size_t data;

	put_u32(m, 10);
	put(m, sha1, sizeof(sha1));
	put_u32(m, 7);
	put(m, "ima-sig", 7);
	put_u32(m, data_len);
	data = m->len;
	put_u32(m, 8 + 32);
	put(m, "sha256:", 8);
	put(m, digest, 32);
	put_u32(m, path_len);
	put(m, path, path_len);
	put_u32(m, 0);
	tconn_sha256(m->log + data, data_len, template_digest);
	EVP_Digest(m->log + data, data_len, m->log + sha1_at, NULL, EVP_sha1(), NULL);
	tconn_pcr_replay(&m->pcrs, TCONN_PCR_IMA, template_digest);
}

static void make(struct made *m, unsigned int entries)
{
	uint8_t digest[32];
	char *json;

	m->log = malloc((size_t)entries * 256);
	m->json = json = malloc((size_t)entries * 160 + 512);
	if (!m->log || !json)
		exit(1);
	tconn_pcrs_reset(&m->pcrs);
	json += sprintf(json, "{\"tconn-reference-values\":1,\"name\":\"bench\",\"pcr_events\":[],"
			"\"ima_required\":true,\"tconn\":{\"required\":false},\"ima\":{");
	tconn_pcrs_digest(&m->pcrs, 0x3ff, digest);
	add_entry(m, "boot_aggregate", digest);
	for (unsigned int i = 1; i < entries; i++) {
		char path[96], hex[65];

		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%u/libsomething-%u.so", i % 97, i);
		tconn_sha256(path, strlen(path), digest);
		tconn_hex(digest, 32, hex);
		add_entry(m, path, digest);
		json += sprintf(json, "%s\"%s\":[\"%s\"]", i > 1 ? "," : "", path, hex);
	}
	sprintf(json, "}}");
}

static void write_files(const struct made *m, const char *dir)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "we");
	if (!f || fwrite(m->log, 1, m->len, f) != m->len || fclose(f))
		exit(1);
	snprintf(path, sizeof(path), "%s/pcrs", dir);
	f = fopen(path, "we");
	if (!f)
		exit(1);
	/* evmctl wants the lines to begin with PCR 0. */
	for (unsigned int i = 0; i <= TCONN_PCR_IMA; i++) {
		fprintf(f, "PCR-%02u:", i);
		for (int j = 0; j < 32; j++)
			fprintf(f, " %02X", m->pcrs.digest[i][j]);
		fprintf(f, "\n");
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	static uint64_t policy[ROUNDS_MAX], replay[ROUNDS_MAX];
	static struct tconn_evidence e;
	struct tconn_refvals *refvals;
	struct tconn_error err = { "" };
	struct made m = { 0 };
	int rounds = argc == 4 ? atoi(argv[2]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX || atoi(argv[1]) < 2)
		return 2;
	make(&m, (unsigned int)atoi(argv[1]));
	write_files(&m, argv[3]);
	if (tconn_refvals_parse(m.json, strlen(m.json), &refvals, &err)) {
		fprintf(stderr, "ima: %s\n", err.text);
		return 1;
	}
	e.ima_log = (struct tconn_bytes){ m.log, m.len };
	e.quote.pcrs = m.pcrs;
	for (int i = 0; i < rounds; i++) {
		struct tconn_appraising a = { .evidence = &e, .refvals = refvals };
		struct tconn_reason why = { .text = "" };
		uint64_t start = cpu_now_ns();

		if (!tconn_check_ima_log(&a, &why)) {
			fprintf(stderr, "ima: %s\n", why.text);
			return 1;
		}
		replay[i] = cpu_now_ns() - start;
		if (!tconn_check_ima_reference(&a, &why)) {
			fprintf(stderr, "ima: %s\n", why.text);
			return 1;
		}
		policy[i] = cpu_now_ns() - start;
	}
	printf("{");
	bench_print_times("replay_ns", replay, (unsigned int)rounds, ", ");
	bench_print_times("policy_ns", policy, (unsigned int)rounds, "}\n");
	return 0;
}
