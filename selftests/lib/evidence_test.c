// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/evidence.c: the wire form and qualifyingData. collect.c: world.c uses it. */
#include <errno.h>
#include <stdlib.h>
#include <kselftest_harness.h>

#include "daemon/lib/cbor_util.h"
#include "daemon/lib/evidence.h"
#include "log_build.h"

static struct tconn_error err;

static struct tconn_bytes filled(size_t len, uint8_t value)
{
	struct tconn_bytes b = { malloc(len ? len : 1), len };

	memset(b.data, value, len);
	return b;
}

static void fill_blob(struct tconn_blob *b, size_t len, uint8_t value)
{
	b->len = (uint16_t)len;
	memset(b->data, value, len);
}

static struct tconn_evidence *sample(void)
{
	static struct tconn_evidence e;

	fill_blob(&e.ak, 120, 1);
	fill_blob(&e.quote.attest, 145, 2);
	fill_blob(&e.quote.signature, 72, 3);
	e.quote.pcrs.mask = TCONN_PCR_MASK;
	for (int i = 0; i < 15; i++)
		memset(e.quote.pcrs.digest[i], i, 32);
	e.ak_cert = filled(700, 4);
	e.boot_log = filled(3000, 5);
	e.ima_log = filled(0, 6);
	e.tconn_log = filled(128, 7);
	strcpy(e.kernel, "6.1.0-test");
	return &e;
}

