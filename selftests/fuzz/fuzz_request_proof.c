// SPDX-License-Identifier: Apache-2.0
/*
 * A proof; what the request asks is an empty statement and what the proof says besides, and
 * the policy's issuer is whoever the proof brings: so certificates and signature are looked
 * at, too. One that is accepted names a service.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/request_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_proof_header h = { 0 };
	const struct tconn_proof_of of = { h.nonce, h.verifier_key, (const uint8_t *)"", 0 };
	struct tconn_identity service = { 0 };
	struct tconn_error err = { "" };
	uint8_t issuer[32];
	size_t len = 0;

	if (size >= sizeof(h)) {
		memcpy(&h, data, sizeof(h));
		len = le16toh(h.issuer_len);
		len = len > size ? size : len;
	}
	tconn_sha256(data + size - len, len, issuer);
	if (tconn_proof_verify(data, size, &of, issuer, &service, &err)) {
		if (!err.text[0] || service.name[0])
			abort();
		return 0;
	}
	if (size > TCONN_PROOF_MAX || service.role != TCONN_ROLE_SERVICE ||
	    tconn_identity_name_check(TCONN_ROLE_SERVICE, service.name, NULL))
		abort();
	return 0;
}
