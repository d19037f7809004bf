// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

int write_base64(const struct ctl *ctl, const char *path, const char *base64)
{
	size_t len = strlen(base64);
	unsigned char *der = malloc(len + 1);
	struct tconn_error err;
	int n = der ? EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len) : -1;
	bool ok = false;
	FILE *f;

	/* EVP_DecodeBlock counts the padding as bytes. */
	for (size_t i = len; n > 0 && i > 0 && base64[i - 1] == '='; i--)
		n--;
	f = n > 0 ? fopen(path, "we") : NULL;
	if (f) {
		ok = fwrite(der, 1, (size_t)n, f) == (size_t)n;
		ok = fclose(f) == 0 && ok;
	}
	free(der);
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
