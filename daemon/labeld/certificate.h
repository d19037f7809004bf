/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data key's certificate, which labels carry. tconnd or tconn-serviced renews it in
 * its file; from then on labels carry the new one.
 */
#ifndef LABELD_CERTIFICATE_H
#define LABELD_CERTIFICATE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "../lib/identity.h"

struct certificate {
	char path[4096];
	struct stat seen;		/* of the file when it was last looked at */
	uint8_t *der;
	size_t len;
	struct tconn_identity who;
};

int certificate_load(struct certificate *c, const char *identity_dir, struct tconn_error *err);
/* Reads the file where it is another than was seen. 1: c is renewed; 0: it is as it was. On
 * failure too, and that file is not looked at again: -EKEYREJECTED where the new one is not of
 * the TPM's key, -EXDEV of another identity.
 */
int certificate_renew(struct certificate *c, struct tconn_tpm *tpm, struct tconn_error *err);
void certificate_free(struct certificate *c);

#endif
