// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <errno.h>
#include <openssl/x509.h>
#include <string.h>

#include "../lib/file.h"
#include "maker.h"

#define CERTIFICATE_MAX	8192

/* Without the size in front that makes a TPM2B of it. */
static int take_ek(const struct tconn_bytes *file, struct tconn_blob *ret, struct tconn_error *err)
{
	size_t skip = 0;

	if (file->len > 2 && (size_t)(file->data[0] << 8 | file->data[1]) == file->len - 2)
		skip = 2;
	memcpy(ret->data, file->data + skip, file->len - skip);
	ret->len = (uint16_t)(file->len - skip);
	return tconn_ek_check(ret, err);
}

static int read_ek(const char *path, struct tconn_blob *ret, struct tconn_error *err)
{
	struct tconn_bytes file = { 0 };
	int r = tconn_file_read(path, sizeof(ret->data), &file, err);

	if (!r)
		r = take_ek(&file, ret, err);
	tconn_bytes_free(&file);
	return r ? tconn_fail_in(err, r, path) : 0;
}

int check_papers(const char *makers, const char *ek, const char *certificate, char ret[65],
		 struct tconn_error *err)
{
	struct maker_papers papers = { 0 };
	struct tconn_blob key;
	X509_STORE *store = NULL;
	int r = read_ek(ek, &key, err);

	if (!r)
		r = tconn_file_read(certificate, CERTIFICATE_MAX, &papers.certificate, err);
	if (!r)
		r = maker_load(makers, &store, err);
	if (!r)
		r = maker_check(store, &papers, &key, err);
	tconn_bytes_free(&papers.certificate);
	X509_STORE_free(store);
	return r ? r : tconn_device_id(&key, ret, err);
}
