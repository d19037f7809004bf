/* SPDX-License-Identifier: Apache-2.0 */
/* The device holder's copy of what was agreed: one file a receipt. */
#ifndef TCONND_KEEP_H
#define TCONND_KEEP_H

#include "../lib/receipt.h"

/* Verifies that the receipt is the configured service's, about this device, this
 * request and this record, then writes it to DIR/TIME-ID.cose (mode 0600,
 * complete or not at all). ret_path gets the file's name.
 */
struct keep {
	const char *dir;
	struct x509_store_st *trust;
	const struct tconn_identity *device, *service;
};
struct tconn_message;
int keep_receipt(const struct keep *k, const struct tconn_message *request,
		 const struct tconn_message *answer, const struct tconn_bytes *cose,
		 char *ret_path, size_t size, struct tconn_error *err);

#endif
