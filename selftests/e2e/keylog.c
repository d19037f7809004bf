// SPDX-License-Identifier: Apache-2.0
/*
 * LD_PRELOAD: has a program write the secrets of its TLS connections to /run/keylog, a line
 * each as in SSLKEYLOGFILE. So a test knows what to look for at the other end.
 */
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdio.h>

static void write_line(const SSL *ssl, const char *line)
{
	FILE *file = fopen("/run/keylog", "ae");

	(void)ssl;
	if (!file)
		return;
	fprintf(file, "%s\n", line);
	fclose(file);
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
	SSL_CTX *(*next)(const SSL_METHOD *) = dlsym(RTLD_NEXT, "SSL_CTX_new");
	SSL_CTX *ctx = next ? next(method) : NULL;

	if (ctx)
		SSL_CTX_set_keylog_callback(ctx, write_line);
	return ctx;
}
