// SPDX-License-Identifier: Apache-2.0
#include "seal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chain.h"
#include "label_time.h"

#define VERSION	1
#define AHEAD_S	300		/* clocks differ */
#define PIECE	(256u << 10)	/* bytes of a file at a time */

enum key { KEY_VERSION, KEY_HASH, KEY_TIME, KEY_FILES, KEY_COUNT };

static size_t hash_of(enum tconn_cose_alg alg)
{
	return alg == TCONN_COSE_ES384 ? 48 : alg == TCONN_COSE_ES512 ? 64 : 0;
}

static const EVP_MD *md_of(size_t hash)
{
	return hash == 48 ? EVP_sha384() : EVP_sha512();
}

int tconn_seal_hash_for(EVP_PKEY *key, size_t *ret, struct tconn_error *err)
{
	enum tconn_cose_alg alg;
	int r = tconn_cose_alg_of(key, &alg, err);

	if (!r && !hash_of(alg))
		return tconn_fail(err, -EINVAL, "a seal's key is on P-384 or P-521: P-256 is no stronger than the labels'");
	if (!r)
		*ret = hash_of(alg);
	return r;
}

static int hash_all(int fd, EVP_MD_CTX *ctx, uint8_t *piece, uint64_t *ret_size)
{
	uint64_t size = 0;
	ssize_t n;

	while ((n = read(fd, piece, PIECE))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!EVP_DigestUpdate(ctx, piece, (size_t)n))
			return -EIO;
		size += (uint64_t)n;
	}
	*ret_size = size;
	return 0;
}

