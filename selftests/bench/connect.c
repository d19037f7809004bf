// SPDX-License-Identifier: Apache-2.0
/*
 * connect_vs_tls, in the device's guest: a full attested mutual connection (TCP,
 * TLS 1.3, service's evidence appraised, own evidence given, verdict received)
 * against a bare mutual TLS 1.3 handshake with the same TPM keys to the same
 * service, turn by turn.
 *
 *	connect ROUNDS ADDRESS SERVICE IDENTITY-DIR TRUST.pem REFERENCE
 *
 * Prints one JSON object with the times of every round in nanoseconds.
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/lib/attest.h"
#include "times.h"

struct bench {
	const char *address;
	SSL_CTX *tls;
	struct tconn_party party;
	struct tconn_identity service;
};

static int bare_round(const struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	struct tconn_channel *channel = NULL;
	uint64_t start = bench_now_ns();
	int r = tconn_channel_connect(b->tls, b->address, &channel, err);

	*ret_ns = bench_now_ns() - start;
	tconn_channel_close(channel);
	return r;
}

static int attested_round(const struct bench *b, uint64_t *ret_ns, struct tconn_error *err)
{
	struct tconn_attestation *a = calloc(1, sizeof(*a));
	struct tconn_channel *channel = NULL;
	uint64_t start = bench_now_ns();
	int r;

	if (!a)
		return tconn_fail(err, -1, "out of memory");
	r = tconn_channel_connect(b->tls, b->address, &channel, err);
	if (!r)
		r = tconn_attest_device(channel, &b->party, &b->service, a, err);
	*ret_ns = bench_now_ns() - start;
	tconn_channel_close(channel);
	free(a);
	return r;
}

static int setup(struct bench *b, char **argv, struct tconn_error *err)
{
	struct tconn_refset *refset;
	int r;

	b->address = argv[2];
	b->service.role = TCONN_ROLE_SERVICE;
	snprintf(b->service.name, sizeof(b->service.name), "%s", argv[3]);
	b->party.sources.identity_dir = argv[4];
	b->party.message_ms = TCONN_MESSAGE_MS;
	r = tconn_tpm_open("device:/dev/tpmrm0", &b->party.tpm, err);
	if (!r)
		r = tconn_trust_load(argv[5], &b->party.trust, err);
	if (!r)
		r = tconn_refset_load(argv[6], NULL, &refset, err);
	if (r)
		return r;
	b->party.refset = refset;
	return tconn_tls_context(b->party.tpm, argv[4], b->party.trust, false, &b->tls, err);
}

int main(int argc, char **argv)
{
	static uint64_t attested[ROUNDS_MAX], bare[ROUNDS_MAX];
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	struct tconn_error err = { .text = "" };
	struct bench b = { 0 };
	uint64_t warm_up;

	if (argc != 7 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: connect ROUNDS(1..%d) ADDRESS SERVICE IDENTITY-DIR TRUST.pem REFERENCE\n",
			ROUNDS_MAX);
		return 2;
	}
	if (setup(&b, argv, &err) || bare_round(&b, &warm_up, &err))
		goto failed;
	for (unsigned int i = 0; i < rounds; i++)
		if (attested_round(&b, &attested[i], &err) || bare_round(&b, &bare[i], &err))
			goto failed;
	printf("{");
	bench_print_times("attested_ns", attested, rounds, ", ");
	bench_print_times("bare_ns", bare, rounds, "}\n");
	SSL_CTX_free(b.tls);
	X509_STORE_free(b.party.trust);
	tconn_refset_free((struct tconn_refset *)b.party.refset);
	tconn_tpm_close(b.party.tpm);
	return 0;
failed:
	fprintf(stderr, "connect: %s\n", err.text);
	return 1;
}
