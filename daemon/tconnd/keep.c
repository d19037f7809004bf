// SPDX-License-Identifier: Apache-2.0
#include "keep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/digest.h"
#include "../lib/file.h"
#include "../lib/message.h"

static int check(const struct keep *k, const struct tconn_message *request,
		 const struct tconn_message *answer, const struct tconn_receipt *r,
		 struct tconn_error *err)
{
	uint8_t evidence[32];

	tconn_sha256(answer->evidence.data, answer->evidence.len, evidence);
	if (strcmp(r->service, k->service->name) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt is signed by service %s",
				  r->service);
	if (strcmp(r->device, k->device->name) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt is about another device");
	if (r->id != request->id || memcmp(r->nonce, request->nonce, sizeof(r->nonce)) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt is about another request");
	if (r->statement.len != request->statement.len ||
	    memcmp(r->statement.data, request->statement.data, r->statement.len) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt is about another statement");
	if (answer->record.len != sizeof(r->record) ||
	    memcmp(answer->record.data, &r->record, sizeof(r->record)) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt holds another record");
	if (memcmp(r->evidence_digest, evidence, sizeof(evidence)) != 0)
		return tconn_fail(err, -EKEYREJECTED, "the receipt is about other evidence");
	return 0;
}

static int store(const char *dir, const char *path, const struct tconn_bytes *cose,
		 struct tconn_error *err)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return tconn_fail(err, -errno, "%s: %s", dir, strerror(errno));
	return tconn_file_replace(path, cose, 0600, err);
}

static void receipt_cleanup(struct tconn_receipt *r)
{
	tconn_receipt_free(r);
}

int keep_receipt(const struct keep *k, const struct tconn_message *request,
		 const struct tconn_message *answer, const struct tconn_bytes *cose,
		 char *ret_path, size_t size, struct tconn_error *err)
{
	__attribute__((cleanup(receipt_cleanup))) struct tconn_receipt r = { 0 };
	int code = tconn_receipt_verify(cose->data, cose->len, k->trust, &r, err);

	if (code == 0)
		code = check(k, request, answer, &r, err);
	if (code < 0)
		return code;
	if (snprintf(ret_path, size, "%s/%010" PRIu64 "-%06" PRIu64 ".cose", k->dir, r.time,
		     r.id) >= (int)size)
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", k->dir);
	return store(k->dir, ret_path, cose, err);
}
