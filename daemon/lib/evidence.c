// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cbor_util.h"
#include "digest.h"
#include "evidence.h"

#define EVIDENCE_VERSION	1
#define CERTIFICATE_MAX		8192

enum evidence_key {
	KEY_VERSION,
	KEY_AK,
	KEY_AK_CERT,
	KEY_ATTEST,
	KEY_SIGNATURE,
	KEY_PCRS,
	KEY_BOOT_LOG,
	KEY_IMA_LOG,
	KEY_TCONN_LOG,
	KEY_KERNEL,
	KEY_IMA_BASE,
	KEY_SYSTEM,
	KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
	"version", "AK", "AK certificate", "quote", "signature", "PCR values",
	"firmware log", "IMA log", "module log", "kernel release", "IMA log's start",
	"settings",
};

void tconn_evidence_free(struct tconn_evidence *e)
{
	tconn_bytes_free(&e->ak_cert);
	tconn_bytes_free(&e->boot_log);
	tconn_bytes_free(&e->ima_log);
	tconn_bytes_free(&e->tconn_log);
}

static void put_pcrs(struct tconn_cbor_writer *w, const struct tconn_pcrs *p)
{
	tconn_cbor_put_map(w, (size_t)__builtin_popcount(p->mask));
	for (unsigned int i = 0; i < TCONN_PCR_COUNT; i++) {
		if (!(p->mask & 1u << i))
			continue;
		tconn_cbor_put_uint(w, i);
		tconn_cbor_put_bytes(w, p->digest[i], 32);
	}
}

/* Those that are known. */
static void put_system(struct tconn_cbor_writer *w, const struct tconn_system *s)
{
	size_t count = 0;

	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++)
		count += s->fact[f][0] != '\0';
	tconn_cbor_put_map(w, count);
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++) {
		if (!s->fact[f][0])
			continue;
		tconn_cbor_put_uint(w, f);
		tconn_cbor_put_text(w, s->fact[f], sizeof(s->fact[f]) - 1);
	}
}

static void put_item(struct tconn_cbor_writer *w, uint64_t key, const void *data, size_t len)
{
	tconn_cbor_put_uint(w, key);
	tconn_cbor_put_bytes(w, data, len);
}

/* The encoder keeps the decoder's limits: better an error here than a refusal there. */
static int check_sizes(const struct tconn_evidence *e, struct tconn_error *err)
{
	const struct {
		size_t len, max;
		int key;
	} sizes[] = {
		{ e->ak.len, TCONN_TPM_BUF, KEY_AK },
		{ e->ak_cert.len, CERTIFICATE_MAX, KEY_AK_CERT },
		{ e->quote.attest.len, TCONN_TPM_BUF, KEY_ATTEST },
		{ e->quote.signature.len, TCONN_TPM_BUF, KEY_SIGNATURE },
		{ e->boot_log.len, TCONN_LOG_MAX, KEY_BOOT_LOG },
		{ e->ima_log.len, TCONN_LOG_MAX, KEY_IMA_LOG },
		{ e->tconn_log.len, TCONN_LOG_MAX, KEY_TCONN_LOG },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].len > sizes[i].max)
			return tconn_fail(err, -EMSGSIZE, "evidence: %s has %zu bytes, over the limit of %zu",
					  key_names[sizes[i].key], sizes[i].len, sizes[i].max);
	}
	if (e->quote.pcrs.mask & ~TCONN_PCR_MASK)
		return tconn_fail(err, -EINVAL, "evidence: PCR values beyond 0..14");
	return 0;
}

int tconn_evidence_encode(const struct tconn_evidence *e, struct tconn_bytes *ret,
			  struct tconn_error *err)
{
	__attribute__((cleanup(tconn_cbor_discard))) struct tconn_cbor_writer w = { 0 };
	int error = check_sizes(e, err);

	if (error)
		return error;
	tconn_cbor_put_map(&w, KEY_COUNT);
	tconn_cbor_put_uint(&w, KEY_VERSION);
	tconn_cbor_put_uint(&w, EVIDENCE_VERSION);
	put_item(&w, KEY_AK, e->ak.data, e->ak.len);
	put_item(&w, KEY_AK_CERT, e->ak_cert.data, e->ak_cert.len);
	put_item(&w, KEY_ATTEST, e->quote.attest.data, e->quote.attest.len);
	put_item(&w, KEY_SIGNATURE, e->quote.signature.data, e->quote.signature.len);
	tconn_cbor_put_uint(&w, KEY_PCRS);
	put_pcrs(&w, &e->quote.pcrs);
	put_item(&w, KEY_BOOT_LOG, e->boot_log.data, e->boot_log.len);
	put_item(&w, KEY_IMA_LOG, e->ima_log.data, e->ima_log.len);
	put_item(&w, KEY_TCONN_LOG, e->tconn_log.data, e->tconn_log.len);
	tconn_cbor_put_uint(&w, KEY_KERNEL);
	tconn_cbor_put_text(&w, e->kernel, sizeof(e->kernel) - 1);
	tconn_cbor_put_uint(&w, KEY_IMA_BASE);
	tconn_cbor_put_uint(&w, e->ima_base);
	tconn_cbor_put_uint(&w, KEY_SYSTEM);
	put_system(&w, &e->system);
	if (w.len > TCONN_EVIDENCE_MAX)
		return tconn_fail(err, -EMSGSIZE, "evidence of %zu bytes is over the limit of %u: the logs are too long",
				  w.len, TCONN_EVIDENCE_MAX);
	return tconn_cbor_finish(&w, ret, err);
}

