// SPDX-License-Identifier: Apache-2.0
#include "log_build.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALG_SHA1	0x0004
#define ALG_SHA256	0x000b

static void put(struct log_entry *e, const void *data, size_t len)
{
	if (len > sizeof(e->bytes) - e->len) {
		printf("Bail out! log_build: entry of over %d bytes\n", LOG_ENTRY_MAX);
		exit(1);
	}
	if (len)
		memcpy(e->bytes + e->len, data, len);
	e->len += len;
}

static void put_le(struct log_entry *e, uint64_t value, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	put(e, bytes, len);
}

static void put_counted(struct log_entry *e, const void *data, size_t len)
{
	put_le(e, len, 4);
	put(e, data, len);
}

static struct log_entry *next(struct log *log, bool extended, uint32_t pcr)
{
	struct log_entry *e = &log->entry[log->count];

	if (log->count == LOG_ENTRIES_MAX) {
		printf("Bail out! log_build: over %d entries\n", LOG_ENTRIES_MAX);
		exit(1);
	}
	log->count++;
	memset(e, 0, sizeof(*e));
	e->extended = extended;
	e->pcr = pcr;
	return e;
}

void log_sha256(const void *data, size_t len, uint8_t ret[32])
{
	EVP_Digest(data, len, ret, NULL, EVP_sha256(), NULL);
}

static void log_sha1(const void *data, size_t len, uint8_t ret[20])
{
	EVP_Digest(data, len, ret, NULL, EVP_sha1(), NULL);
}

void log_remove(struct log *log, size_t index)
{
	log->count--;
	memmove(&log->entry[index], &log->entry[index + 1],
		(log->count - index) * sizeof(log->entry[0]));
}

void log_swap(struct log *log, size_t a, size_t b)
{
	struct log_entry kept = log->entry[a];

	log->entry[a] = log->entry[b];
	log->entry[b] = kept;
}

void log_join(const struct log *log, struct tconn_bytes *ret)
{
	struct tconn_bytes b = { malloc(log->count * LOG_ENTRY_MAX + 1), 0 };

	for (size_t i = 0; i < log->count; i++) {
		memcpy(b.data + b.len, log->entry[i].bytes, log->entry[i].len);
		b.len += log->entry[i].len;
	}
	free(ret->data);
	*ret = b;
}

int log_extend(const struct log *log, struct tconn_tpm *tpm, struct tconn_error *err)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct log_entry *e = &log->entry[i];
		int error = e->extended ? tconn_tpm_pcr_extend(tpm, e->pcr, e->digest, err) : 0;

		if (error)
			return error;
	}
	return 0;
}

void log_boot_begin(struct log *log)
{
	struct log_entry *e = next(log, false, 0);
	uint8_t no_digest[20] = { 0 };

	put_le(e, 0, 4);
	put_le(e, EV_NO_ACTION, 4);
	put(e, no_digest, sizeof(no_digest));
	put_le(e, 16 + 8 + 4 + 2 * 4 + 1, 4);
	put(e, "Spec ID Event03", 16);
	put_le(e, 0, 4);		/* platform class: client */
	put(e, "\0\2\0\2", 4);		/* version 2.0, errata 0, 64-bit UINTN */
	put_le(e, 2, 4);
	put_le(e, ALG_SHA1, 2);
	put_le(e, 20, 2);
	put_le(e, ALG_SHA256, 2);
	put_le(e, 32, 2);
	put_le(e, 0, 1);		/* no vendor information */
}

void log_boot_add(struct log *log, uint32_t pcr, uint32_t type, const void *data, size_t len)
{
	struct log_entry *e = next(log, type != EV_NO_ACTION, pcr);
	uint8_t sha1[20] = { 0 };

	if (e->extended) {
		log_sha1(data, len, sha1);
		log_sha256(data, len, e->digest);
	}
	put_le(e, pcr, 4);
	put_le(e, type, 4);
	put_le(e, 2, 4);
	put_le(e, ALG_SHA1, 2);
	put(e, sha1, sizeof(sha1));
	put_le(e, ALG_SHA256, 2);
	put(e, e->digest, 32);
	put_counted(e, data, len);
}

/* Template data: every field with its length. */
static void ima_data(struct log_entry *data, const char *template, const char *path,
		     const char *alg, const uint8_t *digest, size_t digest_len,
		     const void *content, size_t len)
{
	char prefix[32];
	int prefix_len = snprintf(prefix, sizeof(prefix), "%s:", alg) + 1;

	memset(data, 0, sizeof(*data));
	put_le(data, (size_t)prefix_len + digest_len, 4);
	put(data, prefix, (size_t)prefix_len);
	put(data, digest, digest_len);
	put_counted(data, path, strlen(path) + 1);
	if (!strcmp(template, "ima-sig"))
		put_le(data, 0, 4);
	if (!strcmp(template, "ima-buf"))
		put_counted(data, content, len);
}

static void ima_entry(struct log *log, const char *template, const struct log_entry *data,
		      bool violation)
{
	struct log_entry *e = next(log, true, 10);
	uint8_t sha1[20] = { 0 };

	memset(e->digest, 0xff, sizeof(e->digest));
	if (!violation) {
		log_sha1(data->bytes, data->len, sha1);
		log_sha256(data->bytes, data->len, e->digest);
	}
	put_le(e, 10, 4);
	put(e, sha1, sizeof(sha1));
	put_counted(e, template, strlen(template));
	put_counted(e, data->bytes, data->len);
}

void log_ima_add(struct log *log, const char *template, const char *path, const void *content,
		 size_t len)
{
	struct log_entry data;
	uint8_t digest[32];

	log_sha256(content, len, digest);
	ima_data(&data, template, path, "sha256", digest, 32, content, len);
	ima_entry(log, template, &data, false);
}

void log_ima_violation(struct log *log, const char *path)
{
	struct log_entry data;
	uint8_t none[32] = { 0 };

	ima_data(&data, "ima-ng", path, "sha256", none, 32, NULL, 0);
	ima_entry(log, "ima-ng", &data, true);
}

void log_ima_add_digest(struct log *log, const char *template, const char *path, const char *alg,
			const uint8_t *digest, size_t digest_len)
{
	struct log_entry data;

	ima_data(&data, template, path, alg, digest, digest_len, NULL, 0);
	ima_entry(log, template, &data, false);
}

void log_tconn_add(struct log *log, uint32_t pcr, uint32_t type, const void *data, size_t len)
{
	struct log_entry *e = next(log, true, pcr);
	struct log_entry hashed = { .len = 0 };

	put_le(&hashed, type, 4);
	put_counted(&hashed, data, len);
	log_sha256(hashed.bytes, hashed.len, e->digest);
	put_le(e, pcr, 4);
	put_le(e, type, 4);
	put(e, e->digest, 32);
	put_counted(e, data, len);
}
