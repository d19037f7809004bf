// SPDX-License-Identifier: Apache-2.0
/*
 * receipt_verify: a receipt of a confirmation on 1280x800, verified as tconnctl does:
 * two signatures, two chains, and the picture drawn again; against the two ECDSA
 * verifications alone. One thread, turn by turn.
 *
 *	receipt ROUNDS
 *
 * Prints one JSON object: the times of every round in nanoseconds, and the receipt's
 * bytes. Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../daemon/lib/frame.h"
#include "../../daemon/lib/half.h"
#include "../../daemon/lib/receipt.h"
#include "../../tui/statement.h"
#include "../lib/swtpm_fixture.h"
#include "../lib/test_identity.h"
#include "times.h"

struct party {
	struct swtpm swtpm;
	char dir[SWTPM_PATH_MAX];
	struct tconn_identity id;
	struct tconn_tpm *tpm;
	struct tconn_bytes cert;
};

struct bench {
	struct party device, service;
	struct x509_store_st *trust;
	struct tconn_receipt receipt;
	struct tconn_bytes cose;
	uint8_t statement[TCONN_STATEMENT_MAX];
};

static int party(struct party *p, const struct swtpm_maker *maker, const struct tconn_issuer *issuer,
		 const char *issuer_dir, const char *name, struct tconn_error *err)
{
	char path[SWTPM_PATH_MAX + 16];
	int r;

	swtpm_start(maker, name ? name : "device", &p->swtpm);
	swtpm_temp_dir(p->dir);
	test_identity(issuer, issuer_dir, p->swtpm.tcti, name, p->dir, &p->id);
	snprintf(path, sizeof(path), "%s/data.pem", p->dir);
	r = tconn_certificate_load(path, &p->cert.data, &p->cert.len, err);
	return r ? r : tconn_tpm_open(p->swtpm.tcti, &p->tpm, err);
}

static int people(struct bench *b, struct tconn_error *err)
{
	static struct swtpm_maker maker;
	char issuer_dir[SWTPM_PATH_MAX], path[SWTPM_PATH_MAX + 16];
	struct tconn_issuer *issuer;
	int r;

	swtpm_maker_start(&maker);
	swtpm_temp_dir(issuer_dir);
	issuer = test_issuer(issuer_dir, "bench issuer");
	r = party(&b->device, &maker, issuer, issuer_dir, NULL, err);
	if (!r)
		r = party(&b->service, &maker, issuer, issuer_dir, "bench.example", err);
	tconn_issuer_free(issuer);
	snprintf(path, sizeof(path), "%s/ca.pem", b->device.dir);
	return r ? r : tconn_trust_load(path, &b->trust, err);
}

static int make_receipt(struct bench *b, struct tconn_error *err)
{
	static const char text[] = "Pay 120.00 EUR to ACME Ltd?";
	const struct tconn_statement s = {
		.kind = TCONN_KIND_CONFIRM, .text = text, .text_len = sizeof(text) - 1,
	};
	struct tconn_receipt *r = &b->receipt;
	struct tconn_half half = { .nonce = r->nonce };
	int error;

	r->statement.data = b->statement;
	r->statement.len = (size_t)tconn_statement_encode(&s, b->statement, sizeof(b->statement));
	r->time = (uint64_t)time(NULL);
	strcpy(r->device, b->device.id.name);
	strcpy(r->service, b->service.id.name);
	r->record = (struct tconn_record){
		.kind = TCONN_KIND_CONFIRM, .outcome = TCONN_OUTCOME_CONFIRMED, .width = 1280,
		.height = 800, .attested = { 0, 104, 1280, 696 }, .picture = { 1 },
	};
	error = tconn_frame_digest(r->statement.data, r->statement.len, &r->record,
				   r->record.frame_digest, err);
	/* As many checks, and as long, as an answer has. */
	r->verdict.trusted = true;
	for (int i = 0; i < 24; i++)
		tconn_verdict_add(&r->verdict, "record-indicator", true,
				  "made by the module whose key the log has");
	half.statement = r->statement;
	half.record = (struct tconn_bytes){ (uint8_t *)&r->record, sizeof(r->record) };
	if (!error)
		error = tconn_half_sign(&half, b->device.tpm, &r->signature, err);
	r->signer = b->device.cert;
	return error ? error : tconn_receipt_sign(r, b->service.tpm, b->service.cert.data,
						  b->service.cert.len, &b->cose, err);
}

static int verify_round(struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	uint64_t start = bench_now_ns();
	struct tconn_receipt got = { 0 };
	int r = tconn_receipt_verify(b->cose.data, b->cose.len, b->trust, &got, err);

	if (!r)
		r = tconn_frame_check(got.statement.data, got.statement.len, &got.record, err);
	tconn_receipt_free(&got);
	*ret_ns = bench_now_ns() - start;
	return r;
}

/* The device's signature twice. */
static int ecdsa_round(struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	const struct tconn_receipt *t = &b->receipt;
	const struct tconn_half half = {
		.nonce = t->nonce, .statement = t->statement,
		.record = { (uint8_t *)&t->record, sizeof(t->record) },
	};
	uint64_t start = bench_now_ns();
	uint8_t digest[32];
	int r = 0;

	tconn_half_digest(&half, digest);
	for (int i = 0; !r && i < 2; i++)
		r = tconn_certificate_verify_digest(t->signer.data, t->signer.len, digest,
						    t->signature.data, t->signature.len, err);
	*ret_ns = bench_now_ns() - start;
	return r;
}

int main(int argc, char **argv)
{
	static uint64_t verifying[ROUNDS_MAX], ecdsa[ROUNDS_MAX];
	unsigned int rounds = argc == 2 ? (unsigned int)atoi(argv[1]) : 0;
	struct tconn_error err = { .text = "" };
	static struct bench b;

	if (!rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: receipt ROUNDS(1..%d)\n", ROUNDS_MAX);
		return 2;
	}
	if (people(&b, &err) || make_receipt(&b, &err) || verify_round(&b, &verifying[0], &err))
		goto failed;
	for (unsigned int i = 0; i < rounds; i++)
		if (ecdsa_round(&b, &ecdsa[i], &err) || verify_round(&b, &verifying[i], &err))
			goto failed;
	printf("{");
	bench_print_times("ecdsa_ns", ecdsa, rounds, ", ");
	bench_print_times("verify_ns", verifying, rounds, ", ");
	printf("\"receipt_bytes\": %zu}\n", b.cose.len);
	return 0;
failed:
	fprintf(stderr, "receipt: %s\n", err.text);
	return 1;
}
