// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../lib/cbor_util.h"

#define PATH_SIZE	4096
#define KERNEL		"simulated by tconn-swarm"

static int device_path(const char *dir, unsigned int number, const char *end, char ret[PATH_SIZE],
		       struct tconn_error *err)
{
	if (snprintf(ret, PATH_SIZE, "%s/devices/%05u.pem%s", dir, number + 1, end) >= PATH_SIZE)
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	return 0;
}

bool device_exists(const char *dir, unsigned int number)
{
	char path[PATH_SIZE];

	return !device_path(dir, number, "", path, NULL) && !access(path, F_OK);
}

static bool write_key(FILE *f, EVP_PKEY *key)
{
	return PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool write_certificate(FILE *f, const struct tconn_bytes *der)
{
	const uint8_t *at = der->data;
	X509 *cert = d2i_X509(NULL, &at, (long)der->len);
	bool good = cert && PEM_write_X509(f, cert) == 1;

	X509_free(cert);
	return good;
}

/* What device_load() reads comes first. */
static bool write_all(FILE *f, const struct soft_tpm *t, const struct device_papers *p)
{
	return write_key(f, t->ak) && write_key(f, t->tls) && write_certificate(f, &p->ak) &&
	       write_certificate(f, &p->tls) && write_key(f, t->ek) && write_key(f, t->data) &&
	       write_certificate(f, &p->data);
}

int device_save(const char *dir, unsigned int number, const struct soft_tpm *tpm,
		const struct device_papers *papers, struct tconn_error *err)
{
	char path[PATH_SIZE], new[PATH_SIZE];
	bool good;
	FILE *f;
	int fd, r;

	r = device_path(dir, number, "", path, err);
	if (!r)
		r = device_path(dir, number, ".new", new, err);
	if (r)
		return r;
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return tconn_fail(err, -errno, "%s: %s", new, strerror(errno));
	good = write_all(f, tpm, papers);
	good = !fclose(f) && good;
	if (good && !rename(new, path))
		return 0;
	unlink(new);
	ERR_clear_error();
	return tconn_fail(err, -EIO, "%s: cannot be written", path);
}

static bool read_certificate(FILE *f, struct tconn_bytes *ret)
{
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	uint8_t *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : 0;

	X509_free(cert);
	if (len <= 0)
		return false;
	ret->data = der;
	ret->len = (size_t)len;
	return true;
}

static bool read_all(FILE *f, struct device *d)
{
	d->tpm.ak = PEM_read_PrivateKey(f, NULL, NULL, "");
	d->tpm.tls = d->tpm.ak ? PEM_read_PrivateKey(f, NULL, NULL, "") : NULL;
	return d->tpm.tls && read_certificate(f, &d->ak_cert) && read_certificate(f, &d->tls_cert);
}

int device_load(const char *dir, unsigned int number, struct device *ret, struct tconn_error *err)
{
	struct device d = { 0 };
	char path[PATH_SIZE];
	bool good;
	FILE *f;
	int r = device_path(dir, number, "", path, err);

	if (r)
		return r;
	f = fopen(path, "re");
	if (!f)
		return tconn_fail(err, -errno, "%s: %s; `tconn-swarm enrol` makes it", path,
				  strerror(errno));
	good = read_all(f, &d);
	fclose(f);
	ERR_clear_error();
	if (!good) {
		device_free(&d);
		return tconn_fail(err, -EBADMSG, "%s: is no device of a swarm", path);
	}
	*ret = d;
	return 0;
}

void device_free(struct device *d)
{
	tconn_channel_close(d->channel);
	soft_tpm_free(&d->tpm);
	tconn_bytes_free(&d->ak_cert);
	tconn_bytes_free(&d->tls_cert);
	memset(d, 0, sizeof(*d));
}

int device_collect(void *device, const uint8_t qualifying[32], struct tconn_evidence *ret,
		   struct tconn_error *err)
{
	const struct device *d = device;
	__attribute__((cleanup(tconn_evidence_free))) struct tconn_evidence e = { .kernel = KERNEL };
	int r = soft_tpm_public(&d->tpm, TCONN_KEY_AK, &e.ak, err);

	if (!r)
		r = tconn_bytes_copy(&e.ak_cert, d->ak_cert.data, d->ak_cert.len, err);
	if (!r)
		r = soft_tpm_quote(&d->tpm, &d->logs->pcrs, qualifying, &e.quote, err);
	if (!r)
		r = logs_fill(d->logs, &e, err);
	if (r)
		return tconn_fail_in(err, r, "evidence");
	*ret = e;
	e = (struct tconn_evidence){ 0 };
	return 0;
}
