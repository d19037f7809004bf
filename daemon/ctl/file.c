// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/base64.h"
#include "ctl.h"

int write_base64(const struct ctl *ctl, const char *path, const char *base64)
{
	struct tconn_bytes der = { 0 };
	struct tconn_error err;
	bool ok = false;
	FILE *f = NULL;

	if (tconn_base64_decode(base64, SIZE_MAX, &der) == 0)
		f = fopen(path, "we");
	if (f) {
		ok = fwrite(der.data, 1, der.len, f) == der.len;
		ok = fclose(f) == 0 && ok;
	}
	tconn_bytes_free(&der);
	if (ok)
		return CTL_OK;
	tconn_fail(&err, -EIO, "%s: cannot be written", path);
	return failure(ctl, -EIO, &err);
}

int read_whole(const char *path, uint8_t *buf, size_t size, size_t *ret_len,
	       struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	len = fread(buf, 1, size, f);
	fclose(f);
	if (len == size)
		return tconn_fail(err, -EFBIG, "%s: too large to be what it should", path);
	*ret_len = len;
	return 0;
}
