// SPDX-License-Identifier: Apache-2.0
#include "evidence_files.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tss2/tss2_tpm2_types.h>

#include "digest.h"

#define PATH_BYTES	4096
#define PCRS		15	/* TCONN_PCR_MASK */

static int read_file(const char *path, size_t max, struct tconn_bytes *ret,
		     struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	struct tconn_bytes b = { 0 };
	struct stat st;
	int r = 0;

	if (!f || fstat(fileno(f), &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max)
		r = -EFBIG;
	if (r == 0) {
		b.data = malloc((size_t)st.st_size + 1);
		r = b.data ? 0 : -ENOMEM;
	}
	if (r == 0)
		b.len = fread(b.data, 1, (size_t)st.st_size, f);
	if (f)
		fclose(f);
	if (r < 0) {
		free(b.data);
		return tconn_fail(err, r, "%s: %s", path, strerror(-r));
	}
	*ret = b;
	return 0;
}

/* The whole log in the place of its end. */
static int complete(const char *path, struct tconn_evidence *e, struct tconn_error *err)
{
	struct tconn_bytes *end = &e->ima_log, whole = { 0 };
	char ima[PATH_BYTES];
	size_t stem = strlen(path);
	int r;

	if (stem < 5 || strcmp(path + stem - 5, ".cbor") || stem >= sizeof(ima))
		return tconn_fail(err, -EINVAL, "%s: is not named NAME.cbor, and holds a part of the IMA log only",
				  path);
	snprintf(ima, sizeof(ima), "%.*s.ima", (int)stem - 5, path);
	r = read_file(ima, (size_t)1 << 30, &whole, err);
	if (r < 0)
		return r;
	if (whole.len < e->ima_base + end->len ||
	    (end->len && memcmp(whole.data + e->ima_base, end->data, end->len))) {
		tconn_bytes_free(&whole);
		return tconn_fail(err, -EBADMSG, "%s: is not the log of which %s has the end", ima,
				  path);
	}
	whole.len = e->ima_base + end->len;
	tconn_bytes_free(end);
	*end = whole;
	e->ima_base = 0;
	return 0;
}

int tconn_evidence_load(const char *path, struct tconn_evidence *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes encoded = { 0 };
	struct tconn_evidence e = { 0 };
	int r = read_file(path, TCONN_EVIDENCE_MAX, &encoded, err);

	if (r == 0)
		r = tconn_evidence_decode(encoded.data, encoded.len, &e, err);
	if (r < 0)
		return r;
	if (e.ima_base)
		r = complete(path, &e, err);
	if (r < 0) {
		tconn_evidence_free(&e);
		return r;
	}
	*ret = e;
	return 0;
}

struct folder {
	const char *dir;
	int error;		/* of the first failure; what follows is not tried */
	struct tconn_error *err;
};

static FILE *create(struct folder *f, const char *name)
{
	char path[PATH_BYTES];
	FILE *file;

	if (f->error)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "we");
	if (!file)
		f->error = tconn_fail(f->err, -errno, "%s: %s", path, strerror(errno));
	return file;
}

static void finish(struct folder *f, FILE *file, bool good, const char *name)
{
	if (file && fclose(file))
		good = false;
	if (file && !good)
		f->error = tconn_fail(f->err, -EIO, "%s/%s: cannot be written", f->dir, name);
}

static void put(struct folder *f, const char *name, const void *data, size_t len)
{
	FILE *file = create(f, name);

	finish(f, file, file && fwrite(data, 1, len, file) == len, name);
}

static void put_key(struct folder *f, const struct tconn_blob *ak)
{
	FILE *file = create(f, "ak.pem");
	EVP_PKEY *key = NULL;
	bool good = file && tconn_public_to_pkey(ak, &key, f->err) == 0 &&
		    PEM_write_PUBKEY(file, key) == 1;

	EVP_PKEY_free(key);
	finish(f, file, good, "ak.pem");
}

/* tpm2_quote(1): TPML_PCR_SELECTION, a count, so many TPML_DIGEST of eight; all as they lie
 * in memory, little-endian. (The bare values that it reads too may be eight at most.)
 */
static void put_pcrs(struct folder *f, const struct tconn_pcrs *p)
{
	struct {
		TPML_PCR_SELECTION selection;
		uint32_t lists;
		TPML_DIGEST list[(PCRS + 7) / 8];
	} all = { .lists = (PCRS + 7) / 8 };
	TPMS_PCR_SELECTION *s = &all.selection.pcrSelections[0];

	_Static_assert(sizeof(all) == sizeof(all.selection) + 4 + sizeof(all.list), "no holes");
	all.selection.count = 1;
	s->hash = TPM2_ALG_SHA256;
	s->sizeofSelect = 3;
	for (unsigned int i = 0; i < PCRS; i++) {
		TPML_DIGEST *list = &all.list[i / 8];

		s->pcrSelect[i / 8] |= (uint8_t)(1u << i % 8);
		list->digests[i % 8].size = 32;
		memcpy(list->digests[i % 8].buffer, p->digest[i], 32);
		list->count = i % 8 + 1;
	}
	put(f, "quote.pcrs", &all, sizeof(all));
}

static void put_pcr_text(struct folder *f, const struct tconn_pcrs *p)
{
	FILE *file = create(f, "pcrs.txt");

	for (unsigned int i = 0; file && i < PCRS; i++) {
		fprintf(file, "PCR-%02u:", i);
		for (int j = 0; j < 32; j++)
			fprintf(file, " %02X", p->digest[i][j]);
		fprintf(file, "\n");
	}
	finish(f, file, file && !ferror(file), "pcrs.txt");
}

static void put_qualification(struct folder *f, const struct tconn_quote *q)
{
	uint8_t qualifying[32];
	char hex[66];

	if (f->error)
		return;
	f->error = tconn_quote_qualifying(&q->attest, qualifying, f->err);
	if (f->error)
		return;
	tconn_hex(qualifying, 32, hex);
	put(f, "qualification", strcat(hex, "\n"), 65);
}

int tconn_evidence_export(const struct tconn_evidence *e, const char *dir, struct tconn_error *err)
{
	struct folder f = { .dir = dir, .err = err };

	if (strlen(dir) + 32 > PATH_BYTES)
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path too long", dir);
	if (e->ima_base)
		return tconn_fail(err, -EINVAL, "the evidence holds a part of the IMA log only");
	if (mkdir(dir, 0700) && errno != EEXIST)
		return tconn_fail(err, -errno, "%s: %s", dir, strerror(errno));
	put_key(&f, &e->ak);
	put(&f, "quote.msg", e->quote.attest.data, e->quote.attest.len);
	put(&f, "quote.sig", e->quote.signature.data, e->quote.signature.len);
	put_pcrs(&f, &e->quote.pcrs);
	put_qualification(&f, &e->quote);
	put(&f, "boot.log", e->boot_log.data, e->boot_log.len);
	put(&f, "ima.log", e->ima_log.data, e->ima_log.len);
	put(&f, "tconn.log", e->tconn_log.data, e->tconn_log.len);
	put_pcr_text(&f, &e->quote.pcrs);
	return f.error;
}
