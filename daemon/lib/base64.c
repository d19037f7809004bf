// SPDX-License-Identifier: Apache-2.0
#include "base64.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int tconn_base64_decode(const char *text, size_t max, struct tconn_bytes *ret)
{
	size_t len = strlen(text);
	int n;

	*ret = (struct tconn_bytes){ 0 };
	if (!len || len % 4 || text[len - 3] == '=')
		return -EINVAL;
	if (len / 4 * 3 > max || len > INT_MAX)
		return -EMSGSIZE;
	ret->data = malloc(len / 4 * 3);
	if (!ret->data)
		return -ENOMEM;
	n = EVP_DecodeBlock(ret->data, (const unsigned char *)text, (int)len);
	if (n < 0) {
		tconn_bytes_free(ret);
		*ret = (struct tconn_bytes){ 0 };
		return -EINVAL;
	}
	/* EVP_DecodeBlock counts the padding as bytes. */
	ret->len = (size_t)n - (text[len - 1] == '=') - (text[len - 2] == '=');
	return 0;
}