static bool same_bytes(const struct tconn_bytes *a, const struct tconn_bytes *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool same_blob(const struct tconn_blob *a, const struct tconn_blob *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

TEST(evidence_survives_the_round_trip)
{
	struct tconn_evidence *e = sample(), got = { 0 };
	struct tconn_bytes wire = { 0 };

	ASSERT_EQ(0, tconn_evidence_encode(e, &wire, &err)) TH_LOG("%s", err.text);
	ASSERT_EQ(0, tconn_evidence_decode(wire.data, wire.len, &got, &err)) TH_LOG("%s", err.text);
	EXPECT_TRUE(same_blob(&e->ak, &got.ak));
	EXPECT_TRUE(same_blob(&e->quote.attest, &got.quote.attest));
	EXPECT_TRUE(same_blob(&e->quote.signature, &got.quote.signature));
	EXPECT_EQ(e->quote.pcrs.mask, got.quote.pcrs.mask);
	EXPECT_EQ(0, memcmp(e->quote.pcrs.digest, got.quote.pcrs.digest, 15 * 32));
	EXPECT_TRUE(same_bytes(&e->ak_cert, &got.ak_cert));
	EXPECT_TRUE(same_bytes(&e->boot_log, &got.boot_log));
	EXPECT_TRUE(same_bytes(&e->ima_log, &got.ima_log));
	EXPECT_TRUE(same_bytes(&e->tconn_log, &got.tconn_log));
	EXPECT_STREQ(e->kernel, got.kernel);
	tconn_evidence_free(&got);
	tconn_bytes_free(&wire);
}

TEST(evidence_cut_anywhere_or_longer_is_refused)
{
	struct tconn_evidence got = { 0 };
	struct tconn_bytes wire = { 0 };

	ASSERT_EQ(0, tconn_evidence_encode(sample(), &wire, &err)) TH_LOG("%s", err.text);
	for (size_t len = 0; len < wire.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, wire.data, len);
		ASSERT_EQ(-EBADMSG, tconn_evidence_decode(copy, len, &got, &err)) TH_LOG("%zu", len);
		ASSERT_EQ(NULL, got.boot_log.data);
		free(copy);
	}
	wire.data = realloc(wire.data, wire.len + 1);
	wire.data[wire.len] = 0;
	EXPECT_EQ(-EBADMSG, tconn_evidence_decode(wire.data, wire.len + 1, &got, &err));
	tconn_bytes_free(&wire);
}

TEST(limits_hold)
{
	struct tconn_bytes wire = { 0 }, big = { calloc(1, TCONN_LOG_MAX + 1), TCONN_LOG_MAX + 1 };
	struct tconn_evidence *e = sample(), got = { 0 };

	e->ima_log = big;
	EXPECT_EQ(-EMSGSIZE, tconn_evidence_encode(e, &wire, &err));
	EXPECT_NE(NULL, strstr(err.text, "IMA log")) TH_LOG("%s", err.text);
	e->ima_log.len--;
	ASSERT_EQ(0, tconn_evidence_encode(e, &wire, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(0, tconn_evidence_decode(wire.data, wire.len, &got, &err)) TH_LOG("%s", err.text);
	tconn_evidence_free(&got);
	tconn_bytes_free(&wire);
	e->boot_log = e->ima_log;
	e->tconn_log = e->ima_log;
	EXPECT_EQ(-EMSGSIZE, tconn_evidence_encode(e, &wire, &err));
	EXPECT_NE(NULL, strstr(err.text, "logs are too long")) TH_LOG("%s", err.text);
	e = sample();
	e->quote.pcrs.mask |= 1u << 16;
	EXPECT_EQ(-EINVAL, tconn_evidence_encode(e, &wire, &err));
	EXPECT_EQ(-EMSGSIZE, tconn_evidence_decode(big.data, TCONN_EVIDENCE_MAX + 1, &got, &err));
	free(big.data);
}

/* One log of a byte over the limit, as a peer without limits would send it. */
TEST(a_log_over_the_limit_is_refused_by_the_reader)
{
	struct tconn_evidence *e = sample(), got = { 0 };
	struct tconn_bytes wire = { 0 }, longer;
	uint8_t *at;
	size_t head;

	e->boot_log = filled(TCONN_LOG_MAX, 0xbb);
	ASSERT_EQ(0, tconn_evidence_encode(e, &wire, &err)) TH_LOG("%s", err.text);
	at = memmem(wire.data, wire.len, "\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb", 8);
	ASSERT_NE(NULL, at);
	head = (size_t)(at - wire.data);
	longer = filled(wire.len + 1, 0xbb);
	memcpy(longer.data, wire.data, head);
	memcpy(longer.data + head + TCONN_LOG_MAX + 1, at + TCONN_LOG_MAX,
	       wire.len - head - TCONN_LOG_MAX);
	longer.data[head - 1]++;
	EXPECT_EQ(-EMSGSIZE, tconn_evidence_decode(longer.data, longer.len, &got, &err));
	EXPECT_NE(NULL, strstr(err.text, "firmware log")) TH_LOG("%s", err.text);
	tconn_bytes_free(&longer);
	tconn_bytes_free(&wire);
}

static int decode_with_pcrs(void (*put)(struct tconn_cbor_writer *w))
{
	struct tconn_cbor_writer w = { 0 };
	struct tconn_evidence got = { 0 };
	struct tconn_bytes wire = { 0 };
	int error;

	tconn_cbor_put_map(&w, 12);
	tconn_cbor_put_uint(&w, 0);
	tconn_cbor_put_uint(&w, 1);
	for (uint64_t key = 1; key < 5; key++) {
		tconn_cbor_put_uint(&w, key);
		tconn_cbor_put_bytes(&w, "x", 1);
	}
	tconn_cbor_put_uint(&w, 5);
	put(&w);
	for (uint64_t key = 6; key < 9; key++) {
		tconn_cbor_put_uint(&w, key);
		tconn_cbor_put_bytes(&w, "x", 1);
	}
	tconn_cbor_put_uint(&w, 9);
	tconn_cbor_put_text(&w, "6.1", 3);
	tconn_cbor_put_uint(&w, 10);
	tconn_cbor_put_uint(&w, 0);
	tconn_cbor_put_uint(&w, 11);
	tconn_cbor_put_map(&w, 0);
	error = tconn_cbor_finish(&w, &wire, &err);
	if (!error)
		error = tconn_evidence_decode(wire.data, wire.len, &got, &err);
	tconn_evidence_free(&got);
	tconn_bytes_free(&wire);
	return error;
}

static void put_pcr(struct tconn_cbor_writer *w, uint64_t pcr, size_t len)
{
	uint8_t digest[64] = { 0 };

	tconn_cbor_put_uint(w, pcr);
	tconn_cbor_put_bytes(w, digest, len);
}

static void put_good(struct tconn_cbor_writer *w)
{
	tconn_cbor_put_map(w, 2);
	put_pcr(w, 3, 32);
	put_pcr(w, 14, 32);
}

static void put_pcr_15(struct tconn_cbor_writer *w)
{
	tconn_cbor_put_map(w, 1);
	put_pcr(w, 15, 32);
}

static void put_twice(struct tconn_cbor_writer *w)
{
	tconn_cbor_put_map(w, 2);
	put_pcr(w, 3, 32);
	put_pcr(w, 3, 32);
}

static void put_sha1(struct tconn_cbor_writer *w)
{
	tconn_cbor_put_map(w, 1);
	put_pcr(w, 3, 20);
}

static void put_huge(struct tconn_cbor_writer *w)
{
	tconn_cbor_put_map(w, SIZE_MAX);
}

TEST(pcr_values_are_checked)
{
	EXPECT_EQ(0, decode_with_pcrs(put_good)) TH_LOG("%s", err.text);
	EXPECT_EQ(-EBADMSG, decode_with_pcrs(put_pcr_15));
	EXPECT_NE(NULL, strstr(err.text, "evidence: PCR values")) TH_LOG("%s", err.text);
	EXPECT_EQ(-EBADMSG, decode_with_pcrs(put_twice));
	EXPECT_EQ(-EBADMSG, decode_with_pcrs(put_sha1));
	EXPECT_EQ(-EMSGSIZE, decode_with_pcrs(put_huge));
}

/* PROTOCOL.md's sum, with EVP and by hand. */
TEST(qualifying_data_is_the_protocols)
{
	struct tconn_binding b = { .role = TCONN_ROLE_DEVICE };
	uint8_t buf[14 + 1 + 5 * 32], want[32], got[32], extra[32];

	memcpy(buf, "tconn-attest-1D", 15);
	for (size_t i = 0; i < 5 * 32; i++)
		buf[15 + i] = (uint8_t)i;
	memcpy(b.nonce, buf + 15, 32);
	memcpy(b.exporter, buf + 47, 32);
	memcpy(b.own_leaf, buf + 79, 32);
	memcpy(b.peer_leaf, buf + 111, 32);
	memcpy(extra, buf + 143, 32);
	log_sha256(buf, 15 + 4 * 32, want);
	tconn_qualifying(&b, NULL, got);
	EXPECT_EQ(0, memcmp(want, got, 32));
	log_sha256(buf, sizeof(buf), want);
	tconn_qualifying(&b, extra, got);
	EXPECT_EQ(0, memcmp(want, got, 32));
	b.role = TCONN_ROLE_SERVICE;
	tconn_qualifying(&b, extra, got);
	EXPECT_NE(0, memcmp(want, got, 32));
}

TEST_HARNESS_MAIN
