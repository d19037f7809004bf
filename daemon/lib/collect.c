// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "evidence.h"

#define SECURITYFS	"/sys/kernel/security"
#define BOOT_LOG	SECURITYFS "/tpm0/binary_bios_measurements"
#define IMA_LOG		SECURITYFS "/ima/binary_runtime_measurements"
#define TCONN_LOG	SECURITYFS "/tconn/log"
#define CHUNK		65536u

static bool grow(struct tconn_bytes *b, size_t *size)
{
	uint8_t *data;

	if (*size - b->len >= CHUNK)
		return true;
	data = realloc(b->data, 2 * *size + CHUNK);
	if (!data)
		return false;
	b->data = data;
	*size = 2 * *size + CHUNK;
	return true;
}

/* Files in securityfs have no size: read to the end. */
static int read_fd(int fd, struct tconn_bytes *b, struct tconn_error *err)
{
	size_t size = 0;

	for (;;) {
		ssize_t n;

		if (!grow(b, &size))
			return tconn_fail(err, -ENOMEM, "out of memory");
		n = read(fd, b->data + b->len, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tconn_fail(err, -errno, "%s", strerror(errno));
		if (!n)
			return 0;
		b->len += (size_t)n;
		if (b->len > TCONN_LOG_MAX)
			return tconn_fail(err, -EFBIG, "over the limit of %u bytes: reboot",
					  TCONN_LOG_MAX);
	}
}

static int read_log(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct tconn_bytes b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	error = read_fd(fd, &b, err);
	close(fd);
	if (error) {
		tconn_bytes_free(&b);
		return tconn_fail_in(err, error, path);
	}
	*ret = b;
	return 0;
}

static int read_certificate(const struct tconn_sources *src, struct tconn_bytes *ret,
			    struct tconn_error *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/ak.pem", src->identity_dir) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", src->identity_dir);
	return tconn_certificate_load(path, &ret->data, &ret->len, err);
}

static int read_logs(const struct tconn_sources *src, struct tconn_evidence *e,
		     struct tconn_error *err)
{
	int error = read_log(src->boot_log ? src->boot_log : BOOT_LOG, &e->boot_log, err);

	if (!error)
		error = read_log(src->ima_log ? src->ima_log : IMA_LOG, &e->ima_log, err);
	/* Last: it then has every event that the IMA log repeats. */
	if (!error)
		error = read_log(src->tconn_log ? src->tconn_log : TCONN_LOG, &e->tconn_log, err);
	return error;
}

static void read_kernel(struct tconn_evidence *e)
{
	struct utsname name;

	if (!uname(&name))
		snprintf(e->kernel, sizeof(e->kernel), "%s", name.release);
}

int tconn_evidence_cut(struct tconn_evidence *e, const struct tconn_held *held,
		       struct tconn_error *err)
{
	uint32_t reset, restart;
	int error = tconn_quote_counts(&e->quote.attest, &reset, &restart, err);

	if (error)
		return error;
	if (reset != held->reset_count || restart != held->restart_count ||
	    held->bytes > e->ima_log.len)
		return 0;
	e->ima_log.len -= held->bytes;
	memmove(e->ima_log.data, e->ima_log.data + held->bytes, e->ima_log.len);
	e->ima_base = held->bytes;
	return 0;
}

int tconn_evidence_collect(struct tconn_tpm *tpm, const struct tconn_sources *src,
			   const uint8_t qualifying[32], struct tconn_evidence *ret,
			   struct tconn_error *err)
{
	__attribute__((cleanup(tconn_evidence_free))) struct tconn_evidence e = { 0 };
	int error = read_certificate(src, &e.ak_cert, err);

	if (!error)
		error = tconn_tpm_key_public(tpm, TCONN_KEY_AK, &e.ak, err);
	if (!error)
		error = tconn_tpm_quote(tpm, TCONN_PCR_MASK, qualifying, &e.quote, err);
	if (!error)
		error = read_logs(src, &e, err);
	if (error)
		return tconn_fail_in(err, error, "evidence");
	read_kernel(&e);
	tconn_system_read("", src->confined, &e.system);
	*ret = e;
	e = (struct tconn_evidence){ 0 };
	return 0;
}
