/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PIN on its way from tconn-tui to the service, sealed with HPKE (hpke.h) to the
 * service's key for this request (verifier_key of REQUEST and record): what
 * carries it, tconnd included, sees 64 bytes that tell neither digits nor their
 * number. What is sealed is 16 bytes: how many digits, the digits, zeros.
 *	info	"tconn-pin-1", nonce (32), SHA-256(statement) (32)
 *	aad	SHA-256(record) (32)
 */
#ifndef TCONN_SEALED_PIN_H
#define TCONN_SEALED_PIN_H

#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/tconn.h"
#include "../../tui/statement.h"
#include "hpke.h"

#define TCONN_SEALED_PIN_SIZE	64	/* bytes, always */

struct tconn_pin {			/* secret */
	uint8_t len;
	char digits[TCONN_PIN_MAX];	/* ASCII */
};

/* What it is bound to. */
struct tconn_pin_binding {
	const uint8_t *nonce;		/* 32 bytes */
	const uint8_t *statement;
	size_t statement_len;
	const struct tconn_record *record;
};

/* Errors of tconn_hpke_seal(). */
int tconn_pin_seal(const struct tconn_pin *pin, const uint8_t key[TCONN_HPKE_KEY],
		   const struct tconn_pin_binding *to, uint8_t ret[TCONN_SEALED_PIN_SIZE]);

/*
 * -EBADMSG: not of this form. -EKEYREJECTED: sealed to another key, or bound to
 * something else. Whether the digits are digits is not looked at.
 */
int tconn_pin_open(const uint8_t *sealed, size_t len, const uint8_t private[TCONN_HPKE_KEY],
		   const uint8_t public[TCONN_HPKE_KEY], const struct tconn_pin_binding *to,
		   struct tconn_pin *ret);

void tconn_pin_wipe(struct tconn_pin *pin);

#endif