int tconn_seal_hash_file(int fd, size_t hash, struct tconn_seal_file *ret, struct tconn_error *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *piece = malloc(PIECE);
	uint64_t size = 0;
	int r = ctx && piece && EVP_DigestInit_ex(ctx, md_of(hash), NULL) ? 0 : -ENOMEM;

	if (!r)
		r = hash_all(fd, ctx, piece, &size);
	if (!r && !EVP_DigestFinal_ex(ctx, ret->digest, NULL))
		r = -EIO;
	ret->size = size;
	free(piece);
	EVP_MD_CTX_free(ctx);
	return r ? tconn_fail(err, r, "%s: %s", ret->name, strerror(-r)) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct tconn_seal_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* After sorting, or as it was read. */
static int check_names(const struct tconn_seal *s, int code, struct tconn_error *err)
{
	if (!s->count)
		return tconn_fail(err, code, "no files");
	for (size_t i = 0; i < s->count; i++) {
		const char *name = s->file[i].name;

		if (!*name || strchr(name, '/'))
			return tconn_fail(err, code, "file %zu: \"%s\" is no file's own name", i + 1, name);
		if (i && compare(&s->file[i - 1], &s->file[i]) >= 0)
			return tconn_fail(err, code, "file %s: repeated, or not in order", name);
	}
	return 0;
}

static int encode_payload(const struct tconn_seal *s, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, KEY_COUNT);
	tconn_cbor_put_uint(&w, KEY_VERSION);
	tconn_cbor_put_uint(&w, VERSION);
	tconn_cbor_put_uint(&w, KEY_HASH);
	tconn_cbor_put_uint(&w, s->hash);
	tconn_cbor_put_uint(&w, KEY_TIME);
	tconn_cbor_put_uint(&w, s->time);
	tconn_cbor_put_uint(&w, KEY_FILES);
	tconn_cbor_put_array(&w, s->count);
	for (size_t i = 0; i < s->count; i++) {
		tconn_cbor_put_array(&w, 3);
		tconn_cbor_put_text(&w, s->file[i].name, sizeof(s->file[i].name));
		tconn_cbor_put_uint(&w, s->file[i].size);
		tconn_cbor_put_bytes(&w, s->file[i].digest, s->hash);
	}
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_seal_sign(struct tconn_seal *s, EVP_PKEY *key, const uint8_t *cert, size_t cert_len,
		    struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes header = { 0 }, payload = { 0 };
	enum tconn_cose_alg alg;
	struct tconn_cose c = { 0 };
	int r = tconn_seal_hash_for(key, &s->hash, err);

	if (r)
		return r;
	qsort(s->file, s->count, sizeof(*s->file), compare);
	r = check_names(s, -EINVAL, err);
	if (!r)
		r = tconn_cose_alg_of(key, &alg, err);
	if (!r)
		r = tconn_cose_write_header(alg, TCONN_SEAL_TYPE, cert, cert_len, &header, err);
	if (!r)
		r = encode_payload(s, &payload, err);
	if (r)
		return r;
	c.protected = header.data;
	c.protected_len = header.len;
	c.payload = payload.data;
	c.payload_len = payload.len;
	r = tconn_cose_sign_with(&c, key, err);
	/* A certificate of another key would make what nobody can verify. */
	if (!r)
		r = tconn_cose_verify(&c, alg, cert, cert_len, err);
	return r ? r : tconn_cose_encode(&c, TCONN_SEAL_MAX, ret, err);
}

static int read_header(struct tconn_seal *s, enum tconn_cose_alg *ret_alg, struct tconn_error *err)
{
	struct tconn_cose_header h;
	int error = tconn_cose_read_header(&s->cose, &h, err);

	if (error)
		return error;
	if (strcmp(h.type, TCONN_SEAL_TYPE))
		return tconn_fail(err, -EBADMSG, "is a %s, no seal", h.type);
	if (h.alg != TCONN_COSE_ES384 && h.alg != TCONN_COSE_ES512)
		return tconn_fail(err, -EBADMSG, "signed with another algorithm than ES384 or ES512");
	s->certificate = h.cert;
	s->certificate_len = h.cert_len;
	*ret_alg = (enum tconn_cose_alg)h.alg;
	return 0;
}

static int read_file(struct tconn_cbor *r, size_t hash, struct tconn_seal_file *ret,
		     struct tconn_error *err)
{
	size_t count = 0;
	int error = tconn_cbor_array(r, 3, &count, err);

	if (!error && count != 3)
		return tconn_fail(err, -EBADMSG, "a file has name, size and digest");
	if (!error)
		error = tconn_cbor_string(r, ret->name, sizeof(ret->name), err);
	if (!error)
		error = tconn_cbor_uint(r, INT64_MAX, &ret->size, err);
	return error ? error : tconn_cbor_fixed(r, ret->digest, hash, err);
}

static int read_files(struct tconn_cbor *r, struct tconn_seal *s, struct tconn_error *err)
{
	size_t count = 0;
	int error = tconn_cbor_array(r, TCONN_SEAL_FILES_MAX, &count, err);

	if (error)
		return error;
	if (count > (size_t)(r->end - r->at))
		return tconn_fail(err, -EBADMSG, "more files than bytes");
	s->file = calloc(count ? count : 1, sizeof(*s->file));
	if (!s->file)
		return tconn_fail(err, -ENOMEM, "out of memory");
	s->count = count;
	for (size_t i = 0; !error && i < count; i++)
		error = read_file(r, s->hash, &s->file[i], err);
	return error ? error : check_names(s, -EBADMSG, err);
}

static int read_payload(struct tconn_seal *s, enum tconn_cose_alg alg, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(s->cose.payload, s->cose.payload_len);
	struct tconn_cbor_map map;
	uint64_t version = 0, hash = 0;
	int error = tconn_cbor_map(&r, KEY_COUNT, &map, err);

	if (!error)
		error = tconn_cbor_expect_key(&r, &map, KEY_VERSION, err);
	if (!error)
		error = tconn_cbor_uint(&r, UINT32_MAX, &version, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, KEY_HASH, err);
	if (!error)
		error = tconn_cbor_uint(&r, TCONN_SEAL_HASH_MAX, &hash, err);
	if (!error && (version != VERSION || hash != hash_of(alg)))
		return tconn_fail(err, -EBADMSG, "another version, or another hash than the signature's");
	s->hash = hash;
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, KEY_TIME, err);
	if (!error)
		error = tconn_cbor_uint(&r, INT64_MAX / 1000000, &s->time, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, KEY_FILES, err);
	if (!error)
		error = read_files(&r, s, err);
	return error ? error : tconn_cbor_end(&r, err);
}