static int get_version(struct tconn_cbor *r, struct tconn_error *err)
{
	uint64_t version;
	int error = tconn_cbor_uint(r, UINT32_MAX, &version, err);

	if (!error && version != EVIDENCE_VERSION)
		return tconn_fail(err, -EPROTONOSUPPORT, "%" PRIu64 ", not %d", version,
				  EVIDENCE_VERSION);
	return error;
}

static int get_blob(struct tconn_cbor *r, struct tconn_blob *ret, struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;
	int error = tconn_cbor_bytes(r, TCONN_TPM_BUF, &data, &len, err);

	if (error)
		return error;
	if (!len)
		return tconn_fail(err, -EBADMSG, "is empty");
	memcpy(ret->data, data, len);
	ret->len = (uint16_t)len;
	return 0;
}

static int get_bytes(struct tconn_cbor *r, size_t max, struct tconn_bytes *ret,
		     struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;
	int error = tconn_cbor_bytes(r, max, &data, &len, err);

	return error ? error : tconn_bytes_copy(ret, data, len, err);
}

static int get_pcrs(struct tconn_cbor *r, struct tconn_pcrs *ret, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(r, TCONN_PCR_COUNT, &map, err);

	while (!error && map.left) {
		uint64_t pcr;

		error = tconn_cbor_key(r, &map, 14, &pcr, err);
		if (!error)
			error = tconn_cbor_fixed(r, ret->digest[pcr], 32, err);
		if (!error)
			ret->mask |= 1u << pcr;
	}
	return error;
}

static int get_system(struct tconn_cbor *r, struct tconn_system *ret, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(r, TCONN_FACT_COUNT, &map, err);

	while (!error && map.left) {
		uint64_t fact;

		error = tconn_cbor_key(r, &map, TCONN_FACT_COUNT - 1, &fact, err);
		if (!error)
			error = tconn_cbor_string(r, ret->fact[fact], sizeof(ret->fact[fact]), err);
		if (!error && !ret->fact[fact][0])
			return tconn_fail(err, -EBADMSG, "a setting is empty");
	}
	return error;
}

static int get_item(struct tconn_cbor *r, uint64_t key, struct tconn_evidence *e,
		    struct tconn_error *err)
{
	switch (key) {
	case KEY_VERSION:
		return get_version(r, err);
	case KEY_AK:
		return get_blob(r, &e->ak, err);
	case KEY_AK_CERT:
		return get_bytes(r, CERTIFICATE_MAX, &e->ak_cert, err);
	case KEY_ATTEST:
		return get_blob(r, &e->quote.attest, err);
	case KEY_SIGNATURE:
		return get_blob(r, &e->quote.signature, err);
	case KEY_PCRS:
		return get_pcrs(r, &e->quote.pcrs, err);
	case KEY_BOOT_LOG:
		return get_bytes(r, TCONN_LOG_MAX, &e->boot_log, err);
	case KEY_IMA_LOG:
		return get_bytes(r, TCONN_LOG_MAX, &e->ima_log, err);
	case KEY_TCONN_LOG:
		return get_bytes(r, TCONN_LOG_MAX, &e->tconn_log, err);
	case KEY_IMA_BASE:
		return tconn_cbor_uint(r, INT64_MAX, &e->ima_base, err);
	case KEY_SYSTEM:
		return get_system(r, &e->system, err);
	default:
		return tconn_cbor_string(r, e->kernel, sizeof(e->kernel), err);
	}
}

/* All keys are there and ascend, so they are 0, 1, 2, ... */
static int get_items(struct tconn_cbor *r, struct tconn_evidence *e, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(r, KEY_COUNT, &map, err);

	if (error)
		return error;
	if (map.left != KEY_COUNT)
		return tconn_fail(err, -EBADMSG, "%" PRIu64 " items, not %d", map.left, KEY_COUNT);
	for (int i = 0; i < KEY_COUNT; i++) {
		uint64_t key;

		error = tconn_cbor_key(r, &map, KEY_COUNT - 1, &key, err);
		if (error)
			return error;
		error = get_item(r, key, e, err);
		if (error)
			return tconn_fail_in(err, error, key_names[key]);
	}
	return tconn_cbor_end(r, err);
}

int tconn_evidence_decode(const uint8_t *buf, size_t len, struct tconn_evidence *ret,
			  struct tconn_error *err)
{
	__attribute__((cleanup(tconn_evidence_free))) struct tconn_evidence e = { 0 };
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	int error;

	if (len > TCONN_EVIDENCE_MAX)
		return tconn_fail(err, -EMSGSIZE, "evidence of %zu bytes is over the limit of %u",
				  len, TCONN_EVIDENCE_MAX);
	error = get_items(&r, &e, err);
	if (error)
		return tconn_fail_in(err, error, "evidence");
	*ret = e;
	e = (struct tconn_evidence){ 0 };
	return 0;
}

void tconn_qualifying(const struct tconn_binding *b, const uint8_t extra[32], uint8_t ret[32])
{
	static const char label[] = "tconn-attest-1";
	const uint8_t role = (uint8_t)b->role;
	const struct tconn_piece pieces[] = {
		{ label, sizeof(label) - 1 }, { &role, 1 }, { b->nonce, 32 }, { b->exporter, 32 },
		{ b->own_leaf, 32 }, { b->peer_leaf, 32 }, { extra, extra ? 32 : 0 },
	};

	tconn_sha256_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), ret);
}