int tconn_seal_decode(const uint8_t *buf, size_t len, struct tconn_seal *ret,
		      struct tconn_error *err)
{
	enum tconn_cose_alg alg = TCONN_COSE_ES512;
	int r = len > TCONN_SEAL_MAX ?
		tconn_fail(err, -EMSGSIZE, "%zu bytes are over the limit of %d", len, TCONN_SEAL_MAX) :
		tconn_bytes_copy(&ret->raw, buf, len, err);

	if (!r)
		r = tconn_cose_decode(ret->raw.data, ret->raw.len, &ret->cose, err);
	if (!r && (ret->cose.detached || ret->cose.unprotected_len != 1))
		r = tconn_fail(err, -EBADMSG, "no payload, or an unprotected header");
	if (!r)
		r = read_header(ret, &alg, err);
	if (!r)
		r = read_payload(ret, alg, err);
	return r ? tconn_fail_in(err, r, "seal") : 0;
}

void tconn_seal_free(struct tconn_seal *s)
{
	tconn_bytes_free(&s->raw);
	free(s->file);
	*s = (struct tconn_seal){ 0 };
}

static int check_time(const struct tconn_seal *s, const struct tconn_seal_check *check,
		      struct tconn_seal_report *report, struct tconn_error *err)
{
	int r;

	report->sealed_at = s->time;
	if (s->time > check->now + AHEAD_S)
		return tconn_fail(err, -EKEYREJECTED, "it says that it is from the future");
	if (!check->timestamp)
		return 0;
	r = tconn_stamp_verify(check->timestamp, check->timestamp_len, s->cose.signature,
			       s->cose.signature_len, check->tsa_trust, check->now,
			       &report->sealed_at, err);
	if (!r && s->time > report->sealed_at + AHEAD_S)
		return tconn_fail(err, -EKEYREJECTED, "it says that it is younger than its time-stamp");
	report->time_proven = !r;
	return r;
}

static int check_certificate(const struct tconn_seal *s, const struct tconn_seal_check *check,
			     struct tconn_seal_report *report, struct tconn_error *err)
{
	X509 *cert = tconn_chain_parse(s->certificate, s->certificate_len);
	int r = cert ? tconn_chain_verify(cert, NULL, check->trust,
					  report->time_proven ? report->sealed_at : check->now,
					  NULL, err) :
		tconn_fail(err, -EBADMSG, "the certificate is malformed");

	if (!r)
		X509_NAME_oneline(X509_get_subject_name(cert), report->who, sizeof(report->who));
	X509_free(cert);
	return r;
}

int tconn_seal_verify(const struct tconn_seal *s, const struct tconn_seal_check *check,
		      struct tconn_seal_report *ret, struct tconn_error *err)
{
	const enum tconn_cose_alg alg = s->hash == 48 ? TCONN_COSE_ES384 : TCONN_COSE_ES512;
	struct tconn_seal_report report = { 0 };
	int r = tconn_cose_verify(&s->cose, alg, s->certificate, s->certificate_len, err);

	if (!r)
		r = check_time(s, check, &report, err);
	if (!r)
		r = check_certificate(s, check, &report, err);
	if (r)
		return tconn_fail_in(err, r, "seal");
	*ret = report;
	return 0;
}

const struct tconn_seal_file *tconn_seal_find(const struct tconn_seal *s, const char *name)
{
	struct tconn_seal_file want;

	if (snprintf(want.name, sizeof(want.name), "%s", name) >= (int)sizeof(want.name))
		return NULL;
	return bsearch(&want, s->file, s->count, sizeof(want), compare);
}
